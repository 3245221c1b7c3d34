"""Agent: a process around a value, for state that several processes share. See: Elixir ``Agent``.

Functions are sent to it and run in it, one after the other. They are plain functions that do not wait; long work
belongs in a `Task`, whose result is put into the agent.
"""

from __future__ import annotations

import inspect
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar, final
from typing import cast as as_type

from regrow.actors._errors import AgentFunctionError
from regrow.actors._processes._exit import NORMAL, ExitReason, bad_return
from regrow.actors._servers._call import From, call, cast
from regrow.actors._servers._gen_server import GenServer
from regrow.actors._servers._outcomes import Reply, Stop
from regrow.actors._servers._stop import stop

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from regrow.actors._processes._names import Name
    from regrow.actors._processes._pid import Pid
    from regrow.actors._processes._send import Destination

__all__ = ["Agent"]

F = TypeVar("F", bound="Callable[..., Any]")


@final
@dataclass(frozen=True, slots=True)
class _Get:
    function: Callable[[Any], Any]


@final
@dataclass(frozen=True, slots=True)
class _Update:
    function: Callable[[Any], Any]


@final
@dataclass(frozen=True, slots=True)
class _GetAndUpdate:
    function: Callable[[Any], Any]


@final
class Agent(GenServer):
    """A process that holds one value.

    ::

        counter = await Agent.start_link(int)
        await Agent.update(counter, lambda n: n + 1)
        print(await Agent.get(counter, lambda n: n))

    A function that raises ends the agent, and the caller gets a `CallError` with the reason. What a function returns is
    shared with the caller, not copied: return frozen values. Each of the functions that ask raises `CallError`,
    `CannotWaitError` and `NotAProcessError` as `call` does, and `AgentFunctionError` for a coroutine function, in the
    caller.
    """

    state: Any
    """The value."""

    @classmethod
    async def start_link(  # type: ignore[override]  # how a behaviour is started is its own affair
        cls, function: Callable[[], Any], *, name: Name | None = None
    ) -> Pid:
        """Start a linked agent whose value is what ``function()`` returns, computed in it.

        Raises:
            AgentFunctionError: a coroutine function.
            AlreadyStartedError: the name is held.
            InitFailedError: the function raised.

        See: Elixir ``Agent.start_link/2``.
        """
        pid = await super().start_link(_plain(function), name=name)
        assert pid is not None
        return pid

    @classmethod
    async def start(  # type: ignore[override]  # how a behaviour is started is its own affair
        cls, function: Callable[[], Any], *, name: Name | None = None
    ) -> Pid:
        """Like `start_link`, without the link. See: Elixir ``Agent.start/2``."""
        pid = await super().start(_plain(function), name=name)
        assert pid is not None
        return pid

    @staticmethod
    def get(agent: Destination, function: Callable[[Any], Any], timeout: float = 5.0) -> Awaitable[Any]:
        """What ``function(value)`` returns. See: Elixir ``Agent.get/3``."""
        return call(agent, _Get(_plain(function)), timeout=timeout)

    @staticmethod
    def update(agent: Destination, function: Callable[[Any], Any], timeout: float = 5.0) -> Awaitable[None]:
        """Let the value be what ``function(value)`` returns. See: Elixir ``Agent.update/3``."""
        return call(agent, _Update(_plain(function)), timeout=timeout)

    @staticmethod
    def get_and_update(agent: Destination, function: Callable[[Any], Any], timeout: float = 5.0) -> Awaitable[Any]:
        """``function(value)`` returns a pair: what the caller gets, and the new value.

        See: Elixir ``Agent.get_and_update/3``.
        """
        return call(agent, _GetAndUpdate(_plain(function)), timeout=timeout)

    @staticmethod
    def cast(agent: Destination, function: Callable[[Any], Any]) -> None:
        """Like `update`, without waiting for it. See: Elixir ``Agent.cast/2``."""
        cast(agent, _Update(_plain(function)))

    @staticmethod
    def stop(agent: Destination, reason: ExitReason = NORMAL, *, timeout: float = math.inf) -> Awaitable[None]:
        """Stop it and wait until it is gone, as `regrow.actors.stop` does. See: Elixir ``Agent.stop/3``."""
        return stop(agent, reason, timeout=timeout)

    # The server.

    def init(self, function: Callable[[], Any]) -> None:
        """Compute the first value."""
        self.state = function()

    def handle_call(self, request: Any, _caller: From) -> Reply | Stop:
        """Run a function on the value."""
        match request:
            case _Get(function):
                return Reply(function(self.state))
            case _Update(function):
                self.state = function(self.state)
                return Reply(None)
            case _GetAndUpdate(function):
                return self._pair(function, function(self.state))
            case _:
                raise NotImplementedError(f"an agent does not know the request {request!r}")

    def _pair(self, function: Callable[..., Any], returned: object) -> Reply | Stop:
        pair = as_type("tuple[Any, ...]", returned)
        if isinstance(returned, tuple) and len(pair) == 2:  # noqa: PLR2004 - what makes a pair
            self.state = pair[1]
            return Reply(pair[0])
        return Stop(bad_return(function, pair, "a pair: what the caller gets, and the new value"))

    def handle_cast(self, request: Any) -> None:
        """Run a function on the value."""
        if not isinstance(request, _Update):
            raise NotImplementedError(f"an agent does not know the request {request!r}")
        self.state = request.function(self.state)


def _plain(function: F) -> F:
    if inspect.iscoroutinefunction(function):
        raise AgentFunctionError(
            f"{function!r} is a coroutine function, and an agent runs plain functions only: have a Task compute the "
            "value and put it into the agent"
        )
    return function
