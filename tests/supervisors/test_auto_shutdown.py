from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from regrow.supervisors import AutoShutdown, ChildSpec, Restart
from regrow.supervisors._auto_shutdown import is_over
from tests.support.supervised import fragile

MINOR = fragile("minor", restart=Restart.TRANSIENT)
MAJOR = fragile("major", restart=Restart.TRANSIENT, significant=True)

families = st.lists(st.sampled_from([MINOR, MAJOR]))


@given(when=st.sampled_from(AutoShutdown), left=families)
def test_a_child_that_is_not_significant_ends_alone(when: AutoShutdown, left: list[ChildSpec]) -> None:
    assert not is_over(when, MINOR, left)


@given(left=families)
def test_a_significant_child_ends_the_supervisor_as_that_says(left: list[ChildSpec]) -> None:
    over = {when: is_over(when, MAJOR, left) for when in AutoShutdown}
    assert over == {
        AutoShutdown.NEVER: False,
        AutoShutdown.ANY_SIGNIFICANT: True,
        AutoShutdown.ALL_SIGNIFICANT: MAJOR not in left,
    }
