"""The client's loop: connects, reads lines and messages, comes back when the connection breaks."""

from __future__ import annotations

import os
import random
import signal
import ssl
from contextlib import aclosing
from typing import TYPE_CHECKING, Final, cast, final

import trio
from trio_websocket import (  # pyright: ignore[reportMissingTypeStubs]
    ConnectionClosed,
    ConnectionRejected,
    HandshakeError,
    connect_websocket_url,
)

from regrow.gateway._operations._secrets import printable

from ._backoff import delays
from ._commands import CommandError
from ._conversation import ProtocolError
from ._lines import lines

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trio_websocket import CloseReason, WebSocketConnection

    from ._address import Address
    from ._screen import Screen
    from ._speakers import Speaker

__all__ = ["Client", "ConnectError"]

CONNECT_TIMEOUT: Final = 10.0
"""Seconds for TCP, TLS and the handshake."""
HEARTBEAT_EVERY: Final = 30.0
"""Seconds, as Phoenix' own client."""
GOODBYE_TIMEOUT: Final = 2.0
"""Seconds for the server to answer our close frame."""
QUIET: Final = 0.5
"""Seconds without a message after which, behind the last line of a script, nothing more is expected."""
PATIENCE: Final = 5.0
"""Seconds that an answer may take behind the last line of a script."""

_FAILURES: Final = (HandshakeError, trio.TooSlowError, OSError, trio.BrokenResourceError)
"""What opening a connection raises. `ConnectionRejected` is a `HandshakeError`."""

_REFUSED_FOR_GOOD: Final = range(400, 500)
_TOO_MANY: Final = 429
_BROKEN: Final = 1006
_MAX_MESSAGE: Final = 64 * 2**20


@final
class ConnectError(Exception):
    """There is no connection and trying again is no use; the message is one line."""


@final
class Client:
    """One run of ``regrow connect``."""

    def __init__(self, address: Address, tls: ssl.SSLContext | None, speaker: Speaker, screen: Screen) -> None:
        self._address = address
        self._tls = tls
        self._speaker = speaker
        self._screen = screen
        self._socket: WebSocketConnection | None = None
        self._delays: Iterator[float] = delays(random.uniform)
        self._rejoins: dict[str, Iterator[float]] = {}
        self._heard = trio.Event()
        self._first_open = trio.Event()

    async def run(self, fd: int) -> None:
        """Read lines from a file descriptor until it ends, ``/quit``, SIGINT or SIGTERM; then say goodbye.

        Raises:
            ConnectError: the first connection failed, a later one was refused with a status that will not change,
                or what a script asked for was not answered.
        """
        try:
            with trio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(self._read_lines, fd, nursery)
                    nursery.start_soon(self._stay_connected)
                    await anext(signals)
                    nursery.cancel_scope.cancel()
        except BaseExceptionGroup as group:
            raise _sole(group, (ConnectError, BrokenPipeError)) from None

    # The keyboard.

    async def _read_lines(self, fd: int, nursery: trio.Nursery) -> None:
        async with aclosing(lines(fd)) as typed:
            async for line in typed:
                try:
                    heard = self._speaker.typed(line)
                except CommandError as error:
                    self._screen.note(f"* {error}")
                    continue
                if heard is None:
                    break
                for text in heard.lines:
                    self._screen.note(text)
                await self._send(heard.frames)
            else:
                if not os.isatty(fd):
                    await self._hear_out()
        nursery.cancel_scope.cancel()

    async def _hear_out(self) -> None:
        """The script has ended: wait for what it asked for."""
        await self._first_open.wait()
        with trio.move_on_after(PATIENCE) as patience:
            while True:
                self._heard = trio.Event()
                with trio.move_on_after(QUIET) as quiet:
                    await self._heard.wait()
                if not quiet.cancelled_caught:
                    patience.deadline = trio.current_time() + PATIENCE
                elif self._socket is not None and not self._speaker.is_waiting:
                    return
        raise ConnectError(f"{self._address.shown} has not answered everything")

    # The connection.

    async def _stay_connected(self) -> None:
        while True:
            try:
                async with trio.open_nursery() as nursery:
                    await self._be_connected(nursery)
                    nursery.cancel_scope.cancel()
            except BaseExceptionGroup as group:
                self._failed(_sole(group, (ConnectError, *_FAILURES)))
            delay = next(self._delays)
            self._screen.note(f"* trying again in {delay:.1f} s")
            await trio.sleep(delay)

    async def _be_connected(self, nursery: trio.Nursery) -> None:
        """Open the socket and speak until it ends. What opening raises may come out of the nursery."""
        with trio.fail_after(CONNECT_TIMEOUT):
            socket = await connect_websocket_url(nursery, self._address.url, self._tls, max_message_size=_MAX_MESSAGE)
        try:
            await self._serve(socket, nursery)
        finally:
            self._socket = None
            self._speaker.lost()
            with trio.move_on_after(GOODBYE_TIMEOUT, shield=True):
                await socket.aclose()

    def _failed(self, error: BaseException) -> None:
        """There was no connection: say so and come back, unless that would be no use."""
        if isinstance(error, ConnectError):
            raise error
        status = error.status_code if isinstance(error, ConnectionRejected) else None
        why = _why(self._address.shown, error)
        if not self._first_open.is_set() or (status in _REFUSED_FOR_GOOD and status != _TOO_MANY):
            raise ConnectError(why)
        self._screen.note(f"* {why}")

    async def _serve(self, socket: WebSocketConnection, nursery: trio.Nursery) -> None:
        """Speak on an open socket until it ends."""
        self._socket = socket
        self._first_open.set()
        self._screen.note(f"* connected to {self._address.shown}")
        nursery.start_soon(self._beat, socket)
        await self._send(self._speaker.opened())
        try:
            while True:
                message: str | bytes = await socket.get_message()
                self._take(message, nursery)
        except ConnectionClosed as closed:
            self._screen.note(_goodbye(closed.reason))

    def _take(self, message: str | bytes, nursery: trio.Nursery) -> None:
        self._delays = delays(random.uniform)  # the server works: the next attempt need not wait long
        self._heard.set()
        try:
            heard = self._speaker.received(message)
        except ProtocolError as error:
            raise ConnectError(f"{self._address.shown}: {error}") from None
        self._screen.heard(message, heard)
        if heard.frames:
            nursery.start_soon(self._send, heard.frames)
        if heard.rejoin is not None:
            nursery.start_soon(self._rejoin, heard.rejoin)

    async def _rejoin(self, topic: str) -> None:
        """A channel crashed: join it again after a while, longer each time it does."""
        waits = self._rejoins.setdefault(topic, delays(random.uniform))
        await trio.sleep(next(waits))
        await self._send(self._speaker.rejoin(topic))

    async def _beat(self, socket: WebSocketConnection) -> None:
        while True:
            await trio.sleep(HEARTBEAT_EVERY)
            beat = self._speaker.heartbeat()
            if beat is None:
                self._screen.note("* the server does not answer")
                await socket.aclose(1000, "heartbeat timeout")
                return
            if beat:
                await self._send([beat])

    async def _send(self, messages: list[str]) -> None:
        """Send messages in order. If the connection breaks meanwhile they are lost, as whoever reads it notices."""
        socket = self._socket
        if socket is None:
            return
        try:
            for message in messages:
                await socket.send_message(message)
        except ConnectionClosed:
            pass


def _goodbye(reason: CloseReason | None) -> str:
    if reason is None or reason.code == _BROKEN:
        return "* the connection broke"
    words = f" ({printable(reason.reason)})" if reason.reason else ""
    return f"* the server closed the connection with {reason.code}{words}"


def _why(shown: str, error: BaseException) -> str:
    """Why there is no connection, in one line."""
    match error:
        case ConnectionRejected():
            body = bytes(error.body or b"").decode(errors="replace").strip().partition("\n")[0]
            return f"{shown} answered {error.status_code}{f': {printable(body)}' if body else ''}"
        case HandshakeError():
            return f"{shown} does not speak WebSocket"
        case trio.TooSlowError():
            return f"{shown} did not answer within {CONNECT_TIMEOUT:.0f} s"
        case _:
            return f"cannot connect to {shown}: {_reason(error)}"


def _reason(error: BaseException) -> str:
    """The system's word for what went wrong, which trio wraps."""
    while (cause := error.__cause__) is not None:
        error = _first(cause)
    if not isinstance(error, OSError) or error.errno is None:
        return str(error) or type(error).__name__
    is_numbered = error.errno > 0 and not isinstance(error, ssl.SSLError)
    return os.strerror(error.errno) if is_numbered else error.strerror or str(error)


def _first(error: BaseException) -> BaseException:
    """The error itself, or the first in a group."""
    while isinstance(error, BaseExceptionGroup):
        error = cast("BaseExceptionGroup[BaseException]", error).exceptions[0]
    return error


def _sole(group: BaseExceptionGroup[BaseException], expected: tuple[type[BaseException], ...]) -> BaseException:
    """The one error that a nursery has wrapped.

    Raises:
        BaseExceptionGroup: there is something in it that is not expected.
    """
    if group.split(expected)[1] is not None:
        raise group
    return _first(group)
