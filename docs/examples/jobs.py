"""Work that may fail, in tasks under a supervisor."""

from functools import partial

import trio

from regrow.actors import TaskDone, TaskExited, open_node
from regrow.supervisors import ChildSpec, ChildType, Supervisor, TaskSupervisor


async def parse(line: str) -> int:
    await trio.sleep(0.1)  # something slow
    return int(line)


async def main() -> None:
    async with open_node():
        tasks = partial(TaskSupervisor.start_link, name="tasks")
        await Supervisor.start_link([ChildSpec("tasks", tasks, type=ChildType.SUPERVISOR)])

        lines = ["1", "two", "3"]
        async with TaskSupervisor.async_stream_nolink("tasks", lines, parse, max_concurrency=2) as outcomes:
            async for outcome in outcomes:
                match outcome:
                    case TaskDone(value):
                        print("parsed", value)
                    case TaskExited(reason):
                        print("failed:", reason)


if __name__ == "__main__":
    trio.run(main)
