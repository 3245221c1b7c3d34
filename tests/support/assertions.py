"""What tests ask of processes, in one wording."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from regrow.actors import Down, ExitReason, Pid, ReceiveTimeoutError, Ref, monitor, receive

if TYPE_CHECKING:
    from regrow.actors import GenServer


async def death_of(ref: Ref) -> ExitReason:
    """Wait for the `Down` of a monitor; its reason."""

    def is_it(message: object) -> bool:
        return isinstance(message, Down) and message.ref is ref

    down = await receive(is_it, timeout=600)
    assert isinstance(down, Down)
    return down.reason


async def mailbox() -> list[Any]:
    """Take everything that is in the mailbox now."""
    messages: list[Any] = []
    while True:
        try:
            messages.append(await receive(timeout=0))
        except ReceiveTimeoutError:
            return messages


async def unlinked(server: type[GenServer], *args: Any, name: str | None = None) -> Pid:
    """Start a server that is linked to nobody and expected to come up."""
    pid = await server.start(*args, name=name)
    assert pid is not None
    return pid


async def watched(server: type[GenServer], *args: Any, name: str | None = None) -> tuple[Pid, Ref]:
    """Start an unlinked server and monitor it."""
    pid = await unlinked(server, *args, name=name)
    return pid, monitor(pid)
