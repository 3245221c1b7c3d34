from __future__ import annotations

from importlib.util import find_spec

import pytest

from tests.benchmarks.peers import on_pykka, on_regrow
from tests.benchmarks.peers.catalogue import CANNOT, NOTES, OURS, PEERS, PYKKA, WORKS, Work, chosen


def names(*wanted: str) -> list[str]:
    return [work.name for work in chosen(wanted)]


def test_chosen_takes_beginnings_of_names() -> None:
    assert names("c") == ["call", "crash"]
    assert names() == [work.name for work in WORKS]


def test_chosen_refuses_a_name_that_fits_nothing() -> None:
    with pytest.raises(ValueError, match="there are spawn, messages, call, crash, scale"):
        chosen(("echo",))


def test_every_peer_has_a_program() -> None:
    for peer in PEERS:
        assert find_spec(peer.program[0]) is not None


def test_ours_and_pykka_do_all_that_is_not_said_to_be_impossible() -> None:
    every = {work.name for work in WORKS}
    assert set(on_regrow.WORKS) == every
    assert set(on_pykka.WORKS) == {name for name in every if (PYKKA, name) not in CANNOT}


def test_what_ours_do_needs_no_excuse() -> None:
    assert not any(peer in OURS for peer, _ in [*CANNOT, *NOTES])


@pytest.mark.parametrize("remarks", [CANNOT, NOTES], ids=["cannot", "notes"])
def test_remarks_are_about_works_that_exist(remarks: dict[tuple[object, str], str]) -> None:
    assert {work for _, work in remarks} <= {work.name for work in WORKS}


@pytest.mark.parametrize("work", WORKS, ids=lambda work: work.name)
def test_a_field_is_shown_once(work: Work) -> None:
    fields = [quantity.field for quantity in work.quantities]
    assert len(set(fields)) == len(fields)
