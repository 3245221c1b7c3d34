"""supervisor_SUITE, groups on links and trees: a child that deserts, and supervisors under supervisors."""

from __future__ import annotations

from functools import partial
from typing import Any

from regrow.actors import Pid, open_node, self_
from regrow.supervisors import (
    ChildSpec,
    ChildType,
    DynamicSupervisor,
    Restart,
    Strategy,
    Supervisor,
    start_child,
    terminate_child,
    which_children,
)
from tests.support.misbehaving_children import Deserter
from tests.support.supervised import child, crash, fragile
from tests.support.trio_test import trio_test


async def start_deserter() -> Pid | None:
    return await Deserter.start_link(self_())


def subtree(name: str, *children: ChildSpec, restart: Restart = Restart.PERMANENT, **options: Any) -> ChildSpec:
    start = partial(Supervisor.start_link, **options)
    return ChildSpec(name, start, (children,), restart=restart, type=ChildType.SUPERVISOR)


@trio_test
async def test_child_unlink() -> None:
    """A child that unlinked itself cannot keep terminate_child waiting."""
    async with open_node():
        supervisor = await Supervisor.start_link([ChildSpec("naughty", start_deserter)])
        naughty = await child(supervisor, "naughty")
        await terminate_child(supervisor, "naughty")
        assert not naughty.is_alive
        assert await child(supervisor, "naughty") is None


@trio_test
async def test_tree() -> None:
    """Only the child that died is restarted; a subtree that gave up starts anew, without what was added to it."""
    async with open_node():
        top = await Supervisor.start_link(
            [
                subtree("left", fragile("a"), fragile("b"), intensity=1),
                subtree("right", fragile("c"), restart=Restart.TRANSIENT),
                ChildSpec("crowd", DynamicSupervisor.start_link, type=ChildType.SUPERVISOR),
            ],
            strategy=Strategy.ONE_FOR_ALL,
            intensity=3,
        )
        left, right, crowd = [await child(top, name) for name in ("left", "right", "crowd")]
        added = await start_child(left, fragile("added"))
        await start_child(crowd, fragile("visitor"))
        a, b, c = await child(left, "a"), await child(left, "b"), await child(right, "c")

        await crash(left, "a")
        assert await child(left, "a") not in {a, None}
        assert [await child(left, "b"), await child(left, "added"), await child(right, "c")] == [b, added, c]
        assert [await child(top, name) for name in ("left", "right", "crowd")] == [left, right, crowd]

        await terminate_child(top, "right")
        assert await child(top, "right") is None

        await crash(left, "a")  # one too many: it escalates to the top, which restarts all three
        assert not left.is_alive
        left, right, crowd = [await child(top, name) for name in ("left", "right", "crowd")]
        assert {info.id for info in await which_children(left)} == {"a", "b"}
        assert await which_children(crowd) == []
        assert isinstance(await child(right, "c"), Pid)  # what was stopped came back with the group (rule U-7)
