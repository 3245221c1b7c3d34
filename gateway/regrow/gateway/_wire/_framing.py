"""Framing: how a connection's messages become frames, as the opening handshake settled it.

See: RFC 6455 section 5.6.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, final

from ._frames import binary_frame, text_frame

if TYPE_CHECKING:
    from collections.abc import Callable

    from ._deflate import Inflater

__all__ = ["PLAIN", "Framing"]


@final
@dataclass(frozen=True, slots=True)
class Framing:
    """Frames of whole messages. One value serves every connection that settled on the same.

    Both functions are fields rather than methods, so that a message costs one call.
    """

    text: Callable[[bytes], bytes]
    """The frame of a text message; its argument must be UTF-8."""
    binary: Callable[[bytes], bytes]
    """The frame of a binary message."""
    inflater: Callable[[int], Inflater] | None = None
    """What decompresses a message of at most so many bytes; None if clients may not compress theirs."""

    def broadcast(self, message: str | bytes) -> bytes:
        """The frame of a message to everyone who is subscribed to a raw topic. A `Dialect`."""
        return self.text(message.encode()) if isinstance(message, str) else self.binary(message)


PLAIN: Final = Framing(text_frame, binary_frame)
"""No extension: one uncompressed frame a message."""
