"""Applications that write down what happens to them, need each other, fail, and leave things behind."""

from __future__ import annotations

from functools import partial
from typing import Any, ClassVar

import trio

from regrow.actors import Pid, register, spawn
from regrow.supervisors import Application, ChildSpec, StartType, Supervisor, get_env
from tests.support.misbehaving_children import Witness

_events: list[str] = []


def diary() -> list[str]:
    """What has been written since somebody read last."""
    read = _events.copy()
    _events.clear()
    return read


class Recorded(Application):
    """Writes down its callbacks, and the life of its one child, ``witness``."""

    env: ClassVar = {"a": 1, "b": 1}
    start_args = "args"

    async def start(self, start_type: StartType, args: Any) -> Pid:
        _events.append(f"start {start_type} {args}")
        return await Supervisor.start_link(
            [ChildSpec("w", partial(Witness.start_link, name="witness"), ("w", _events))]
        )

    def start_phase(self, phase: str, start_type: StartType, args: Any) -> None:
        _events.append(f"phase {phase} {start_type} {args}")
        if args == "fail":
            raise RuntimeError(f"no phase for {phase}")

    def prep_stop(self) -> None:
        _events.append("prep_stop")

    async def stop(self) -> None:
        _events.append("stop")

    def config_change(self, changed: Any, new: Any, removed: Any) -> None:
        _events.append(f"config {changed} {new} {sorted(removed)}")


class Storage(Application):
    async def start(self, start_type: StartType, args: Any) -> Pid:
        return await Supervisor.start_link([])


class Web(Storage):
    applications = (Storage,)
    env: ClassVar = {"port": 80}


class Broken(Application):
    """Starts by calling what is in its environment under ``start``."""

    def start(self, start_type: StartType, args: Any) -> Any:
        return get_env(Broken, "start")()


class Base(Storage):
    async def prep_stop(self) -> None:
        _events.append(f"prep_stop {self.name}")

    async def stop(self) -> None:
        _events.append(f"stop {self.name}")


class Dependent(Base):
    applications = (Base,)


class Boundless(Application):
    """Leaves a process behind that nobody supervises."""

    async def start(self, start_type: StartType, args: Any) -> Pid:
        register("stray", spawn(trio.sleep_forever))
        return await Supervisor.start_link([])
