from __future__ import annotations

import dataclasses
import math
from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from regrow.supervisors import (
    BRUTAL_KILL,
    BadChildSpecError,
    ChildSpec,
    ChildType,
    Restart,
    RestartLimit,
    SupervisorError,
)
from tests.support.misbehaving_children import Fragile


def spec(**fields: Any) -> ChildSpec:
    recipe: dict[str, Any] = {"id": "a", "start": Fragile.start_link, **fields}
    return ChildSpec(**recipe)


def test_a_child_is_a_permanent_worker_unless_the_spec_says_so() -> None:
    child = spec()
    assert (child.args, child.restart, child.type) == ((), Restart.PERMANENT, ChildType.WORKER)
    assert child.limit is None
    assert child.given_up is None


def test_a_worker_has_five_seconds_to_stop_and_a_supervisor_all_the_time_it_needs() -> None:
    assert spec().grace == 5.0
    assert spec(type=ChildType.SUPERVISOR).grace == math.inf


@pytest.mark.parametrize("shutdown", [0, 0.5, 3600, math.inf, BRUTAL_KILL])
def test_the_time_to_stop_can_be_chosen(shutdown: Any) -> None:
    assert spec(shutdown=shutdown).grace == shutdown
    assert spec(shutdown=shutdown, type=ChildType.SUPERVISOR).grace == shutdown


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("id", None),
        ("id", []),
        ("start", "Fragile"),
        ("start", None),
        ("args", [1]),
        ("args", None),
        ("restart", "permanent"),
        ("restart", None),
        ("shutdown", -1),
        ("shutdown", math.nan),
        ("shutdown", True),
        ("shutdown", "brutal_kill"),
        ("type", "worker"),
        ("limit", 3),
        ("given_up", "later"),
    ],
)
def test_u4_a_field_outside_its_contract_is_refused_by_name(field: str, value: object) -> None:
    with pytest.raises(
        BadChildSpecError, match=rf"ChildSpec\.{field} must be .*got {value!r}".replace("[", r"\[")
    ) as e:
        spec(**{field: value})
    assert e.value.field == field


def test_a_bad_spec_can_be_caught_as_a_value_error_or_as_any_error_of_supervisors() -> None:
    assert issubclass(BadChildSpecError, ValueError)
    assert issubclass(BadChildSpecError, SupervisorError)


def test_a_spec_never_changes() -> None:
    child = spec(limit=RestartLimit(1, 1))
    with pytest.raises(dataclasses.FrozenInstanceError):
        child.id = "b"  # type: ignore[misc]


def test_a_variant_of_a_spec_is_checked_like_any_other() -> None:
    spec = ChildSpec("a", Fragile.start_link, ("value",))
    assert replace(spec, id="b") == ChildSpec("b", Fragile.start_link, ("value",))
    with pytest.raises(BadChildSpecError, match="shutdown"):
        replace(spec, shutdown=-1)


@pytest.mark.parametrize(
    "start",
    [Fragile.start_link, partial(Fragile.start_link, name="a"), partial(partial(Fragile.start_link), "value")],
)
def test_the_code_of_a_child_is_the_module_of_what_is_started_unless_the_spec_says_so(start: Any) -> None:
    assert ChildSpec("a", start).code == (Fragile.__module__,)
    assert ChildSpec("a", start, modules=("app", "app.codec")).code == ("app", "app.codec")


def test_the_code_of_a_child_that_starts_with_a_function_is_the_module_of_that() -> None:
    assert ChildSpec("a", lambda: None).code == (__name__,)


def test_what_is_kept_of_a_temporary_child_says_the_same_but_how_to_start_it() -> None:
    spec = ChildSpec("a", Fragile.start_link, ("value",), restart=Restart.TEMPORARY, shutdown=3, significant=True)
    kept = spec.kept
    assert (kept.args, kept.grace, kept.significant, kept.code) == ((), 3, True, spec.code)
