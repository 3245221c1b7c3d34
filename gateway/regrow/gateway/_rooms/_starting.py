"""Starting the process of a room, as its supervisor does."""

from __future__ import annotations

from typing import TYPE_CHECKING

from regrow.actors import start_inline, start_task

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from regrow.actors import Pid

    from ._room import Room
    from ._rooms import RoomEntry

__all__ = ["start_room"]


def start_room(kind: type[Room], entry: RoomEntry) -> Pid | Awaitable[Pid | None] | None:
    """Start a room, again after each crash. One that cannot be started the first time is given up at once.

    None, as if it had returned ``IGNORE``, if it crashed when the last member had left.
    """
    if not entry.members:
        entry.close()
        return None
    try:
        room = kind()
        room.entry = entry
        if not kind.is_inline():
            return _start_task(room, entry)
        pid = start_inline(room, linked=True, port=entry)
    except Exception:
        _failed(entry)
        raise
    if pid is not None:
        entry.attach(pid)
    return pid


async def _start_task(room: Room, entry: RoomEntry) -> Pid | None:
    try:
        pid = await start_task(room, linked=True, port=entry)
    except Exception:
        _failed(entry)
        raise
    if pid is not None:
        entry.attach(pid)
    return pid


def _failed(entry: RoomEntry) -> None:
    if not entry.has_started:
        entry.give_up()  # nobody else will: a child that never started is none
