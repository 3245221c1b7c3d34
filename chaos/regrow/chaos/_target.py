"""What an experiment needs of the gateway it breaks."""

from collections.abc import Collection, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from ._stamps import FaultStamps


class Target(Protocol):
    """A gateway in this process whose connections can be crashed, one each by the number of its client.

    A client says its number when it connects: ``/socket/websocket?vsn=2.0.0&client=<number>``.
    """

    def serve(self) -> AbstractAsyncContextManager[int]:
        """Run the gateway inside the context, on a free loopback port, which is its value."""
        ...

    async def inject(self, clients: Collection[int]) -> None:
        """Make the connection process of each of `clients` raise in its handler, all at once.

        When this returns, whatever one of them handles next either meets the fault or comes after it: no
        request sent from then on is answered ok by the old process.
        """
        ...

    def stamps(self) -> Mapping[int, FaultStamps]:
        """Return what has been seen of each fault so far, by client; absent: its handler never raised."""
        ...
