"""Masking: XOR with a repeated four-byte key. See: RFC 6455 section 5.3.

The C routine of the ``websockets`` package where it is installed; elsewhere one big-integer XOR.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["apply_mask", "xor"]


def xor(data: bytes, mask: bytes) -> bytes:
    """``data`` with its bytes XORed with the four of ``mask``, over and over."""
    length = len(data)
    key = (mask * (length // 4 + 1))[:length]
    return (int.from_bytes(data) ^ int.from_bytes(key)).to_bytes(length)


apply_mask: Callable[[bytes, bytes], bytes]
try:
    from websockets.speedups import apply_mask
except ImportError:  # a build of websockets without its C extension
    apply_mask = xor
