"""Lines out of a byte stream."""

import trio

CHUNK = 1 << 16


class LineReader:
    """Cuts what arrives on a stream into lines. Lines may be long: a load result is megabytes."""

    def __init__(self, stream: trio.abc.ReceiveStream) -> None:
        self._stream = stream
        self._buffer = bytearray()

    async def next_line(self) -> bytes | None:
        """Return the next line without its newline, or ``None`` when the stream has ended.

        A last line that lacks its newline is dropped: whoever wrote it died while writing. If cancelled,
        nothing is lost; call again.
        """
        searched = 0
        while (end := self._buffer.find(b"\n", searched)) < 0:
            searched = len(self._buffer)
            chunk = await self._stream.receive_some(CHUNK)
            if not chunk:
                return None
            self._buffer += chunk
        line = bytes(self._buffer[:end])
        del self._buffer[: end + 1]
        return line
