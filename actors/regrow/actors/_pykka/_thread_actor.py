"""ThreadActor: any `pykka.ThreadingActor`, as it is, as a process that can be linked, monitored and supervised.

pykka's own loop is not used: it only logs an `on_start` that fails, and stops every actor of the program when one
raises SystemExit. What its actors rely on holds: the hooks, their order, the thread they run in, refs and proxies
that work from any thread, and an exception in an ``ask`` that goes to whoever asked while the actor lives on.
"""

from __future__ import annotations

import math
import queue
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Protocol, final

import pykka

from regrow.actors._errors import ActorDiedError
from regrow.actors._processes._context import current
from regrow.actors._processes._exit import NOPROC, NORMAL, ExitProcess, ExitReason, reason_of
from regrow.actors._processes._process import bind
from regrow.actors._processes._signals import Exit
from regrow.actors._processes._start import Ack, check_free, give_name, start_failure
from regrow.actors._pykka._actor import Actor, Envelope, handled, is_stop, made_with
from regrow.actors._pykka._thread import ThreadProcess
from regrow.actors._pykka._thread_mailbox import CLOSED
from regrow.actors._servers._call import Call, Cast, From, StopRequest
from regrow.actors._system._system_messages import SystemMessage

if TYPE_CHECKING:
    from regrow.actors._processes._names import Name
    from regrow.actors._processes._pid import Pid

__all__ = ["ThreadActor", "actor_ref"]


@final
class ThreadActor:
    """The recipe of a `pykka.ThreadingActor` as a process with a thread of its own: ``actor_class(*args, **kwargs)``.

    The class needs no change::

        ChildSpec("db", ThreadActor(Database, "chat.sqlite", timeout=2).start_link)

    The whole actor lives in its thread, ``__init__`` included, so whatever blocks there never delays the tick.

    ================================  =======================================================================
    ``send``, ``cast``, ``ref.tell``  `on_receive`. An exception ends the actor with its `Crash`, after `on_failure`.
    ``call``, ``send_request``        `on_receive` answers. An exception is a `CallError` with its `Crash` for the
                                      caller, and the actor lives on.
    ``ref.ask``, a proxy              The same, but the exception itself is raised where it was asked.
    ``stop``, an exit signal          `on_stop`, behind the messages that are in the mailbox, then death of that
                                      reason. `NORMAL` from another process is ignored.
    ``ref.stop()``, ``self.stop()``   `on_stop`, then death of `NORMAL`.
    `KILL`                            Detached: dead for the system at once and for its refs too; no hook runs, its
                                      answers are dropped. A `ZombieReport` if its thread goes on for long.
    KeyboardInterrupt, SystemExit     End this actor with a `Crash`, and nothing else.
    ================================  =======================================================================

    The thread is no place for process primitives such as `self_` or `call`: there use pykka refs, those of an
    `Actor` included, whose ``ask`` may block. While it lives the actor is in pykka's ``ActorRegistry``, whose
    ``stop_all()`` stops it like ``ref.stop()``; a supervisor restarts it then if it is permanent. In a trio task
    write ``await call(pid, message)``: a blocking ``ref.ask`` there would hold up the node. The thread is a daemon
    whatever ``use_daemon_thread`` says, because the node stops its actors before it ends.

    Raises:
        TypeError: the class is no subclass of `pykka.ThreadingActor`.
    """

    __slots__ = ("_actor_class", "_args", "_kwargs")

    def __init__(self, actor_class: type[pykka.ThreadingActor], /, *args: Any, **kwargs: Any) -> None:
        if not (isinstance(actor_class, type) and issubclass(actor_class, pykka.ThreadingActor)):  # pyright: ignore[reportUnnecessaryIsInstance]
            own = isinstance(actor_class, type) and issubclass(actor_class, Actor)
            advice = ": an Actor is a process already, use its own start_link" if own else ""
            raise TypeError(f"{actor_class!r} is no subclass of pykka.ThreadingActor{advice}")
        self._actor_class = actor_class
        self._args = args
        self._kwargs = kwargs

    def __repr__(self) -> str:
        return f"ThreadActor({self._actor_class.__qualname__})"

    async def start_link(self, *, name: Name | None = None, timeout: float = math.inf) -> Pid:
        """Start the actor, linked, and wait until `on_start` has returned.

        If this is cancelled, or ``timeout`` seconds pass, the actor is detached.

        Raises:
            AlreadyStartedError: the name is held.
            InitFailedError: ``__init__`` or `on_start` raised, or took too long.
            NotAProcessError: the caller is not a process.
        """
        return await self._start(name, timeout, linked=True)

    async def start(self, *, name: Name | None = None, timeout: float = math.inf) -> Pid:
        """Like `start_link`, linked to nobody."""
        return await self._start(name, timeout, linked=False)

    async def _start(self, name: Name | None, timeout: float, *, linked: bool) -> Pid:
        parent = current()
        check_free(parent, name)
        process = ThreadProcess(parent.node, self._actor_class.__qualname__, parent.pid, _refuse)
        ack = Ack(parent, process, linked=linked)
        if name is not None:
            give_name(process, name)
        if linked:
            bind(parent, process)
        incarnation = _Incarnation(process, ack)
        process.hold(incarnation)
        process.begin(lambda: incarnation.live(self._actor_class, self._args, self._kwargs))
        await ack.settled(timeout)
        if ack.reason is not None:
            raise start_failure(parent, ack.reason, linked=linked)
        return process.pid


@final
class _Incarnation:
    """One life of an actor: its methods run in its thread, except where they say otherwise."""

    __slots__ = ("_ack", "_actor", "_has_retired", "_process")

    def __init__(self, process: ThreadProcess, ack: Ack) -> None:
        self._process = process
        self._ack = ack
        self._actor: pykka.ThreadingActor | None = None
        self._has_retired = False

    def live(self, actor_class: type[pykka.ThreadingActor], args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        """Make the actor and serve until it ends."""
        try:
            actor = made_with(self._process.mailbox, actor_class, args, kwargs)
            self._enter_registry(actor)
            actor.on_start()
            self._process.tell_node(self._ready, actor)
            while not actor.actor_stopped.is_set() and self._take_one(actor):
                pass
        finally:
            self._retire()

    def _enter_registry(self, actor: pykka.ThreadingActor) -> None:
        self._actor = actor
        pykka.ActorRegistry.register(actor.actor_ref)
        if self._has_retired:  # killed meanwhile, by the other thread, which may have come too early to see the actor
            self._retire()

    def _retire(self) -> None:
        """Have pykka's refs and registry know that it is dead. In whichever thread notices first; idempotent."""
        self._has_retired = True
        if self._actor is not None:
            self._actor.actor_stopped.set()
            pykka.ActorRegistry.unregister(self._actor.actor_ref)

    def holder_died(self, _pid: Pid, /) -> None:
        """The process is dead. Called in the node's thread."""
        self._retire()

    def _ready(self, actor: pykka.ThreadingActor) -> None:
        """Let the starter go on. Called in the node's thread."""
        if self._process.pid.is_alive:
            self._process.server = actor
            self._ack.ready()

    def _take_one(self, actor: pykka.ThreadingActor) -> bool:
        """Wait for one message and carry it out; False when there will be none. Keeps nothing of it."""
        message = self._process.mailbox.get()
        if message is CLOSED:
            return False
        if message.__class__ is SystemMessage:  # it is no behaviour to `sys` (rule Y-4)
            return True
        payload, asker, leaving = self._opened(message)
        try:
            for before in self._process.interceptors:
                before(message)
            value = None if leaving is not None else handled(actor, payload)
        except Exception as error:
            if asker is None:
                self._retire()
                actor.on_failure(*sys.exc_info())
                raise
            asker.fail(error)
            return True
        if leaving is not None:
            self._leave(actor, asker, leaving)
        if asker is not None:
            asker.answer(value)
        return True

    def _opened(self, message: Any) -> tuple[object, _Asker | None, ExitReason | None]:
        """What a message asks for: its payload, who waits for the answer, and the reason if it says to stop."""
        if message.__class__ is Envelope:
            asker = None if message.reply_to is None else _FutureAsker(message.reply_to)
            return message.message, asker, NORMAL if is_stop(message.message) else None
        match message:
            case Call(request=request, caller=caller):
                return request, _CallAsker(self._process, caller), None
            case Cast(request=request):
                return request, None, None
            case StopRequest(reason=reason) | Exit(reason=reason):
                return None, None, reason
            case _:
                return message, None, None

    def _leave(self, actor: pykka.ThreadingActor, asker: _Asker | None, reason: ExitReason) -> None:
        self._retire()
        try:
            actor.on_stop()
        finally:
            if asker is not None:
                asker.answer(None)
        raise ExitProcess(reason)


class _Asker(Protocol):
    """Who waits for the answer to a message."""

    def answer(self, value: object) -> None: ...

    def fail(self, error: Exception) -> None: ...


@final
class _FutureAsker:
    """A thread that holds a pykka future. It may have been told meanwhile that the actor is dead."""

    __slots__ = ("_future",)

    def __init__(self, future: pykka.Future[Any]) -> None:
        self._future = future

    def answer(self, value: object) -> None:
        with suppress(queue.Full):
            self._future.set(value)

    def fail(self, error: Exception) -> None:
        with suppress(queue.Full):
            self._future.set_exception((type(error), error, error.__traceback__))


@final
class _CallAsker:
    """A process that called."""

    __slots__ = ("_caller", "_process")

    def __init__(self, process: ThreadProcess, caller: From) -> None:
        self._process = process
        self._caller = caller

    def answer(self, value: object) -> None:
        self._process.tell_node(self._caller.answer, value)

    def fail(self, error: Exception) -> None:
        self._process.tell_node(self._caller.fire, reason_of(error))


def _refuse(message: Any, reason: ExitReason) -> None:
    """Tell whoever holds a future that the actor died of ``reason``. Those who call watch the process themselves."""
    if message.__class__ is Envelope and message.reply_to is not None:
        asker = _FutureAsker(message.reply_to)
        if is_stop(message.message):
            asker.answer(None)
        else:
            asker.fail(ActorDiedError(reason, "the actor"))


def actor_ref(pid: Pid) -> pykka.ActorRef[Any]:
    """The pykka ref of a living actor, `Actor` or `ThreadActor`: for code that knows pykka, in any thread.

    It is the ref of this incarnation; a restart makes a new one.

    Raises:
        ActorDiedError: the process is dead.
        TypeError: the process is no pykka actor.
    """
    process = pid.process
    if process is None:
        raise ActorDiedError(NOPROC, pid)
    if not isinstance(process.server, pykka.Actor):
        raise TypeError(f"{process} is no pykka actor and has no ref")
    return process.server.actor_ref
