"""Arbitrary bytes, requests, frames and channel messages over several connections at once.

Whatever clients say, the gateway still accepts, the bystander of `serving` is served, nothing crashes, every byte it
writes is well-formed, and once all have left there is nothing left of them. The same examples every time.
"""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
import trio
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from trio.testing import MockClock

from regrow.gateway import Settings
from tests.support.raw_client import upgrade_request
from tests.support.serving import serving
from tests.support.strict_reader import read_strictly
from tests.support.sturdy_channels import EVENTS, SturdySocket
from tests.support.wire import BINARY, CLOSE, CONTINUATION, PING, TEXT, client_close, client_frame, header

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.support.raw_client import RawClient
    from tests.support.serving import Served

PATIENCE = 10.0
"""Seconds that an example may take."""

SETTINGS = Settings(max_message_size=20_000, max_fragments=10, outbox_limit=200_000, compression_level=1)

fuzz = settings(
    max_examples=150,
    phases=(Phase.generate,),
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example],
)

# What clients say.

texts = st.text(max_size=20) | st.text('\u0000\ud7ff\ue000\U0001f600\u0301"\\/\r\n', max_size=300)
json_values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)
payloads = json_values.map(json.dumps) | st.sampled_from(
    (
        r'"\ud800"',
        "1e999",
        "-1e999",
        "9" * 400,
        "9" * 5000,
        "[" * 600 + "]" * 600,
        '{"a":' * 600 + "1" + "}" * 600,
        "{",
        "",
    )
)
refs = st.sampled_from(("1", "2")) | st.none() | texts | st.integers()
topics = st.sampled_from(("room:1", "inline:1", "task:1", "inline:2", "phoenix", "nobody:1")) | texts
events = st.sampled_from((*EVENTS, "phx_join", "phx_leave", "phx_reply", "phx_close", "heartbeat")) | texts


@st.composite
def channel_messages(draw: st.DrawFn) -> bytes:
    """A message in JSON, with a payload that may be no JSON at all."""
    head = json.dumps([draw(refs), draw(refs), draw(topics), draw(events)])
    return client_frame(TEXT, f"{head[:-1]},{draw(payloads)}]".encode())


@st.composite
def joins(draw: st.DrawFn) -> bytes:
    """A join that succeeds most of the time, and messages to what was joined."""
    topic = draw(st.sampled_from(("room:1", "inline:1", "task:1")))
    params = draw(st.sampled_from(("{}", '{"name": "Eve"}')) | payloads)
    frames = [client_frame(TEXT, f'["1","1",{json.dumps(topic)},"phx_join",{params}]'.encode())]
    for event, payload in draw(st.lists(st.tuples(st.sampled_from(EVENTS), payloads), max_size=5)):
        frames.append(client_frame(TEXT, f'["1","2",{json.dumps(topic)},"{event}",{payload}]'.encode()))
    return b"".join(frames)


@st.composite
def binary_pushes(draw: st.DrawFn) -> bytes:
    """A binary message whose sizes may lie."""
    fields = [text.encode()[:255] for text in draw(st.tuples(texts, texts, topics, events))]
    sizes = draw(st.just([len(field) for field in fields]) | st.lists(st.integers(0, 255), min_size=4, max_size=4))
    kind = draw(st.sampled_from((0, 0, 0, 1, 2, 255)))
    return client_frame(BINARY, bytes((kind, *sizes)) + b"".join(fields) + draw(st.binary(max_size=50)))


@st.composite
def packed_messages(draw: st.DrawFn) -> bytes:
    """A message in msgpack."""
    value = [draw(refs.filter(lambda ref: not isinstance(ref, int))), draw(texts), draw(topics), draw(events)]
    payload = draw(st.recursive(st.none() | st.integers(-(2**63), 2**64 - 1) | st.binary(max_size=9) | texts, st.lists))
    return client_frame(BINARY, msgspec.msgpack.encode([*value, payload]))


packed_payloads = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats() | st.binary(max_size=9) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts | st.integers(0, 9), inner, max_size=3),
    max_leaves=6,
)


@st.composite
def packed_joins(draw: st.DrawFn) -> bytes:
    """The same as `joins` in msgpack."""
    topic = draw(st.sampled_from(("room:1", "inline:1", "task:1")))
    params = draw(st.sampled_from(({"a": 1}, {"name": "Eve"})) | packed_payloads)
    said = [["1", "1", topic, "phx_join", params]]
    for event, payload in draw(st.lists(st.tuples(st.sampled_from(EVENTS), packed_payloads), max_size=5)):
        said.append(["1", "2", topic, event, payload])
    return b"".join(client_frame(BINARY, msgspec.msgpack.encode(message)) for message in said)


frames = st.builds(
    client_frame,
    st.integers(0, 15),
    st.binary(max_size=200) | texts.map(str.encode),
    fin=st.booleans(),
    rsv=st.sampled_from((0, 0, 0, 4, 1, 7)),
    mask=st.none() | st.binary(min_size=4, max_size=4),
)
nearly = st.sampled_from(
    (
        client_frame(PING, b"x" * 125) * 20,
        client_frame(TEXT, b"a", fin=False) + client_frame(PING) + client_frame(CONTINUATION, b"b"),
        client_frame(CONTINUATION, fin=False) * 12,
        header(0x80 | TEXT, 2**62),
        header(0x80 | BINARY, 19_999),
        client_frame(CLOSE),
        client_close(1000, b"bye"),
        client_close(1005),
        client_frame(TEXT, b"\x4a\x4c\x4a\x06\x00", rsv=4),
        client_frame(TEXT, b"\xff" * 5, rsv=4),
        client_frame(TEXT, b"x" * 19_000),
    )
)
said = st.one_of(
    channel_messages(), joins(), joins(), binary_pushes(), packed_messages(), frames, nearly, st.binary(max_size=50)
)

PHOENIX = "/socket/websocket?vsn=2.0.0"
headers = st.dictionaries(
    st.sampled_from(("Origin", "Connection", "Sec-WebSocket-Key", "Content-Length", "Transfer-Encoding", "X")),
    st.none() | st.text("abc,:; \t\u00ff=123", max_size=20),
    max_size=2,
)
openings = st.one_of(
    st.just(upgrade_request(PHOENIX)),
    st.just(upgrade_request(PHOENIX, {"Sec-WebSocket-Protocol": "regrow.msgpack"})),
    st.just(upgrade_request(PHOENIX, {"Sec-WebSocket-Extensions": "permessage-deflate"})),
    st.just(upgrade_request("/echo")),
    st.builds(upgrade_request, st.sampled_from(("/echo", PHOENIX, "/nowhere", "/metrics", "*")), headers),
    st.sampled_from((b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n", b"POST /echo HTTP/1.1\r\n\r\n", b"\r\n\r\n")),
    st.binary(max_size=60).map(lambda data: data + b"\r\n\r\n"),
    st.binary(max_size=60),
)


@dataclass(frozen=True)
class Visit:
    """What one client does."""

    opening: bytes
    said: list[bytes]
    cut: int
    """Bytes that are sent at once, 0 for all."""
    leaves: str


cuts = st.sampled_from((0, 0, 0, 7, 100))
leaves = st.sampled_from(("stays", "resets", "ends", "says goodbye"))
rude = st.builds(Visit, openings, st.lists(said, max_size=6), cuts, leaves)
polite = st.builds(
    Visit,
    st.sampled_from(
        (upgrade_request(PHOENIX), upgrade_request(PHOENIX, {"Sec-WebSocket-Extensions": "permessage-deflate"}))
    ),
    st.lists(joins(), min_size=1, max_size=5),
    cuts,
    leaves,
)
packed = st.builds(
    Visit,
    st.just(upgrade_request(PHOENIX, {"Sec-WebSocket-Protocol": "regrow.msgpack"})),
    st.lists(packed_joins(), min_size=1, max_size=5),
    cuts,
    leaves,
)
visits = polite | packed | rude
"""Clients that keep to the frames at least, so that their messages arrive, and others."""


@fuzz
@given(st.lists(visits, min_size=1, max_size=4))
def test_whatever_clients_say_nothing_breaks_and_nothing_is_left(visits: list[Visit]) -> None:
    records: list[logging.LogRecord] = []
    listener = _Listener(records)
    logging.getLogger("regrow").addHandler(listener)
    try:
        trio.run(_play, visits, clock=MockClock())
    finally:
        logging.getLogger("regrow").removeHandler(listener)
    assert [record.getMessage() for record in records] == []


class _Listener(logging.Handler):
    """Keeps what is worse than information."""

    def __init__(self, records: list[logging.LogRecord]) -> None:
        super().__init__(logging.WARNING)
        self._records = records

    def emit(self, record: logging.LogRecord) -> None:
        self._records.append(record)


async def _play(visits: Sequence[Visit]) -> None:
    async with serving({"/socket/websocket": SturdySocket}, SETTINGS) as served:
        transport = served.running.transport
        async with trio.open_nursery() as nursery:
            for visit in visits:
                nursery.start_soon(_visit, served, visit)
        await served.settle()
        assert len(transport.connections) == 1
        assert transport.handshaking == transport.closing == transport.orphans == {}
        assert transport.pubsub._topics == {}
        assert transport.raw_pubsub._topics == {}
        assert transport.presence._topics == {}
        supervised = 22 + 1
        assert len(served.node.processes) <= supervised + 1, served.node.processes


async def _visit(served: Served, visit: Visit) -> None:
    client = await served.connect(source="127.0.0.2")
    received = bytearray()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(_listen, client, received)
        try:
            for part in (visit.opening, *visit.said):
                for start in range(0, len(part), visit.cut or len(part) or 1):
                    await client.send(part[start : start + (visit.cut or len(part))])
            await served.settle()
            if visit.leaves == "says goodbye":
                await client.say_goodbye()
            if visit.leaves != "resets":
                await client.stream.send_eof()
                await served.settle()
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            pass  # the gateway has had enough
        nursery.cancel_scope.cancel()
    read_strictly(bytes(received), is_channels=PHOENIX.encode() in visit.opening)
    await client.reset()


async def _listen(client: RawClient, received: bytearray) -> None:
    try:
        async for data in client.stream:
            received += data
    except (trio.BrokenResourceError, trio.ClosedResourceError):
        pass


def test_the_reader_finds_what_is_not_well_formed() -> None:
    head = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n"
    assert read_strictly(head + b"\x81\x01x\x88\x02\x03\xe8", is_channels=False) == 101
    for wrong in (
        b"HTTP/1.1 500 Internal Server Error\r\n\r\n",
        head + b"\x88\x02\x03\xe8\x81\x01x",
        head + b"\x88\x02\x03\xf3",
        head + b"\x81\x01\xff",
        head + b"\x81\x02[1",
        head + b"\xc1\x01x",
        head + b"\x01\x01x",
    ):
        with pytest.raises((AssertionError, ValueError)):
            read_strictly(wrong, is_channels=True)
