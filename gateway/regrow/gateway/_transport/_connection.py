"""One client's socket beside the process that serves it. The socket outlives the process.

When the process crashes the connection stays open and keeps the frames the process had not taken; the
supervisor starts a new process for it, which goes on with them.
"""

from __future__ import annotations

from dataclasses import dataclass
from operator import length_hint
from typing import TYPE_CHECKING, Any, final

from regrow.actors import NORMAL, send
from regrow.gateway._wire._decoder import Decoder, Ending
from regrow.gateway._wire._frames import close_frame
from regrow.gateway._wire._framing import PLAIN

from ._keepalive import SPOKE
from ._outbound import Outbound, State
from ._outbox import seal

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from regrow.actors import ExitReason, Pid
    from regrow.gateway._http._request import RequestParser
    from regrow.gateway._pubsub._groups import Group
    from regrow.gateway._serving._judging import Judging
    from regrow.gateway._serving._route import Route
    from regrow.gateway._wire._decoder import Frame
    from regrow.gateway._wire._framing import Framing

    from ._client_socket import ClientSocket
    from ._transport import Transport

__all__ = ["Closed", "Connection"]

NORMAL_CLOSURE, ABNORMAL, INTERNAL_ERROR = 1000, 1006, 1011


@final
@dataclass(frozen=True, slots=True)
class Closed:
    """The last message of a connection to its process."""

    code: int | None
    """The close code that was sent, or 1006 if the connection broke without one."""
    reason: str


@final
class Connection(Outbound):
    """One client's connection, as the transport keeps it. Handlers see it as ``self.connection``."""

    __slots__ = (
        "address",
        "allowance",
        "crashed_by",
        "dialect",
        "ending",
        "frames",
        "framing",
        "groups",
        "has_remarks",
        "heard",
        "held",
        "idle_since",
        "opened_at",
        "parser",
        "paused",
        "pid",
        "recovering",
        "refused",
        "route",
        "session",
        "silent_since",
        "stamp",
        "unread",
    )

    parser: RequestParser | Judging | Decoder | None
    """What the next bytes are fed to; None while it is open and no message is begun."""
    frames: Sequence[Frame]
    """What the last read brought, until the process has taken it."""
    unread: Iterator[Frame] | None
    """Those of `frames` the process has not taken; None once it has taken all. Nothing is read before that."""
    has_remarks: bool
    """Whether something is to be done once the process has taken all frames: see `remark`."""
    pid: Pid | None
    """The process that serves it now; None while there is none."""
    route: Route | None
    """What serves it, once its request has said where it goes."""
    session: Any
    """What every process that serves this connection finds: what `Handler.connect` returned."""
    framing: Framing
    """How messages to it become frames."""
    dialect: Any
    """How broadcasts to it become frames, a `Dialect`: subscribers with the same one are written the same bytes.

    That of a connection that a `Socket` serves is a `Serializer`.
    """
    groups: tuple[Group, ...]
    """What it is subscribed to. A tuple: most have one or two, and a set costs 216 bytes."""
    ending: Ending | None
    """Set once the client closed or broke the protocol: the process takes the frames before it, then it ends."""
    recovering: bool
    """Whether its last process crashed and the next one is not ready yet."""
    crashed_by: Frame | None
    """The frame its last process was handling when it crashed, if it was handling one."""
    refused: list[Frame] | None
    """Frames over the client's rate, which the process is to refuse."""
    opened_at: float
    """When the handshake was done."""
    allowance: float
    """Messages the client may send before it is over its rate, as of `stamp`."""
    heard: int
    """What came since the last round of `Keepalive`: reading leaves its mark here."""
    silent_since: float
    """When a round last found that something had come, or when it was pinged for lack of it."""
    idle_since: float
    """When a round last found that a message had come."""
    held: int
    """How many of its channels are too far behind for it to be read."""

    def __init__(self, port: Transport, sock: ClientSocket, address: str) -> None:
        super().__init__(port, sock)
        self.address = address
        self.paused = False
        self.pid = None
        self.route = None
        self.session: Any = None
        self.framing = PLAIN
        self.dialect = PLAIN
        self.groups = ()
        self.parser = None
        self.recovering = False
        self.crashed_by = None
        self.refused = None
        self.ending = None
        self.has_remarks = False
        self.frames = ()
        self.unread = None
        self.allowance = 0.0
        self.stamp = self.opened_at = 0.0
        self.heard = SPOKE
        self.silent_since = self.idle_since = 0.0
        self.held = 0

    def __repr__(self) -> str:
        return f"<Connection {self.address} {self.state.name}>"

    # Inbound: frames wait here until the process takes them, so that a crash loses none but the one it died of.

    def deliver(self, frames: list[Frame]) -> None:
        """Hand what a read brought to the process; it is told by finding this connection in its mailbox."""
        self.frames = frames
        self.unread = iter(frames)
        if self.pid is not None:
            send(self.pid, self)

    def refuse(self, frames: list[Frame]) -> None:
        """Have the process refuse frames that are over the client's rate."""
        self.refused = frames
        self.has_remarks = True

    def take_refused(self) -> list[Frame]:
        """The frames to refuse; asked once."""
        frames, self.refused = self.refused, None
        return frames or []

    def end(self, ending: Ending) -> None:
        """The client closed or broke the protocol: once the process has taken the frames before, it is over."""
        self.ending = ending
        self.has_remarks = True

    def pause(self) -> None:
        """Do not read from it until the process has taken the last frames; the kernel's window closes meanwhile."""
        self.paused = self.has_remarks = True
        self.port.watch(self)

    def remark(self) -> None:
        """The process has taken all frames: answer the client's goodbye, or read on."""
        self.has_remarks = False
        if self.ending is not None:
            self.close(self.ending.code, self.ending.reason)
        elif self.paused and not self.held:
            self.paused = False
            self.port.watch(self)

    def hold(self) -> None:
        """Do not read from it until `release` was called as often: what it said has not got where it should."""
        self.held += 1
        if not self.paused and self.state is State.OPEN:
            self.paused = True
            self.port.watch(self)

    def release(self) -> None:
        """Undo one `hold`."""
        self.held -= 1
        if self.held or not self.paused:
            return
        if self.unread is None:
            self.paused = False
            self.port.watch(self)
        else:
            self.has_remarks = True  # it is read again once the process has taken what it has read

    def _last_taken(self) -> Frame | None:
        """The frame that was being handled when the process died, if it was handling one."""
        if self.unread is None:
            return None
        taken = len(self.frames) - length_hint(self.unread)
        return self.frames[taken - 1] if taken > 0 else None

    # The process that serves it.

    def recover(self) -> Frame | None:
        """The frame the last process crashed on; asked once, by the next."""
        frame, self.crashed_by = self.crashed_by, None
        return frame

    def attach(self, pid: Pid) -> None:
        """A process serves this connection from now on; it gets the frames that waited."""
        self.pid = pid
        self.recovering = False
        self.port.orphans.pop(self, None)
        if self.state is not State.OPEN:
            send(pid, Closed(ABNORMAL, "the connection ended before its process was ready"))
        elif self.unread is not None or self.has_remarks:
            send(pid, self)

    def start_failed(self) -> None:
        """A process could not start. After a crash another try is made; the first has no second."""
        if not self.recovering:
            self.close(INTERNAL_ERROR, "the server could not serve this connection")

    def process_exited(self, pid: Pid, reason: ExitReason) -> None:
        """The process is dead. After a crash a new one is on its way; otherwise the connection ends with it."""
        if pid is not self.pid:
            return
        self.pid = None
        if self.state is not State.OPEN:
            return
        if reason.is_abnormal:
            self.recovering = True
            self.crashed_by = self._last_taken()
            self.port.metrics.crashed += 1
            self.port.orphans[self] = self.port.now()
        elif reason is NORMAL:
            self.close(NORMAL_CLOSURE)
        else:
            self.close(INTERNAL_ERROR, "the server stopped serving this connection")

    def given_up(self) -> None:
        """No new process is coming."""
        self.port.metrics.given_up += self.state is State.OPEN
        self.close(INTERNAL_ERROR, "the connection crashed too often")

    # The end.

    def answer(self, response: bytes) -> None:
        """Answer its request with anything but an upgrade; the connection ends with it."""
        self.flows = True
        self.push(response)
        self.flows = False
        self.state = State.CLOSING
        self.ending = Ending(None, "", is_violation=True)
        self.port.handshaking.pop(self, None)
        self.port.closing[self] = self.port.now()

    def close(self, code: int | None, reason: str = "") -> None:
        """Say goodbye with a close frame behind everything pushed before. A no-op unless open.

        The client has `Settings.close_timeout` seconds to answer; then the socket is closed without it.
        """
        if self.state is not State.OPEN:
            return
        frame = close_frame(code, reason)
        if self.flows:
            self.push(frame)
            if isinstance(self.outbox, list):
                seal(self.outbox)
        else:
            assert isinstance(self.outbox, list)
            self.outbox.append(frame)
            self._backlog += len(frame)
        self.state = State.CLOSING
        self.flows = False
        self.port.closing[self] = self.port.now()
        if isinstance(self.frames, list):
            self.frames.clear()  # the process may be in the middle of them
        self.unread = None
        self.parser = Decoder(self.port.settings, self.framing.inflater)
        if self.paused:
            self.paused = False
            self.port.watch(self)
        self.tell_closed(code, reason)

    def drain(self) -> None:
        """The gateway stops: say goodbye with 1012, and let what serves it end as it likes. A no-op unless open."""
        if self.state is State.OPEN and self.route is not None:
            self.route.drain(self)

    def broken(self) -> None:
        """The socket refused a write: the client is gone."""
        self.port.lost(self)

    def stalled(self) -> None:
        """Its client takes nothing: there is no way to say goodbye."""
        self.port.metrics.stalled += 1
        self.tell_closed(ABNORMAL, "the client took nothing for too long")
        self.port.abort(self)

    def written(self) -> None:
        """Our goodbye is out."""
        self.port.said_goodbye(self)

    def rewatch(self) -> None:
        """Ask the kernel for what it waits for now."""
        self.port.watch(self)

    def retry(self) -> None:
        """Its socket takes bytes, and the outbox has none that wait."""
        self.port.retry(self)

    def tell_closed(self, code: int | None, reason: str) -> None:
        """Let the process know that nothing more comes and nothing more goes. Once for each that was open."""
        self.port.metrics.closed(code)
        self.port.access.closed(self, code, reason)
        if self.pid is not None:
            send(self.pid, Closed(code, reason))
