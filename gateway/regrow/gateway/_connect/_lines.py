"""What a person types, or a script pipes in, line by line, without keeping trio waiting and without a thread."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

import trio

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

__all__ = ["lines"]

_READ_SIZE: Final = 65_536


async def lines(fd: int) -> AsyncGenerator[str]:
    """The lines that can be read from a terminal, a pipe or a file, until its end, without their line breaks.

    A thread that reads would still hold the lock of ``sys.stdin`` when the program ends.
    """
    begun = b""
    while data := await _read(fd):
        *whole, begun = (begun + data).split(b"\n")
        for line in whole:
            yield line.decode(errors="replace").removesuffix("\r")
    if begun:
        yield begun.decode(errors="replace")


async def _read(fd: int) -> bytes:
    try:
        await trio.lowlevel.wait_readable(fd)
    except PermissionError:  # epoll refuses files: those are always readable
        await trio.lowlevel.checkpoint()
    return os.read(fd, _READ_SIZE)
