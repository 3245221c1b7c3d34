"""What a connection has to say, corked until the end of the tick, and the batches broadcasts share.

An outbox is, from the common to the rare: None, one frame, one batch, or a list of frames, batches and cuts of
batches. A broadcast in a busy room must not cost a step per subscriber per message. So the first broadcast of a
tick puts one `Batch` into every subscriber's outbox, the next ones append to that batch, and at the end of the
tick the batch is joined once for all of them.

Order is exact: a frame pushed to one connection while its outbox ends in an open batch cuts that batch for that
connection alone.
"""

from __future__ import annotations

from typing import TypeAlias, final

__all__ = ["Batch", "Outbox", "Volatile", "after", "joined", "seal", "unsent"]


@final
class Batch:
    """Frames broadcast in one tick to the same subscribers."""

    __slots__ = ("_joined", "frames")

    frames: list[bytes]

    def __init__(self) -> None:
        self.frames = []
        self._joined = b""

    def data(self) -> bytes:
        """All frames as one; joined once, however many subscribers write it. The batch is complete by then."""
        if not self._joined:
            self._joined = b"".join(self.frames)
        return self._joined

    def cut(self, start: int, stop: int | None) -> bytes:
        """The frames from ``start`` up to ``stop`` as one."""
        return b"".join(self.frames[start:stop])


@final
class Volatile(bytes):
    """A frame that waits for a full socket and may be dropped: who reads slowly does not need all of them."""

    __slots__ = ()


Cut: TypeAlias = tuple[Batch, int, int | None]
"""Part of a batch: from a position to a position, or to its end while it is still open."""

Part: TypeAlias = bytes | Batch | Cut
Outbox: TypeAlias = bytes | Batch | list[Part] | None


def after(outbox: bytes | Batch | list[Part], frame: bytes) -> list[Part]:
    """The outbox with a frame behind what is in it now; an open batch at its end goes on behind the frame."""
    parts: list[Part] = outbox if isinstance(outbox, list) else [outbox]
    last = parts[-1]
    if isinstance(last, bytes):
        parts.append(frame)
        return parts
    batch, start = (last, 0) if isinstance(last, Batch) else last[:2]
    here = len(batch.frames)
    parts[-1:] = [(batch, start, here), frame, (batch, here, None)]
    return parts


def seal(outbox: list[Part]) -> None:
    """Let nothing follow the frame pushed last: an open batch behind it does not go on."""
    if isinstance(outbox[-1], tuple):
        outbox.pop()


def joined(outbox: Batch | list[Part]) -> bytes:
    """All that is to be written, as one."""
    if isinstance(outbox, Batch):
        return outbox.data()
    return b"".join(
        [
            part
            if isinstance(part, bytes)
            else part.data()
            if isinstance(part, Batch)
            else part[0].cut(part[1], part[2])
            for part in outbox
        ]
    )


def unsent(outbox: list[Part], sent: int) -> int:
    """Remove the parts of which all bytes are among the first ``sent``; how many bytes of the next are too.

    For an outbox whose socket is full: all its parts are bytes.
    """
    done = 0
    for part in outbox:
        assert isinstance(part, bytes)
        if len(part) > sent:
            break
        sent -= len(part)
        done += 1
    del outbox[:done]
    return sent
