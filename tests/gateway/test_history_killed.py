"""``kill -9`` of a gateway that keeps histories in a file, while clients talk."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, ParamSpec

import pytest
import trio

from tests.support.command import run_command
from tests.support.histories import enter
from tests.support.phoenix_client import PATH, Heard, PhoenixClient, message
from tests.support.raw_client import RawClient

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from tests.support.command import Command

P = ParamSpec("P")

APP = """
import math
from regrow.gateway import Ack, Channel, Gateway, History, Ok, Settings, Socket, SqliteStore

class Room(Channel):
    def handle_in(self, event, payload):
        self.broadcast("said", payload)
        return Ok()

class Sent(Room):
    history = History(events=("said",), count=100_000, age=math.inf, size=1_000_000)

class Durable(Room):
    history = History(events=("said",), count=100_000, age=math.inf, size=1_000_000, ack=Ack.DURABLE)

class Rooms(Socket):
    channels = {"sent": Sent, "durable": Durable}

gateway = Gateway(
    routes={"/socket/websocket": Rooms},
    settings=Settings(message_rate=math.inf, message_burst=math.inf),
    history=SqliteStore("history.db"),
)
"""

SENDERS = 3
ROUNDS = 3


def command_test(test: Callable[P, Awaitable[None]]) -> Callable[P, None]:
    @functools.wraps(test)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        trio.run(functools.partial(test, *args, **kwargs))

    return run


class Talk:
    """What everybody said and heard in one topic, over all the lives of its gateway."""

    def __init__(self, topic: str) -> None:
        self.topic = topic
        self.acknowledged: set[str] = set()
        self.heard: dict[tuple[str, int], Any] = {}
        """What was heard at which position."""
        self.last: dict[str, Any] | None = None
        """The position of what the listener heard last."""
        self._number = 0

    def hear(self, heard: Heard) -> None:
        """Nobody hears two messages at one position."""
        if heard.position is not None:
            place = (heard.position["epoch"], heard.position["offset"])
            assert self.heard.setdefault(place, heard.payload) == heard.payload, place

    def next_payload(self) -> str:
        self._number += 1
        return f"message {self._number}"


async def connect(command: Command) -> PhoenixClient:
    client = PhoenixClient(await RawClient.connect(await command.port()))
    await client.raw.upgrade(PATH)
    return client


async def talk_until_killed(command: Command, talk: Talk, acks: int) -> None:  # noqa: C901 - the whole crowd
    """Have three clients talk, several messages each on their way, and kill the gateway in the middle of it."""
    enough = trio.Event()
    replies = 0

    async def speak(client: PhoenixClient) -> None:
        nonlocal replies
        waiting: dict[str, str] = {}
        for ref in range(1_000_000):
            payload = waiting[str(ref)] = talk.next_payload()
            try:
                await client.send(message("1", str(ref), talk.topic, "say", payload))
                while len(waiting) > 5:
                    heard = await client.hear()
                    talk.hear(heard)
                    if heard.event == "phx_reply" and heard.ref in waiting:
                        assert heard.payload["status"] == "ok", heard
                        talk.acknowledged.add(waiting.pop(heard.ref))
                        replies += 1
                        if replies >= acks:
                            enough.set()
            except (OSError, EOFError, trio.BrokenResourceError, trio.ClosedResourceError, AssertionError):
                if not enough.is_set():
                    raise
                return

    async def listen(client: PhoenixClient) -> None:
        while True:
            try:
                heard = await client.hear()
            except (OSError, EOFError, trio.BrokenResourceError, trio.ClosedResourceError, AssertionError):
                if not enough.is_set():
                    raise
                return
            talk.hear(heard)
            talk.last = heard.position

    async with trio.open_nursery() as nursery:
        clients = [await connect(command) for _ in range(SENDERS + 1)]
        for client in clients:
            await enter(client, talk.topic)
        nursery.start_soon(listen, clients[0])
        for client in clients[1:]:
            nursery.start_soon(speak, client)
        await enough.wait()
        command.process.kill()
        await command.process.wait()
    for client in clients:
        await client.raw.aclose()


async def missed(command: Command, talk: Talk, recover: dict[str, Any]) -> tuple[dict[str, Any], list[Heard]]:
    """What a client is told that joins; what it missed."""
    client = await connect(command)
    response = await enter(client, talk.topic, recover=recover)
    await client.send(message(None, "beat", "phoenix", "heartbeat"))
    heard: list[Heard] = []
    while (one := await client.hear()).ref != "beat":
        talk.hear(one)
        heard.append(one)
    await client.raw.aclose()
    return response, heard


@pytest.mark.parametrize("acks", [1, 150])
@command_test
async def test_after_kill_9_all_that_was_acknowledged_and_all_that_was_heard_of_a_durable_topic_is_there(
    acks: int, tmp_path: Path
) -> None:
    (tmp_path / "app.py").write_text(APP)
    talk = Talk("durable")
    for _ in range(ROUNDS):
        async with run_command("serve", "app:gateway", "--port", "0", cwd=tmp_path) as command:
            await talk_until_killed(command, talk, acks)
    async with run_command("serve", "app:gateway", "--port", "0", cwd=tmp_path) as command:
        response, history = await missed(command, talk, {"last": 100_000})
        payloads = [one.payload for one in history]
        assert len(set(payloads)) == len(payloads)
        assert talk.acknowledged <= set(payloads)
        assert set(talk.heard.values()) <= set(payloads)
        assert {epoch for epoch, _ in talk.heard} == {response["epoch"]}
        assert [one.position["offset"] for one in history] == list(range(1, response["offset"] + 1))
        # Who was there when it was killed goes on where it was.
        assert talk.last is not None
        again, rest = await missed(command, talk, talk.last)
        assert again["recovered"] is True
        assert rest == history[talk.last["offset"] :]


@command_test
async def test_after_kill_9_a_topic_that_is_not_durable_has_another_epoch_and_lost_only_the_end(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(APP)
    talk = Talk("sent")
    epochs: list[str] = []
    for _ in range(ROUNDS):
        async with run_command("serve", "app:gateway", "--port", "0", cwd=tmp_path) as command:
            if talk.last is not None:
                response, heard = await missed(command, talk, talk.last)
                assert (response["recovered"], heard) == (False, [])
            await talk_until_killed(command, talk, 2000)
            assert talk.last is not None
            epochs.append(talk.last["epoch"])
    assert len(set(epochs)) == ROUNDS
    async with run_command("serve", "app:gateway", "--port", "0", cwd=tmp_path) as command:
        response, history = await missed(command, talk, {"last": 100_000})
        assert response["epoch"] not in epochs
        assert [one.position["offset"] for one in history] == list(range(1, response["offset"] + 1))
        # Of each life a beginning is there, in the order in which it was heard.
        payloads = [one.payload for one in history]
        for epoch in epochs:
            said = [payload for (where, _), payload in sorted(talk.heard.items()) if where == epoch]
            kept = [payload for payload in said if payload in set(payloads)]
            assert kept == said[: len(kept)]
            assert kept == [payload for payload in payloads if payload in set(kept)]
