from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regrow.actors import KILLED, NOPROC, NORMAL, SHUTDOWN, Crash, ExitReason, Failure, Shutdown
from regrow.supervisors import Restart, Sequel, sequel
from regrow.supervisors._restart import is_reported

ORDERLY = [NORMAL, SHUTDOWN, Shutdown("upgrade")]
ABNORMAL = [KILLED, NOPROC, Failure("why"), Crash("ValueError", "no", ())]
reasons = st.sampled_from(ORDERLY + ABNORMAL)


@given(reasons)
def test_a_permanent_child_is_restarted_however_it_ended(reason: ExitReason) -> None:
    assert sequel(Restart.PERMANENT, reason) is Sequel.RESTART


@pytest.mark.parametrize("reason", ABNORMAL, ids=str)
def test_a_transient_child_is_restarted_if_it_ended_abnormally(reason: ExitReason) -> None:
    assert sequel(Restart.TRANSIENT, reason) is Sequel.RESTART


@pytest.mark.parametrize("reason", ORDERLY, ids=str)
def test_a_transient_child_that_ended_in_order_stays_stopped_and_known(reason: ExitReason) -> None:
    assert sequel(Restart.TRANSIENT, reason) is Sequel.KEEP


@given(reasons)
def test_a_temporary_child_is_forgotten_however_it_ended(reason: ExitReason) -> None:
    assert sequel(Restart.TEMPORARY, reason) is Sequel.FORGET


@given(reasons)
def test_the_end_of_a_permanent_child_is_always_reported(reason: ExitReason) -> None:
    assert is_reported(Restart.PERMANENT, reason)


@given(st.sampled_from([Restart.TRANSIENT, Restart.TEMPORARY]), reasons)
def test_the_end_of_another_child_is_reported_if_it_is_abnormal(restart: Restart, reason: ExitReason) -> None:
    assert is_reported(restart, reason) is (reason in ABNORMAL)


@given(st.sampled_from(Restart), reasons)
def test_no_restart_goes_unreported(restart: Restart, reason: ExitReason) -> None:
    assert sequel(restart, reason) is not Sequel.RESTART or is_reported(restart, reason)
