"""What starting and stopping a crowd of children costs, in Python calls a child: ``python -m ... KIND CHILD FEW MANY``.

Calls are counted rather than time, because their number does not depend on the machine; in an interpreter of its own,
because a profiler counts, and slows, whatever else lives in this one.
"""

from __future__ import annotations

import gc
import json
import math
import sys
from typing import TYPE_CHECKING, Any

import trio

from regrow.actors import SHUTDOWN, Pid, exit_signal, open_node, trap_exit
from regrow.supervisors import ChildSpec, DynamicSupervisor, Restart, Supervisor, start_child, terminate_child
from tests.support.misbehaving_children import Fragile, Slow
from tests.support.supervised import its_end

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

KINDS: dict[str, Any] = {"static": Supervisor, "dynamic": DynamicSupervisor}
CHILDREN: dict[str, Any] = {"inline": Fragile, "task": Slow}


async def calls_of(action: Callable[[], Awaitable[object]]) -> int:
    """How many Python functions are called until an action is done."""
    count = 0

    def note(_frame: object, event: str, _arg: object) -> None:
        nonlocal count
        count += event == "call"

    gc.disable()
    sys.setprofile(note)
    try:
        await action()
    finally:
        sys.setprofile(None)
        gc.enable()
    return count


async def cost_of(kind: str, child: str, size: int) -> tuple[float, float, float]:
    """Calls per child to start so many, to stop half of them one by one, and to stop the rest with the supervisor."""
    trap_exit()
    is_static = kind == "static"
    supervisor: Pid = await (Supervisor.start_link([]) if is_static else DynamicSupervisor.start_link())
    restart = Restart.PERMANENT if is_static else Restart.TEMPORARY
    specs = [ChildSpec(number, CHILDREN[child].start_link, restart=restart) for number in range(size)]
    pids: list[Pid | None] = []

    async def start_all() -> None:
        pids.extend([await start_child(supervisor, spec) for spec in specs])

    async def stop_half() -> None:
        for number in range(size // 2):
            await terminate_child(supervisor, number if is_static else pids[number])

    async def stop_rest() -> None:
        exit_signal(supervisor, SHUTDOWN)
        await its_end(supervisor)

    return (
        await calls_of(start_all) / size,
        await calls_of(stop_half) / size,
        await calls_of(stop_rest) / size,
    )


async def main(kind: str, child: str, *sizes: str) -> None:
    async with open_node(budget=math.inf):  # preemption would be counted too
        print(json.dumps([await cost_of(kind, child, int(size)) for size in sizes]))  # noqa: T201 - its answer


if __name__ == "__main__":
    trio.run(main, sys.argv[1], sys.argv[2], *sys.argv[3:])
