"""What tests ask of registries and groups, in one wording."""

from __future__ import annotations

from typing import Any, NoReturn

from regrow.actors import GenServer, Pid, Registry, Reply, spawn
from tests.support.misbehaving import Puppet, answers, ask, wait_forever

__all__ = ["Idle", "bystander", "never", "registered_by"]


class Idle(GenServer):
    """A server that does nothing."""


def bystander() -> Pid:
    """A process that waits for its end."""
    return spawn(wait_forever)


def never(argument: object) -> NoReturn:
    """What must not be called."""
    raise AssertionError(argument)


async def registered_by(registry: Registry, key: Any, value: Any = None, *, pid: Pid | None = None) -> Pid:
    """Have a puppet, a new one unless one is given, register; its pid."""
    pid = pid or await Puppet.start([])
    assert pid is not None
    await ask(pid, answers(lambda _puppet, _caller: Reply(registry.register(key, value))))
    return pid
