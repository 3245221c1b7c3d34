"""Broadcasting to any topic from anywhere, and processes that are subscribed to topics."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import pytest
import trio

from regrow.actors import KILL, Down, GenServer, NoReply, exit_signal, monitor, open_node, receive, self_, send, spawn
from regrow.gateway import Broadcast, Channel, Ok, RunningGateway, Socket
from regrow.gateway.testing import channel_gateway, joined
from tests.support.phoenix_client import Heard, PhoenixClient
from tests.support.serving import serving
from tests.support.socket_test import socket_test

if TYPE_CHECKING:
    from collections.abc import Mapping

    from regrow.gateway import PubSub


class Speaking(Channel):
    """Broadcasts to and subscribes to what it is told."""

    def handle_in(self, event: str, payload: Any) -> Any:
        match event:
            case "to":
                self.broadcast_to(payload, "said", {"by": self.topic})
            case "subscribe":
                self.subscribe(payload)
            case "unsubscribe":
                self.unsubscribe(payload)
            case "crash":
                raise RuntimeError
            case _:
                return Ok()
        return None

    def handle_info(self, message: Any) -> Any:
        assert isinstance(message, Broadcast)
        self.push("overheard", [message.topic, message.event, message.payload])


class AsyncSpeaking(Speaking):
    async def handle_info(self, message: Any) -> Any:
        await trio.lowlevel.checkpoint()
        super().handle_info(message)


class Chat(Socket):
    channels: ClassVar[Mapping[str, type[Channel]]] = {"a:*": Speaking, "b:*": AsyncSpeaking}


both_drivers = pytest.mark.parametrize("channel", [Speaking, AsyncSpeaking])


@pytest.mark.parametrize("topic", ["a:1", "b:1"])
@socket_test
async def test_a_channel_may_broadcast_to_a_topic_it_is_not_in(topic: str) -> None:
    async with channel_gateway(Chat) as gateway:
        speaker = await (await gateway.connect()).join(topic)
        hearer = await (await gateway.connect()).join("a:2")
        speaker.push("to", "a:2")
        await hearer.assert_push("said", {"by": topic})
        await speaker.refute_push("said")
        speaker.push("to", "nobody")
        await speaker.assert_reply(speaker.push("still there"), "ok")


@both_drivers
@socket_test
async def test_a_channel_may_listen_to_other_topics(channel: type[Channel]) -> None:
    async with channel_gateway(type("One", (Socket,), {"channels": {"*": channel}})) as gateway:
        one = await (await gateway.connect()).join("a:1")
        one.push("subscribe", "a:2")
        one.push("subscribe", "a:3")
        await one.client.settle()
        gateway.broadcast("a:2", "x", 1)
        gateway.broadcast("a:3", "y", 2)
        assert [await one.assert_push("overheard") for _ in range(2)] == [["a:2", "x", 1], ["a:3", "y", 2]]
        one.push("unsubscribe", "a:2")
        await one.client.settle()
        gateway.broadcast("a:2", "x", 3)
        gateway.broadcast("a:3", "y", 4)
        assert await one.assert_push("overheard") == ["a:3", "y", 4]
        await one.refute_push("overheard")


@pytest.mark.parametrize("how", ["leave", "crash", "close"])
@both_drivers
@socket_test
async def test_what_a_channel_listened_to_ends_with_it(channel: type[Channel], how: str) -> None:
    async with joined(channel, "a:1") as one:
        pubsub = one.client.gateway.transport.pubsub
        one.push("subscribe", "a:2")
        await one.client.settle()
        assert pubsub.subscribers("a:2") == 1
        match how:
            case "leave":
                one.leave()
            case "crash":
                one.push("crash")
            case _:
                await one.client.drop()
        await one.client.settle()
        assert pubsub.subscribers("a:2") == 0


class Announcer(GenServer):
    def init(self, pubsub: PubSub) -> None:
        self.pubsub = pubsub

    def handle_cast(self, request: Any) -> NoReply | None:
        self.pubsub.broadcast("a:1", Broadcast("a:1", "announced", request))
        return None


@socket_test
async def test_the_running_gateway_broadcasts_from_wherever_the_node_runs() -> None:
    async with serving({"/socket/websocket": Chat}) as served:
        client = await PhoenixClient.open(served)
        await client.joined("a:1")
        running = served.running
        running.broadcast("a:1", "news", {"n": 1})
        assert await client.hear() == Heard(None, None, "a:1", "news", {"n": 1})

        async def from_a_task() -> None:
            running.broadcast("a:1", "news", {"n": 2})

        spawn(from_a_task)
        assert await client.hear() == Heard(None, None, "a:1", "news", {"n": 2})
        with pytest.raises(TypeError):
            running.broadcast("a:1", "news", object())
        assert await client.hears_nothing_more()


@socket_test
async def test_a_process_hears_what_is_broadcast_in_the_topics_it_subscribed_to() -> None:
    async with serving({"/socket/websocket": Chat}) as served:
        running = served.running
        client = await PhoenixClient.open(served)
        await client.joined("a:1")
        running.subscribe("a:1")
        running.subscribe("elsewhere")
        running.broadcast("a:1", "x", 1)
        running.broadcast("elsewhere", "y", 2)
        running.broadcast("nowhere", "z", 3)
        assert [await receive(), await receive()] == [Broadcast("a:1", "x", 1), Broadcast("elsewhere", "y", 2)]
        assert await client.hear() == Heard(None, None, "a:1", "x", 1)
        running.unsubscribe("a:1")
        running.unsubscribe("a:1")
        running.broadcast("a:1", "x", 4)
        running.broadcast("elsewhere", "y", 5)
        assert await receive() == Broadcast("elsewhere", "y", 5)


@socket_test
async def test_a_process_that_subscribed_twice_hears_twice_until_it_unsubscribes() -> None:
    async with serving() as served:
        running = served.running
        for _ in range(2):
            running.subscribe("t")
        assert running.transport.pubsub.subscribers("t") == 1
        running.broadcast("t", "x", 1)
        running.unsubscribe("t")
        running.broadcast("t", "x", 2)
        send(self_(), "end")
        assert [await receive() for _ in range(3)] == [Broadcast("t", "x", 1), Broadcast("t", "x", 1), "end"]
        assert running.transport.pubsub._topics == {}


async def listen(running: RunningGateway, topics: list[str]) -> None:
    for topic in topics:
        running.subscribe(topic)
    while True:
        await receive()


@socket_test
async def test_the_subscriptions_of_a_process_are_gone_before_its_down() -> None:
    async with serving() as served:
        running = served.running
        pubsub = running.transport.pubsub
        listeners = [spawn(listen, running, ["t", "u"]) for _ in range(3)]
        await served.settle()
        assert pubsub.subscribers("t") == pubsub.subscribers("u") == 3
        for left, pid in enumerate(reversed(listeners)):
            monitor(pid)
            exit_signal(pid, KILL)
            assert isinstance(await receive(), Down)
            assert pubsub.subscribers("t") == 2 - left
        assert pubsub._topics == {}


@socket_test
async def test_a_dead_process_cannot_be_subscribed() -> None:
    async with serving() as served:
        running = served.running
        pid = spawn(listen, running, [])
        exit_signal(pid, KILL)
        running.transport.pubsub.subscribe_process("t", pid)
        assert running.transport.pubsub._topics == {}


@socket_test
async def test_a_subscriber_that_dies_of_a_broadcast_keeps_nobody_from_hearing_it() -> None:
    async with open_node(), joined(Speaking, "a:1") as one:
        pubsub = one.client.gateway.transport.pubsub

        class Fragile:
            """Leaves in the middle of a broadcast."""

            def __call__(self, message: Any) -> None:
                pubsub.unsubscribe_process("a:1", self_())

        pubsub.subscribe_process("a:1", self_())
        group = pubsub._topics["a:1"].processes()
        assert group is not None
        group.members = {self_(): Fragile(), **group.members}  # type: ignore[dict-item]
        one.client.gateway.broadcast("a:1", "x", 1)
        await one.assert_push("x", 1)
