"""N real WebSocket clients that keep one open-loop schedule."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractAsyncContextManager

import trio
from trio_websocket import ConnectionClosed, HandshakeError, WebSocketConnection, open_websocket

from ._load_client import Conversation, JoinRefusedError
from ._load_protocol import (
    Answered,
    Broadcast,
    ChannelEvent,
    Delivery,
    Drop,
    Joined,
    Kind,
    LoadResult,
    Plan,
    Refused,
    Report,
    Request,
    room_of,
)
from ._load_schedule import Act, Turn, turns
from ._prober import Prober

HANDSHAKES = 16
"""Connections opened at a time: enough to hide the round trip, too few to overrun a listen backlog."""
JOIN_SECONDS = 10.0
CLOSE_SECONDS = 2.0
NO_CLOSE_FRAME = 1006


class Crowd:
    """The clients of one `Plan`, and the record of what they did and saw.

    `run` connects them and keeps the schedule; `probe` and `finish` may be called while it runs. The schedule
    waits for nobody: each message is sent by a task of its own, so one client whose socket is full delays
    only itself.
    """

    def __init__(self, plan: Plan, nursery: trio.Nursery, report: Callable[[Report], None]) -> None:
        """Run the clients in `nursery`, which outlives `run`, and say what happens through `report`."""
        self._plan = plan
        self._nursery = nursery
        self._report = report
        self._connections: dict[int, WebSocketConnection] = {}
        self._conversations: dict[int, Conversation] = {}
        self._schedule = trio.CancelScope()
        self._prober = Prober(self._probe)
        self._finishing = False
        self._requests: list[Request] = []
        self._broadcasts: list[Broadcast] = []
        self._deliveries: list[Delivery] = []
        self._drops: list[Drop] = []
        self._channel_events: list[ChannelEvent] = []

    async def run(self) -> None:
        """Connect everyone, then keep the schedule until `finish`. A client that cannot join ends it."""
        numbers = iter(range(self._plan.connections))
        async with trio.open_nursery() as lanes:
            for _ in range(HANDSHAKES):
                lanes.start_soon(self._connect, numbers, lanes.cancel_scope)
        if len(self._connections) == self._plan.connections:
            await self._keep_schedule()

    async def probe(self, clients: Iterable[int]) -> None:
        """Ping `clients` until each has had an ok reply, and report that."""
        await self._prober.run(clients)
        self._report(Answered())

    async def finish(self) -> LoadResult:
        """Stop the schedule, give every request its full deadline, close politely and return the record."""
        self._schedule.cancel()
        await trio.sleep(self._plan.deadline)
        self._finishing = True
        with trio.move_on_after(CLOSE_SECONDS):
            async with trio.open_nursery() as closing:
                for connection in self._connections.values():
                    closing.start_soon(connection.aclose)
        unanswered = [request for talk in self._conversations.values() for request in talk.unanswered()]
        return LoadResult(
            requests=(*self._requests, *unanswered),
            broadcasts=tuple(self._broadcasts),
            deliveries=tuple(self._deliveries),
            drops=tuple(self._drops),
            channel_events=tuple(self._channel_events),
        )

    async def _connect(self, numbers: Iterator[int], everyone: trio.CancelScope) -> None:
        """Be one of the lanes that connect clients, one at a time each."""
        for number in numbers:
            try:
                await self._nursery.start(self._attend, number)
            except (HandshakeError, ConnectionClosed, JoinRefusedError, trio.TooSlowError) as error:
                self._report(Refused(number, f"{type(error).__name__}: {error}"))
                everyone.cancel()
                return

    async def _attend(self, number: int, *, task_status: trio.TaskStatus[None]) -> None:
        """Be one client: join, say so, then read until the connection ends."""
        talk = Conversation(number, f"room:lobby{room_of(number, self._plan.room_size)}")
        async with self._open(number) as connection:
            with trio.fail_after(JOIN_SECONDS):
                await connection.send_message(talk.join())
                while not talk.joined(await connection.get_message()):
                    pass
            self._connections[number] = connection
            self._conversations[number] = talk
            self._report(Joined(len(self._connections)))
            task_status.started()
            try:
                while True:
                    self._record(talk.receive(await connection.get_message(), now=trio.current_time()))
            except ConnectionClosed:
                if not self._finishing:
                    code = connection.closed.code if connection.closed else NO_CLOSE_FRAME
                    self._drops.append(Drop(number, trio.current_time(), code))

    def _open(self, number: int) -> AbstractAsyncContextManager[WebSocketConnection]:
        return open_websocket(
            "127.0.0.1",
            self._plan.port,
            f"/socket/websocket?vsn=2.0.0&client={number}",
            use_ssl=False,
            message_queue_size=64,
            connect_timeout=JOIN_SECONDS,
            disconnect_timeout=CLOSE_SECONDS,
        )

    def _record(self, seen: Request | Delivery | ChannelEvent | None) -> None:
        match seen:
            case Request():
                self._requests.append(seen)
                self._prober.saw(seen)
            case Delivery():
                self._deliveries.append(seen)
            case ChannelEvent():
                self._channel_events.append(seen)
            case None:
                pass

    async def _keep_schedule(self) -> None:
        start = trio.current_time()
        with self._schedule:
            for turn in turns(self._plan):
                await trio.sleep_until(start + turn.due)
                self._nursery.start_soon(self._act, turn, start + turn.due)

    async def _act(self, turn: Turn, intended: float) -> None:
        match turn.act:
            case Act.PING:
                await self._ping(Kind.PING, turn.client, intended)
            case Act.BROADCAST:
                now = trio.current_time()
                sequence, text = self._conversations[turn.client].broadcast()
                self._broadcasts.append(Broadcast(turn.client, sequence, intended, now))
                await self._send(turn.client, text)

    async def _probe(self, client: int, intended: float) -> None:
        await self._ping(Kind.PROBE, client, intended)

    async def _ping(self, kind: Kind, client: int, intended: float) -> None:
        text = self._conversations[client].ping(kind, intended=intended, now=trio.current_time())
        await self._send(client, text)

    async def _send(self, client: int, text: str) -> None:
        try:
            await self._connections[client].send_message(text)
        except ConnectionClosed:
            # The client's reader records the drop; the request stays unanswered, which is what it was.
            return
