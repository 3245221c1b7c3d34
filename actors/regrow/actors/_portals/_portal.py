"""A node in a thread of its own, for programs that are not trio, and the portal through which they reach it."""

from __future__ import annotations

import atexit
import contextvars
import logging
import math
import os
import threading
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any, ParamSpec, Self, TypeVar, final

import trio

from regrow.actors._errors import NodeStoppedError, PortalError
from regrow.actors._portals._portal_request import Request
from regrow.actors._processes._context import current
from regrow.actors._processes._exit import NORMAL, ExitReason
from regrow.actors._processes._names import whereis
from regrow.actors._processes._node import open_node
from regrow.actors._processes._send import Destination, send
from regrow.actors._processes._task import TaskProcess
from regrow.actors._servers._call import call, cast
from regrow.actors._servers._stop import stop

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from concurrent.futures import Future
    from types import TracebackType

    from regrow.actors._processes._pid import Pid

__all__ = ["Portal", "run_in_thread"]

P = ParamSpec("P")
T = TypeVar("T")

LINGER = 1.0
"""Seconds that `Portal.close` waits for the thread beyond the node's own ``shutdown_timeout``."""

logger = logging.getLogger("regrow")


def run_in_thread(name: str = "regrow@localhost", *, shutdown_timeout: float = 10.0) -> Portal:
    """Start a node in a background thread and return the portal to it, once the node runs.

    For scripts, threaded servers and asyncio programs; a trio program opens the node itself, with `open_node`. The
    parameters are those of `open_node`.

    Raises:
        ValueError: ``shutdown_timeout`` is negative or infinite.
    """
    portal = Portal(name, shutdown_timeout)
    try:
        portal._await_start()
    except BaseException:
        portal._ask_to_end()
        raise
    atexit.register(portal._close_at_exit)
    return portal


@final
class Portal:
    """The way into a node that runs in a thread of its own. Made by `run_in_thread` only.

    Any thread may use it, except the node's own. What is run through it runs inside the node; exceptions are raised
    in the caller. A caller that is interrupted, say by Ctrl-C, leaves nothing behind: what ran for it is killed.

    `start` acts as the node's main process, which lives as long as the portal; like a block of `open_node` it dies
    with a linked process that ends abnormally, and the node with it. So start supervisors, which do not. Everything
    else acts as a process of its own, which ends with the request.

    Close it, or use it as a context manager; a portal that is still open when the interpreter exits closes itself.
    After ``os.fork`` the child has no such thread: it must not use the portal, and opens one of its own.

    Every operation raises:
        NodeStoppedError: the portal is closed, or the node has died; its cause says what of.
        PortalError: the calling thread is the node's own, or the process is a forked child.
    """

    def __init__(self, name: str, shutdown_timeout: float) -> None:
        self._name = name
        self._shutdown_timeout = shutdown_timeout
        self._os_process = os.getpid()
        self._started = threading.Event()
        self._is_closing = False
        self._has_ended = False
        self._failure: BaseException | None = None
        self._requests: set[Request] = set()
        # Made in the node's thread, and there once it has started.
        self._main: TaskProcess
        self._context: contextvars.Context
        self._closing: trio.Event | None = None
        self._nursery: trio.Nursery | None = None
        self._thread = threading.Thread(target=self._live, name=f"regrow {name}", daemon=True)
        self._thread.start()

    def __repr__(self) -> str:
        return f"<Portal to {self._name}>"

    # Running things inside.

    def submit(self, function: Callable[P, Awaitable[T]], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Run an async function as a process of the node, and return the future of its result at once.

        Cancelling the future kills the process. In an asyncio program::

            count = await asyncio.wrap_future(portal.submit(call, "counter", "next", timeout=1.0))

        The future raises what the function raised, or `CallError` with the reason its process died of.
        """
        return self._enter(partial(function, *args, **kwargs), _label_of(function), self._spawn)

    def run(self, function: Callable[P, Awaitable[T]], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Run an async function as a process of the node and wait for its result.

        Raises:
            CallError: the process was killed, or left with `exit_`.
            Exception: whatever the function raised.
        """
        return _result_of(self.submit(function, *args, **kwargs))

    def start(self, function: Callable[P, Awaitable[T]], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Call a start function such as `GenServer.start_link` as the node's main process; what it returns.

        Raises:
            InitFailedError: the process failed to start.
            AlreadyStartedError: its name is held.
        """
        value: T = _result_of(self._enter(partial(function, *args, **kwargs), _label_of(function), self._join))
        return value

    # What processes do, for those who are none.

    def call(self, to: Destination, request: object, *, timeout: float = 5.0) -> Any:
        """Send a request and wait for its reply, at most ``timeout`` seconds.

        Raises:
            CallError: no reply will come. See: `regrow.actors.call`.
        """
        return self.run(call, to, request, timeout=timeout)

    def stop(self, server: Destination, reason: ExitReason = NORMAL, *, timeout: float = math.inf) -> None:
        """Ask a server to terminate and wait until it has.

        Raises:
            CallError: it was not alive, took too long, or exited with another reason. See: `regrow.actors.stop`.
        """
        self.run(stop, server, reason, timeout=timeout)

    def send(self, to: Destination, message: object) -> None:
        """Put a message into a mailbox; it is there when this returns.

        Raises:
            UnknownNameError: ``to`` is a name nobody holds.
        """
        _result_of(self._enter(partial(send, to, message), "send", self._perform))

    def cast(self, to: Destination, request: object) -> None:
        """Send a request that wants no reply. Does not wait: a dead pid or unknown name is no error."""
        self._enter(partial(cast, to, request), "cast", self._perform)

    def whereis(self, name: str) -> Pid | None:
        """The process that holds a name, if any."""
        pid: Pid | None = _result_of(self._enter(partial(whereis, name), "whereis", self._perform))
        return pid

    # The end.

    def close(self) -> None:
        """Stop the node and wait until it has: the tree from its roots down, then what is left by kill.

        Takes little longer than ``shutdown_timeout`` even if something in the node never ends; that is logged then,
        and left behind in a daemon thread. Requests that are not answered yet raise `NodeStoppedError`. Closing again
        is no error. In a forked child it does nothing: there is nothing to close.

        Raises:
            NodeStoppedError: the node had died before; its cause says what of.
            PortalError: the calling thread is the node's own.
        """
        if os.getpid() != self._os_process:
            return
        self._check_thread()
        atexit.unregister(self._close_at_exit)
        self._ask_to_end()
        self._thread.join(self._shutdown_timeout + LINGER)
        if self._thread.is_alive():
            patience = self._shutdown_timeout + LINGER
            logger.warning("%s has not ended within %s s; its thread is left behind", self._name, patience)
            self._turn_away()
        if self._failure is not None:
            raise self._gone()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, error: BaseException | None, _traceback: TracebackType | None
    ) -> None:
        try:
            self.close()
        except NodeStoppedError:
            if error is None:  # otherwise the block has failed already, of this as a rule
                raise

    def _close_at_exit(self) -> None:
        with suppress(NodeStoppedError):  # that was logged when it happened
            self.close()

    def _ask_to_end(self) -> None:
        self._is_closing = True
        if self._closing is not None:
            self._tell(self._closing.set)

    # Getting in, from any thread.

    def _enter(self, function: Callable[[], object], label: str, begin: Callable[[Request], None]) -> Future[Any]:
        if os.getpid() != self._os_process:
            raise PortalError(
                f"{self} was opened before this process was forked and does not reach into it: call run_in_thread() "
                "after the fork, in each worker"
            )
        self._check_thread()
        if self._is_closing or self._has_ended:
            raise self._gone()
        request = Request(function, label, self._main)
        self._requests.add(request)
        request.add_done_callback(self._settled)
        self._tell(self._begin, request, begin)
        if self._has_ended:  # meanwhile, and may have overlooked this one
            self._turn_away()
        return request

    def _tell(self, function: Callable[..., object], *args: Any) -> None:
        with suppress(trio.RunFinishedError):  # then there is nothing left to tell
            self._main.node.token.run_sync_soon(function, *args)

    def _check_thread(self) -> None:
        if threading.current_thread() is self._thread:
            raise PortalError(
                f"{self} was used in the thread of its own node, which would wait for itself: "
                "a process uses call, send and start_link directly"
            )

    def _settled(self, request: Future[Any]) -> None:
        assert isinstance(request, Request)
        self._requests.discard(request)
        if request.cancelled() and os.getpid() == self._os_process:
            self._tell(request.withdraw)

    def _turn_away(self) -> None:
        for request in list(self._requests):
            request.fail(self._gone())

    def _gone(self) -> NodeStoppedError:
        error = NodeStoppedError(
            f"{self} is closed" if self._failure is None else f"{self._name} has died: {self._failure!r}"
        )
        error.__cause__ = self._failure
        return error

    # Inside, in the node's thread.

    def _begin(self, request: Request, begin: Callable[[Request], None]) -> None:
        if self._nursery is not None and not request.done():
            self._context.run(begin, request)

    def _perform(self, request: Request) -> None:
        request.perform()

    def _spawn(self, request: Request) -> None:
        request.spawn()

    def _join(self, request: Request) -> None:
        assert self._nursery is not None
        self._nursery.start_soon(request.join)

    def _live(self) -> None:
        try:
            trio.run(self._host)
        except BaseException as error:  # noqa: BLE001 - a thread has no caller: those of the portal get it
            self._failure = error
            if self._started.is_set():
                logger.error("%s has died: %r", self._name, error)  # noqa: TRY400 - whatever crashed has its report
        finally:
            self._has_ended = True
            self._turn_away()
            self._started.set()

    async def _host(self) -> None:
        async with open_node(self._name, shutdown_timeout=self._shutdown_timeout), trio.open_nursery() as nursery:
            main = current()
            assert isinstance(main, TaskProcess)
            self._main = main
            self._context = contextvars.copy_context()
            self._nursery = nursery
            self._closing = closing = trio.Event()
            self._started.set()
            if self._is_closing:  # before there was an event to be told by
                closing.set()
            try:
                await closing.wait()
            finally:
                self._nursery = None
                nursery.cancel_scope.cancel()

    def _await_start(self) -> None:
        self._started.wait()
        if self._failure is not None:
            raise self._failure


def _result_of(future: Future[T]) -> T:
    """Wait for the result; whoever is interrupted in the meantime does not want it any more."""
    try:
        return future.result()
    finally:
        future.cancel()  # a no-op if it is done
        del future  # the traceback of what it raised would keep it alive, and that it


def _label_of(function: Callable[..., object]) -> str:
    return getattr(function, "__qualname__", None) or repr(function)
