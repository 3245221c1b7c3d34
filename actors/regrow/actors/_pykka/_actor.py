"""Actor: pykka's user contract on our processes. The only file that touches a pykka underscore.

What pykka promises holds: ``tell``, ``ask``, ``proxy()``, ``stop``, ``on_start``, ``on_receive``, ``on_stop``,
``on_failure``. Its receive loop, its registry and its event and uuid per actor are not used: they cost 2.5 kB and
20 us an actor, swallow cancellation, and make stopping N actors O(N**2). The pykka surface of an actor (inbox,
urn, ref) is made when someone asks for it.

Where the BEAM and pykka differ the BEAM wins: an exception in an ``ask`` ends the actor, and the caller learns
the exit reason.

To other processes an actor is a server: `call` is an ``ask``, `cast` a ``tell``, `stop` a ``stop``. It is no behaviour
to `sys`: a system message is dropped, and who asked waits in vain (rule Y-4).
"""

from __future__ import annotations

import math
import sys
from typing import TYPE_CHECKING, Any, ClassVar, Self, final

import pykka
import trio
from pykka import messages
from pykka._envelope import Envelope

from regrow.actors._processes._bounded import DROPPED
from regrow.actors._processes._context import current
from regrow.actors._processes._exit import MAILBOX_FULL, NOPROC, NORMAL, ExitProcess, ExitReason
from regrow.actors._processes._monitors import watch
from regrow.actors._processes._signals import Exit
from regrow.actors._processes._start import Ack, spawn_task, start_inline, start_task
from regrow.actors._processes._task import TaskProcess
from regrow.actors._pykka._future import ActorFuture, is_thread_of
from regrow.actors._servers._call import Call, Cast, From, StopRequest
from regrow.actors._servers._callbacks import are_plain, resolved
from regrow.actors._system._system_messages import SystemMessage

if TYPE_CHECKING:
    from types import TracebackType

    from regrow.actors._processes._bounded import Bounded
    from regrow.actors._processes._names import Name
    from regrow.actors._processes._pid import Pid

__all__ = ["Actor", "Envelope", "handled", "is_stop", "made_with"]

_HOOKS = ("on_start", "on_receive", "on_stop", "on_failure")


class Actor(pykka.Actor):
    """Subclass it as you would `pykka.ThreadingActor`; it runs as a process of the node instead of a thread.

    If every hook is a plain function the process is inline, otherwise a trio task. From a trio task use
    ``await ref.ask(message, block=False)`` and ``await proxy.method()``; a blocking ``get()`` there is refused.
    """

    pid: Pid
    """This process. Set before `on_start` runs."""

    _inline: ClassVar[bool] = True
    _parent: Pid | None = None
    _ref: pykka.ActorRef[Any] | None = None

    def __init_subclass__(cls) -> None:
        """Choose the driver: what the hooks are decides it."""
        super().__init_subclass__()
        cls._inline = are_plain(cls, _HOOKS)

    def __init__(self, *_args: Any, **_kwargs: Any) -> None:
        """Nothing is made here that nobody asked for yet."""

    # The hooks, which may also be coroutine functions.

    def on_start(self) -> Any:
        """Runs as the process, before any message. Raising fails the start."""

    def on_stop(self) -> Any:
        """Runs after the last message when the actor is stopped, not when it crashed."""

    def on_failure(
        self,
        exception_type: type[BaseException] | None,
        exception_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> Any:
        """Runs when a message made the actor crash, with what `sys.exc_info` says, before it dies."""

    # Starting. pykka's own start registers the actor in a global list and runs its loop.

    @classmethod
    def start(cls, *args: Any, **kwargs: Any) -> pykka.ActorRef[Self]:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Start an actor ``cls(*args, **kwargs)`` that is linked to nobody, and return its ref.

        An inline actor has run `on_start` when this returns; a task runs it later.

        Raises:
            InitFailedError: `on_start` of an inline actor raised.
            NotAProcessError: the caller is not a process.
        """
        actor = cls(*args, **kwargs)
        actor._start_actor_loop()
        return actor.actor_ref

    @classmethod
    async def start_link(
        cls,
        *args: Any,
        name: Name | None = None,
        timeout: float = math.inf,
        mailbox: Bounded | None = None,
        **kwargs: Any,
    ) -> Pid | None:
        """Start a linked actor ``cls(*args, **kwargs)`` and wait until `on_start` has returned.

        What a `ChildSpec` starts. ``timeout`` in seconds bounds `on_start` of a task, ``mailbox`` the messages that
        may wait: an `ask` that finds no room fails with `MAILBOX_FULL`, a `tell` is dropped.

        Raises:
            AlreadyStartedError: the name is held.
            InitFailedError: `on_start` raised, or took too long.
        """
        actor = cls(*args, **kwargs)
        actor._parent = current().pid
        if cls._inline:
            return start_inline(actor, linked=True, name=name, mailbox=mailbox)
        return await start_task(actor, linked=True, name=name, timeout=timeout, mailbox=mailbox)

    @staticmethod
    def _create_future() -> ActorFuture[Any]:
        return ActorFuture()

    @staticmethod
    def _create_actor_inbox() -> Any:
        raise NotImplementedError("the inbox of an Actor is its process's mailbox: see actor_inbox")

    def _start_actor_loop(self) -> None:
        if self._inline:
            start_inline(self, linked=False)
        else:
            spawn_task(self)

    # The pykka surface, made on demand.

    @property
    def actor_urn(self) -> str:  # type: ignore[override]
        """A name that is unique among the actors of the node."""
        return f"urn:regrow:{self.pid.number}"

    @property
    def actor_inbox(self) -> Any:  # type: ignore[override]
        """The mailbox, as pykka wants it. Safe to put into from any thread."""
        return _Inbox(self.pid)

    @property
    def actor_stopped(self) -> Any:  # type: ignore[override]
        """What pykka asks whether the actor is alive."""
        return _Stopped(self.pid)

    @property
    def actor_ref(self) -> pykka.ActorRef[Self]:  # pyright: ignore[reportIncompatibleMethodOverride]
        """The ref to hand around."""
        if self._ref is None:
            self._ref = pykka.ActorRef(self)
        return self._ref

    # The drivers.

    def begin(self, *_args: Any) -> None:
        """Run `on_start`. Called by the start protocol."""
        self.on_start()

    def dispatch(self, message: object) -> None:
        """Take one message. Called by the inline driver."""
        if message.__class__ is SystemMessage:
            return
        payload, asker, leaving = self._opened(message)
        if leaving is not None:
            self.on_stop()
            self._settle(asker, None)
            raise ExitProcess(leaving)
        try:
            value = self._handle_receive(payload)
        except Exception:
            self.on_failure(*sys.exc_info())
            raise
        self._settle(asker, value)

    async def live(self, ack: Ack, _args: tuple[Any, ...], /) -> None:
        """Run `on_start`, then serve. Called by the start protocol."""
        await resolved(self.on_start())
        ack.ready()
        process = current()
        assert isinstance(process, TaskProcess)
        while True:
            message = await process.wait()
            if message.__class__ is SystemMessage:
                continue
            payload, asker, leaving = self._opened(message)
            if leaving is not None:
                await resolved(self.on_stop())
                self._settle(asker, None)
                raise ExitProcess(leaving)
            try:
                value = await resolved(self._handle_receive(payload))
            except Exception:
                await resolved(self.on_failure(*sys.exc_info()))
                raise
            self._settle(asker, value)

    def _opened(self, message: Any) -> tuple[Any, ActorFuture[Any] | From | None, ExitReason | None]:
        """What a message asks for: its payload, who waits for the reply, and the reason if it says to stop."""
        kind = message.__class__
        if kind is Envelope:
            leaving = NORMAL if isinstance(message.message, messages._ActorStop) else None
            return message.message, message.reply_to, leaving
        if kind is Call:
            return message.request, message.caller, None
        if kind is Cast:
            return message.request, None, None
        if kind is StopRequest or (kind is Exit and message.pid is self._parent):
            return None, None, message.reason
        return message, None, None

    def _settle(self, asker: ActorFuture[Any] | From | None, value: object) -> None:
        if asker is None:
            return
        if isinstance(asker, From):
            asker.answer(value)
            return
        process = self.pid.process
        if process is not None and process.watchers is not None:
            process.watchers.discard(asker)
        asker.set(value)


@final
class _Inbox:
    """A process's mailbox, as pykka puts into it."""

    __slots__ = ("_pid",)

    def __init__(self, pid: Pid) -> None:
        self._pid = pid

    def put(self, envelope: Envelope[Any]) -> None:
        """Post an envelope, from any thread."""
        process = self._pid.process
        if process is None:
            self._refuse(envelope)
        elif is_thread_of(process.node.token):
            self._post(envelope)
        else:
            try:
                process.node.token.run_sync_soon(self._post, envelope)
            except trio.RunFinishedError:
                self._refuse(envelope)

    def _post(self, envelope: Envelope[Any]) -> None:
        process = self._pid.process
        if process is None:
            self._refuse(envelope)
            return
        if isinstance(envelope.reply_to, ActorFuture):
            watch(process, envelope.reply_to)
        process.post(envelope)

    def _refuse(self, envelope: Envelope[Any]) -> None:
        if isinstance(envelope.reply_to, ActorFuture):
            envelope.reply_to.fire(NOPROC)


def _dropped(envelope: Envelope[Any]) -> None:
    if isinstance(envelope.reply_to, ActorFuture):
        envelope.reply_to.fire(MAILBOX_FULL)


DROPPED[Envelope] = _dropped


@final
class _Stopped:
    """Whether an actor is dead, as pykka asks its event."""

    __slots__ = ("_pid",)

    def __init__(self, pid: Pid) -> None:
        self._pid = pid

    def is_set(self) -> bool:
        """Whether it is dead."""
        return not self._pid.is_alive


# What the thread driver needs of pykka's insides.


def is_stop(message: object) -> bool:
    """Whether a message asks a pykka actor to stop."""
    return isinstance(message, messages._ActorStop)


def handled(actor: pykka.Actor, message: object) -> Any:
    """Have a pykka actor carry out a message: a proxy's wish, or one for `on_receive`; what it answers."""
    return actor._handle_receive(message)


def made_with(
    inbox: Any, actor_class: type[pykka.ThreadingActor], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> pykka.ThreadingActor:
    """``actor_class(*args, **kwargs)`` with an inbox of our own, which its refs put into from the start.

    Raises:
        TypeError: its ``__init__`` does not call that of its base.
    """
    actor = actor_class.__new__(actor_class, *args, **kwargs)
    actor._create_actor_inbox = lambda: inbox  # type: ignore[method-assign]  # instead of a queue.Queue
    actor_class.__init__(actor, *args, **kwargs)
    if not hasattr(actor, "_actor_ref"):
        raise TypeError(f"{actor_class.__qualname__}.__init__ must call super().__init__()")
    return actor
