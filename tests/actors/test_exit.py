"""Exit reasons (rule P-4): values, made at the boundary."""

from __future__ import annotations

import copy
import pickle

import pytest
import trio

from regrow.actors import (
    CALLING_SELF,
    KILL,
    KILLED,
    NOPROC,
    NORMAL,
    SHUTDOWN,
    TIMEOUT,
    BadReturn,
    CallError,
    CallFailed,
    Crash,
    ExitProcess,
    ExitReason,
    Failure,
    InitFailedError,
    Shutdown,
)
from regrow.actors._processes._exit import _DEEPEST, reason_of
from tests.support.misbehaving import RaisingTextError, raising

ATOMS = [CALLING_SELF, KILL, KILLED, NOPROC, NORMAL, SHUTDOWN, TIMEOUT]


@pytest.mark.parametrize("atom", ATOMS, ids=repr)
def test_an_atom_stays_itself_through_copy_and_pickle(atom: ExitReason) -> None:
    assert copy.deepcopy(atom) is atom
    assert pickle.loads(pickle.dumps(atom)) is atom  # noqa: S301


@pytest.mark.parametrize(
    ("reason", "abnormal"),
    [
        (NORMAL, False),
        (SHUTDOWN, False),
        (Shutdown("x"), False),
        (KILL, True),
        (KILLED, True),
        (NOPROC, True),
        (TIMEOUT, True),
        (Failure("x"), True),
        (BadReturn("f", "1", "None"), True),
        (CallFailed(NORMAL, "<0.1>"), True),
        (Crash("ValueError", "bad", ()), True),
    ],
)
def test_all_but_normal_and_shutdown_are_abnormal(reason: ExitReason, abnormal: object) -> None:
    assert reason.is_abnormal is abnormal


def test_a_reason_of_ones_own_is_abnormal() -> None:
    class Mine(ExitReason):
        pass

    assert Mine().is_abnormal


def crash(error: BaseException) -> ExitReason:
    try:
        raising(error)
    except BaseException as caught:  # noqa: BLE001
        return reason_of(caught)
    raise AssertionError


def test_errors_that_know_their_reason_say_it() -> None:
    assert crash(ExitProcess(SHUTDOWN)) is SHUTDOWN
    assert crash(CallError(NOPROC, "it")) == CallFailed(NOPROC, "it")
    assert crash(InitFailedError(TIMEOUT)) == Failure(TIMEOUT)


def test_a_group_of_one_counts_as_its_member() -> None:
    assert crash(BaseExceptionGroup("", [BaseExceptionGroup("", [ExitProcess(SHUTDOWN)])])) is SHUTDOWN
    reason = crash(ExceptionGroup("", [ValueError("bad")]))
    assert isinstance(reason, Crash)
    assert reason.type == "ValueError"


@pytest.mark.parametrize("foreign", [KeyboardInterrupt(), SystemExit(1), trio.Cancelled._create()])
def test_a_group_that_holds_what_belongs_to_the_node_has_no_reason(foreign: BaseException) -> None:
    group = BaseExceptionGroup("", [ValueError("bad"), foreign])

    with pytest.raises(BaseExceptionGroup) as caught:
        crash(group)
    assert caught.value is group


def test_an_exception_that_cannot_be_printed_is_a_crash_all_the_same() -> None:
    reason = crash(RaisingTextError())

    assert isinstance(reason, Crash)
    assert reason.type.endswith("RaisingTextError")
    assert "RuntimeError" in reason.message


def test_a_deep_stack_keeps_its_innermost_frames() -> None:
    def recurse(depth: int) -> None:
        if depth == 0:
            raise ValueError("deep")
        recurse(depth - 1)

    with pytest.raises(ValueError, match="deep") as caught:
        recurse(500)
    reason = reason_of(caught.value)

    assert isinstance(reason, Crash)
    assert len(reason.stack) == _DEEPEST
    assert all(frame.function.endswith("recurse") for frame in reason.stack)
    assert str(reason).startswith("ValueError: deep at ")


def test_a_crash_without_a_stack_prints() -> None:
    assert str(Crash("ValueError", "bad", ())) == "ValueError: bad"
