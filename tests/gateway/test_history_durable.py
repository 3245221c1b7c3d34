"""What is stored before it is broadcast, and what becomes of it, and of the rest, when the store fails."""

from __future__ import annotations

import math
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
import trio

from regrow.actors import KILL, exit_signal
from regrow.gateway import HistoryBehindError, Settings, Socket
from regrow.gateway._channels._messages import Broadcast
from tests.support.histories import (
    AsyncHistorySocket,
    FaultyStore,
    HistorySocket,
    HostedSocket,
    enter,
    hear_until_beat,
    kept,
    say,
)
from tests.support.phoenix_client import Heard, PhoenixClient, error, join, message, ok
from tests.support.serving import Served, serving
from tests.support.socket_test import pass_time, socket_test

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractAsyncContextManager

both_drivers = pytest.mark.parametrize("socket", [HistorySocket, AsyncHistorySocket])

BROKEN = OSError(28, "No space left on device")


def chat(
    store: FaultyStore, socket: type[Socket] = HistorySocket, **settings: Any
) -> AbstractAsyncContextManager[Served]:
    limits: dict[str, Any] = {"ping_interval": math.inf, **settings}
    return serving({"/socket/websocket": socket}, Settings(**limits), history=store)


async def until(served: Served, is_so: Callable[[], bool]) -> None:
    """Wait for a thread, which the clock of the test does not rule."""
    for _ in range(1000):
        await served.settle()
        if is_so():
            await served.settle()  # the thread has done its work: let it say so
            return
    raise AssertionError


def has_failed(store: FaultyStore, times: int) -> bool:
    return store.calls.count("abandon") == times


def writer_of(served: Served) -> Any:
    (writer,) = [process for process in served.node.processes if process.label == "Writer.run"]
    return writer


@both_drivers
@socket_test
async def test_nobody_hears_a_durable_message_and_its_sender_has_no_reply_before_it_is_stored(
    socket: type[Socket],
) -> None:
    store = FaultyStore()
    async with chat(store, socket) as served:
        client, other = await PhoenixClient.open(served), await PhoenixClient.open(served)
        epoch = (await enter(client, "durable:1"))["epoch"]
        await enter(other, "durable:1")
        store.gate.clear()
        await client.send(say("durable:1", 1, "2"))
        assert await client.hears_nothing_more()
        assert await other.hears_nothing_more()
        late = await PhoenixClient.open(served)
        assert (await enter(late, "durable:1", recover={"last": 9}))["offset"] == 0
        store.gate.set()
        assert [await client.hear(), await client.hear()] == [
            kept("durable:1", 1, epoch, 1),
            ok("1", "2", "durable:1"),
        ]
        for one in (other, late):
            assert await one.hear() == kept("durable:1", 1, epoch, 1)
        state = store.inner.load("durable:1", HistorySocket.channels["durable:*"].history)  # type: ignore[arg-type]
        assert [record.payload for record in state.records] == [b"1"]


@both_drivers
@socket_test
async def test_other_messages_are_answered_while_one_is_being_stored(socket: type[Socket]) -> None:
    store = FaultyStore()
    async with chat(store, socket) as served:
        client = await PhoenixClient.open(served)
        await enter(client, "durable:1")
        store.gate.clear()
        await client.send(say("durable:1", 1, "2"))
        assert await client.ask(message("1", "3", "durable:1", "echo", 7)) == ok("1", "3", "durable:1", 7)
        assert await client.ask(message("1", "4", "durable:1", "typing")) == Heard(
            None, None, "durable:1", "typing", {}
        )
        assert await client.hear() == ok("1", "4", "durable:1")
        store.gate.set()
        assert [(await client.hear()).ref for _ in range(2)] == [None, "2"]


@socket_test
async def test_what_comes_while_a_batch_is_stored_is_stored_with_the_next_in_order() -> None:
    store = FaultyStore()
    async with chat(store) as served:
        client = await PhoenixClient.open(served)
        epoch = (await enter(client, "durable:1"))["epoch"]
        store.calls.clear()
        while store.entered.acquire(blocking=False):
            pass
        store.gate.clear()
        await client.send(say("durable:1", 1))
        await trio.to_thread.run_sync(store.entered.acquire)
        await client.send(*(say("durable:1", number, None) for number in range(2, 30)))
        assert await client.hears_nothing_more()
        store.gate.set()
        heard = [one for one in [await client.hear() for _ in range(30)] if one.ref is None]
        assert heard == [kept("durable:1", number, epoch, number) for number in range(1, 30)]
        assert store.calls == ["append", "append"]


@socket_test
async def test_the_reply_of_a_room_waits_until_what_it_has_broadcast_is_stored() -> None:
    store = FaultyStore()
    async with chat(store, HostedSocket) as served:
        client = await PhoenixClient.open(served)
        epoch = (await enter(client, "durable:1"))["epoch"]
        store.gate.clear()
        await client.send(say("durable:1", 1, "2"))
        assert await client.hears_nothing_more()
        store.gate.set()
        assert await client.hear() == kept("durable:1", 1, epoch, 1)
        assert await client.hear() == ok("1", "2", "durable:1")


@socket_test
async def test_a_reply_to_a_stop_waits_too_and_a_message_without_a_reply_gets_none() -> None:
    async with chat(FaultyStore()) as served:
        client = await PhoenixClient.open(served)
        await enter(client, "durable:1")
        await client.send(say("durable:1", 1, "2", "say_silently"))
        assert (await client.hear()).payload == 1
        assert await client.hears_nothing_more()
        await client.send(say("durable:1", 2, "3", "say_and_stop"))
        heard = [await client.hear() for _ in range(2)]
        assert ok("1", "3", "durable:1", "bye") in heard
        assert Heard("1", "1", "durable:1", "phx_close", {}) in heard


@pytest.mark.parametrize("event", ["say", "say_silently"])
@both_drivers
@socket_test
async def test_when_the_store_fails_the_sender_is_told_nobody_hears_it_and_the_next_try_works(
    socket: type[Socket], event: str
) -> None:
    store = FaultyStore()
    async with chat(store, socket) as served:
        client = await PhoenixClient.open(served)
        epoch = (await enter(client, "durable:1"))["epoch"]
        store.error = BROKEN
        assert await client.ask(say("durable:1", "lost", "2", event)) == error("1", "2", "durable:1", "history failed")
        store.error = None
        await until(served, lambda: store.calls[-1] == "abandon")
        await client.send(say("durable:1", "saved", "3"))
        assert await client.hears_nothing_more()
        await pass_time(0.1)
        assert [await client.hear(), await client.hear()] == [
            kept("durable:1", "saved", epoch, 1),
            ok("1", "3", "durable:1"),
        ]


@socket_test
async def test_a_message_that_failed_and_was_stored_all_the_same_is_replaced_by_the_next() -> None:
    store = FaultyStore()
    async with chat(store) as served:
        client = await PhoenixClient.open(served)
        epoch = (await enter(client, "durable:1"))["epoch"]
        store.error, store.is_ambiguous = BROKEN, True
        assert (await client.ask(say("durable:1", "x"))).payload["status"] == "error"
        store.error, store.is_ambiguous = None, False
        await until(served, lambda: store.calls[-1] == "abandon")
        await client.send(say("durable:1", "y"))
        await served.settle()
        await pass_time(0.1)
        assert await client.hear() == kept("durable:1", "y", epoch, 1)
        await client.hear()
    state = store.inner.load("durable:1", HistorySocket.channels["durable:*"].history)  # type: ignore[arg-type]
    assert [(one.offset, one.payload) for one in state.records] == [(1, b'"y"')]


@socket_test
async def test_while_the_store_fails_a_topic_that_is_not_durable_goes_on_and_nothing_of_it_is_lost() -> None:
    store = FaultyStore()
    async with chat(store) as served:
        client = await PhoenixClient.open(served)
        epoch = (await enter(client, "sent:1"))["epoch"]
        store.error = BROKEN
        for number in (1, 2, 3):
            await client.send(say("sent:1", number, None))
            assert await client.hear() == kept("sent:1", number, epoch, number)
            await served.settle()
            await pass_time(10)
            await served.settle()
        store.error = None
        other = await PhoenixClient.open(served)
        await enter(other, "sent:1", recover={"epoch": epoch, "offset": 1})
        assert [(await other.hear()).payload for _ in range(2)] == [2, 3]
        for _ in range(3):
            await pass_time(5)
            await served.settle()
        state = store.inner.load("sent:1", HistorySocket.channels["sent:*"].history)  # type: ignore[arg-type]
        assert (state.epoch, state.head) == (epoch, 3)
        assert [one.payload for one in state.records] == [b"1", b"2", b"3"]


@socket_test
async def test_a_join_of_a_topic_that_cannot_be_loaded_is_refused_and_can_be_tried_again() -> None:
    store = FaultyStore()
    store.error = BROKEN
    async with chat(store) as served:
        client = await PhoenixClient.open(served)
        assert await client.ask(join("1", "sent:1")) == error("1", "1", "sent:1", "history is unavailable")
        await enter(client, "unkept", "2")
        store.error = None
        await until(served, lambda: store.calls[-1] == "abandon")
        await client.send(join("3", "sent:1"))
        assert await client.hears_nothing_more()
        await pass_time(0.1)
        assert (await client.hear()).payload["status"] == "ok"


@socket_test
async def test_the_writer_that_dies_takes_nothing_else_along_and_pauses_longer_each_time() -> None:
    store = FaultyStore()
    async with chat(store) as served:
        client = await PhoenixClient.open(served)
        await enter(client, "sent:1")
        others = {process.pid for process in served.node.processes} - {writer_of(served).pid}
        store.error = BROKEN
        await client.send(say("sent:1", 1, None))
        await client.hear()
        await pass_time(0.05)
        for tries, pause in enumerate((0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 5, 5, 5), 1):
            await until(served, partial(has_failed, store, tries))
            await pass_time(pause * 0.99)
            await served.settle()
            assert store.calls.count("open") == tries, pause
            await pass_time(pause * 0.01 + 0.001)
            await pass_time(0.051)  # messages gather
        await until(served, lambda: store.calls.count("abandon") == 10)
        assert others <= {process.pid for process in served.node.processes}
        store.error = None
        await pass_time(6)


@pytest.mark.parametrize("is_in_the_store", [True, False])
@socket_test
async def test_a_writer_that_is_killed_loses_nothing_and_never_uses_the_store_beside_the_next(
    is_in_the_store: bool,  # noqa: FBT001
) -> None:
    store = FaultyStore()
    async with chat(store) as served:
        client = await PhoenixClient.open(served)
        epoch = (await enter(client, "durable:1"))["epoch"]
        if not is_in_the_store:
            exit_signal(writer_of(served).pid, KILL)
        store.gate.clear()
        await client.send(say("durable:1", 1, "2"))
        assert await client.hears_nothing_more()
        if is_in_the_store:
            exit_signal(writer_of(served).pid, KILL)
        await served.settle()
        await client.send(say("durable:1", 2, "3"))
        assert await client.hears_nothing_more()
        store.gate.set()
        await pass_time(0.1)
        heard = [await client.hear() for _ in range(4)]
        assert [one for one in heard if one.ref is None] == [
            kept("durable:1", 1, epoch, 1),
            kept("durable:1", 2, epoch, 2),
        ]
        assert {one.ref for one in heard} == {None, "2", "3"}


@socket_test
async def test_a_disk_that_does_not_keep_up_refuses_durable_messages_and_keeps_the_others_in_memory() -> None:
    store = FaultyStore()
    async with chat(store, history_queue=4000) as served:
        client = await PhoenixClient.open(served)
        epoch = (await enter(client, "durable:1"))["epoch"]
        await enter(client, "sent:1", "2")
        store.gate.clear()
        await client.send(*(say("durable:1", "x" * 1000, str(ref)) for ref in range(10, 14)))
        assert [await client.hear() for _ in range(2)] == [
            error("1", ref, "durable:1", "history is behind") for ref in ("12", "13")
        ]
        archive = served.running.transport.archive
        assert archive is not None
        for number in range(1, 4):
            await client.send(say("sent:1", "y" * 1000, None))
            assert (await client.hear()).position["offset"] == number
        assert archive.report()["waiting_bytes"] <= 4000
        assert archive.report()["unstorable"] == 3
        with pytest.raises(HistoryBehindError, match="history is behind"):
            served.running.transport.pubsub.broadcast("durable:1", Broadcast("durable:1", "said", "z" * 1000))
        store.gate.set()
        heard = [await client.hear() for _ in range(4)]
        assert [one.position["offset"] for one in heard if one.position] == [1, 2]
        await pass_time(0.1)
        await served.settle()
        other = await PhoenixClient.open(served)
        await enter(other, "sent:1", recover={"last": 9})
        assert [one.position["offset"] for one in await hear_until_beat(other)] == [1, 2, 3]
    # What was not stored counts as too old; no offset is given twice.
    state = store.inner.load("sent:1", HistorySocket.channels["sent:*"].history)  # type: ignore[arg-type]
    assert (state.head, list(state.records)) == (3, [])
    assert epoch


@socket_test
async def test_a_payload_that_has_no_form_in_json_is_an_error_of_who_broadcasts_it_and_takes_no_offset() -> None:
    async with chat(FaultyStore()) as served:
        client = await PhoenixClient.open(served)
        epoch = (await enter(client, "durable:1"))["epoch"]
        with pytest.raises(TypeError):
            served.running.transport.pubsub.broadcast("durable:1", Broadcast("durable:1", "said", object()))
        await client.send(say("durable:1", 1, None))
        assert await client.hear() == kept("durable:1", 1, epoch, 1)
