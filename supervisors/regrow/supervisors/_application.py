"""What a developer writes of an application: what it needs, how its tree starts, and what to do at its end."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, cast

from ._errors import BadApplicationError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from regrow.actors import Pid

__all__ = ["Application", "StartType"]


class StartType(enum.StrEnum):
    """Why an application starts. OTP has takeover and failover between nodes beside it; here a node is alone."""

    NORMAL = "normal"
    """Somebody asked for it."""


class Application:
    """A supervision tree that starts and stops as one, with what it needs and what it can be told.

    ::

        class Chat(Application):
            applications = (Storage,)
            env = {"rooms": 10}

            async def start(self, start_type, args):
                return await Supervisor.start_link(rooms(get_env(Chat, "rooms")), name="chat")

        await ensure_all_started(Chat)

    One instance is made for each start; its attributes are the state that the callbacks share. They run in the
    application's master, the parent of the top supervisor, which traps exits. Any of them may be ``async def``.

    At the end of the application every process is killed that was started by one of its own and is still there, as
    far as living ancestors show it (`ancestors`); OTP's group leaders show it always.

    Raises:
        BadApplicationError: when the class is made: a field holds something outside its contract.

    See: OTP ``application``, its callback modules and its resource files. Left out: ``included_applications``, which
    OTP itself advises against (start their supervisors in the tree), distribution, and ``maxT``.
    """

    name: ClassVar[str] = "application"
    """What it is called, once on each node; by default its class's name."""
    applications: ClassVar[tuple[type[Application], ...]] = ()
    """Those that must run before it starts."""
    env: ClassVar[Mapping[str, Any]] = MappingProxyType({})
    """Its environment before anybody changes it: see `get_env` and `put_env`."""
    start_args: ClassVar[Any] = None
    """What `start` gets. See: the ``mod`` of OTP's resource file."""
    start_phases: ClassVar[tuple[tuple[str, Any], ...]] = ()
    """Names and arguments of what `start_phase` does, in order, once the tree has started."""

    def __init_subclass__(cls) -> None:
        """Name it, and check the contract for those who do not run a type checker."""
        super().__init_subclass__()
        if "name" not in vars(cls):
            cls.name = cls.__name__
        for field, holds, expected in _CONTRACT:
            value = getattr(cls, field)
            if not holds(value):
                raise BadApplicationError(cls.__qualname__, field, value, expected)

    def start(self, start_type: StartType, args: Any, /) -> Pid | Awaitable[Pid]:
        """Start the tree and return the pid of its top supervisor, linked to the running process.

        Raising fails the start. See: OTP ``Module:start/2``.
        """
        raise NotImplementedError(f"{type(self).__qualname__} defines no start")

    def start_phase(self, phase: str, start_type: StartType, args: Any, /) -> Awaitable[None] | None:
        """Do one step of the start, when the tree runs. Raising fails the start, and the tree is stopped again.

        See: OTP ``Module:start_phase/3``, where the tree stays behind.
        """
        raise NotImplementedError(f"{type(self).__qualname__} defines no start_phase, for {phase!r}")

    def prep_stop(self) -> Awaitable[None] | None:
        """Prepare for the end, while the tree still runs, unless it has ended by itself.

        What it raises is reported, and the application stops all the same. See: OTP ``Module:prep_stop/1``.
        """

    def stop(self) -> Awaitable[None] | None:
        """Clean up after the tree is gone. What it raises is reported. See: OTP ``Module:stop/1``."""

    def config_change(
        self, changed: Mapping[str, Any], new: Mapping[str, Any], removed: frozenset[str], /
    ) -> Awaitable[None] | None:
        """Learn what `change_config` has changed. See: OTP ``Module:config_change/3``."""


def _is_name(value: object) -> bool:
    return isinstance(value, str) and bool(value)


def _are_applications(value: object) -> bool:
    return isinstance(value, tuple) and all(
        isinstance(item, type) and issubclass(item, Application) for item in cast("tuple[object, ...]", value)
    )


def _are_phases(value: object) -> bool:
    return isinstance(value, tuple) and all(
        isinstance(item, tuple)
        and len(cast("tuple[object, ...]", item)) == _PAIR
        and _is_name(cast("tuple[object, ...]", item)[0])
        for item in cast("tuple[object, ...]", value)
    )


def _is_env(value: object) -> bool:
    return isinstance(value, Mapping) and all(isinstance(key, str) for key in cast("Mapping[object, object]", value))


_PAIR = 2

_CONTRACT: tuple[tuple[str, Callable[[object], bool], str], ...] = (
    ("name", _is_name, "a str that is not empty"),
    ("applications", _are_applications, "a tuple of Application classes"),
    ("env", _is_env, "a mapping of str to values"),
    ("start_phases", _are_phases, "a tuple of pairs of name and argument"),
)
