"""What bytes of a client mean: a request, messages, a goodbye, or the end of the connection."""

from __future__ import annotations

from math import ceil, inf
from typing import TYPE_CHECKING, final

from regrow.gateway._wire._decoder import Decoder, Ending, Frame
from regrow.gateway._wire._mask import apply_mask

from ._keepalive import HEARD, SPOKE
from ._outbound import State
from ._rate import refill

if TYPE_CHECKING:
    from ._connection import Connection
    from ._transport import Transport

__all__ = ["Reader"]

_READ_SIZE = 65_536
"""Bytes asked of a socket in one read."""

_TEXT, _BINARY = 0x81, 0x82
_MASKED_16 = 0x80 | 126
_HEADER_16 = 8
"""Bytes before the payload of a masked frame whose length has two bytes of its own."""
_SHORTEST = 6
"""Bytes of a masked frame without payload."""
_LONGEST_SHORT = 131
"""Bytes of the longest masked frame whose length fits its second byte."""

_POLICY_VIOLATION = 1008


@final
class Reader:
    """Reads the sockets of one port."""

    def __init__(self, port: Transport) -> None:
        settings = port.settings
        self._port = port
        self._settings = settings
        self._metrics = port.metrics
        self._longest_short = min(_LONGEST_SHORT, settings.max_message_size + _SHORTEST)
        self._longest = settings.max_message_size + _HEADER_16
        self._is_limited = settings.message_rate != inf

    def read(self, connection: Connection) -> None:  # noqa: C901, PLR0912 - the hot path: a call a read costs
        """The kernel says that a socket has something to read, or is gone."""
        if connection.unread is not None:
            if connection.paused:  # all the kernel reports now is a reset, and it would do so in every tick
                self._port.lost(connection)
            else:
                connection.pause()
            return
        try:
            data = connection.sock.recv(_READ_SIZE)
        except BlockingIOError:
            if connection.state is State.HANDSHAKE:
                self._port.stalled(connection)
            return
        except OSError:
            data = b""
        size = len(data)
        self._metrics.bytes_received += size
        if connection.parser is None and size >= _SHORTEST:
            # Most reads bring one whole frame, short or of up to 64 KiB. It needs no decoder.
            second = data[1]
            if second == size + 122 and size <= self._longest_short:
                payload = apply_mask(data[6:], data[2:6])
            elif second == _MASKED_16 and (data[2] << 8 | data[3]) + _HEADER_16 == size <= self._longest:
                payload = apply_mask(data[8:], data[4:8])
            else:
                self.decode(connection, data)
                return
            first = data[0]
            if first == _TEXT:
                try:
                    frame: Frame = payload.decode()
                except UnicodeDecodeError:
                    self.decode(connection, data)
                    return
            elif first == _BINARY:
                frame = payload
            else:
                self.decode(connection, data)
                return
            self._metrics.received += 1
            connection.heard = SPOKE
            if self._is_limited:
                self._deliver(connection, [frame])
                return
            connection.frames = frames = (frame,)
            connection.unread = iter(frames)
            pid = connection.pid
            if pid is not None and pid.process is not None:
                pid.process.post(connection)
        else:
            self._read_on(connection, data)

    def _read_on(self, connection: Connection, data: bytes) -> None:
        """What a read means outside the common case."""
        if not data:
            self._port.lost(connection)
        elif connection.state is State.OPEN:
            self.decode(connection, data)
        elif connection.state is State.CLOSING:
            self._read_goodbye(connection, data)
        else:
            self._port.gate.heard(connection, data)

    def decode(self, connection: Connection, data: bytes) -> None:
        """Feed bytes of an open connection to its decoder and hand on what is whole."""
        decoder = connection.parser
        if decoder is None:
            decoder = Decoder(self._settings, connection.framing.inflater)
        assert isinstance(decoder, Decoder)
        frames = decoder.feed(data)
        for payload in decoder.take_pings():
            connection.pong(payload)
        ending = decoder.ending
        connection.parser = None if decoder.is_idle else decoder
        self._metrics.received += len(frames)
        if frames:
            connection.heard = SPOKE
        elif connection.heard < HEARD:
            connection.heard = HEARD
        if ending is not None:
            connection.end(ending)
            self._metrics.violations += ending.is_violation
        if frames or ending is not None:
            self._deliver(connection, frames)

    def _deliver(self, connection: Connection, frames: list[Frame]) -> None:
        if self._is_limited:
            frames = self._within_rate(connection, frames)
        connection.deliver(frames)

    def _within_rate(self, connection: Connection, frames: list[Frame]) -> list[Frame]:
        """The frames the client may send; the others are refused, and a client that goes on is closed with 1008."""
        settings = self._settings
        now = self._port.now()
        left = refill(connection.allowance, now - connection.stamp, settings.message_rate, settings.message_burst)
        connection.stamp = now
        connection.allowance = left - len(frames)
        if connection.allowance >= 0:
            return frames
        over = min(len(frames), ceil(-connection.allowance))
        connection.refuse(frames[-over:])
        self._metrics.overrun += over
        if connection.allowance < -settings.message_burst and connection.ending is None:
            self._metrics.violations += 1
            connection.end(Ending(_POLICY_VIOLATION, "too many messages", is_violation=True))
        return frames[:-over]

    def _read_goodbye(self, connection: Connection, data: bytes) -> None:
        """We have said close: look for the client's close frame, throw everything else away."""
        decoder = connection.parser
        if connection.ending is None and isinstance(decoder, Decoder):
            decoder.feed(data)
            decoder.take_pings()
            if decoder.ending is not None:
                self._port.discard(connection)
