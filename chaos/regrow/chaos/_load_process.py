"""The load generator as a process of its own: ``python -m regrow.chaos._load_process``.

It is apart from the gateway so that neither takes the other's processor time, and it obeys the lines on its
standard input (`regrow.chaos._load_protocol`). It ends when told to, when its input ends, or when its plan's
lifetime is over.
"""

import os
import sys

import trio

from ._clock import MonotonicClock
from ._lines import LineReader
from ._load_crowd import Crowd
from ._load_protocol import Finish, Plan, Probe, Report, decode_command, encode_line


def say(report: Report) -> None:
    """Write one line to the experiment, which always reads; if it is gone, this ends the process."""
    sys.stdout.buffer.write(encode_line(report))
    sys.stdout.buffer.flush()


async def main() -> None:
    """Follow the experiment's commands from its plan to its end."""
    # A duplicate, because trio makes its descriptors non-blocking and closes them.
    async with trio.lowlevel.FdStream(os.dup(sys.stdin.fileno())) as stream:
        commands = LineReader(stream)
        line = await commands.next_line()
        if line is None:
            return
        plan = decode_command(line)
        if not isinstance(plan, Plan):
            sys.exit(f"the first line must be a plan, not {line.decode()}")
        with trio.move_on_after(plan.lifetime):
            await follow(plan, commands)


async def follow(plan: Plan, commands: LineReader) -> None:
    """Put the load of `plan` on the gateway and obey `commands` until they end or say finish."""
    async with trio.open_nursery() as nursery:
        crowd = Crowd(plan, nursery, say)
        nursery.start_soon(crowd.run)
        while (line := await commands.next_line()) is not None:
            match decode_command(line):
                case Probe(clients):
                    nursery.start_soon(crowd.probe, clients)
                case Finish():
                    say(await crowd.finish())
                    break
                case Plan():
                    sys.exit("the plan cannot be changed")
        nursery.cancel_scope.cancel()


if __name__ == "__main__":
    trio.run(main, clock=MonotonicClock())
