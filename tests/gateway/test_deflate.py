"""permessage-deflate: compression of messages, and the limits of undoing it. RFC 7692 sections 6 and 7.2."""

from __future__ import annotations

import os
import tracemalloc
import zlib
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.extensions.permessage_deflate import PerMessageDeflate
from websockets.frames import Frame as TheirFrame
from websockets.frames import Opcode
from websockets.streams import StreamReader

from regrow.gateway import Settings
from regrow.gateway._wire._decoder import Decoder, Frame
from regrow.gateway._wire._deflate import Inflater, deflate_framing
from tests.support.wire import BINARY, CONTINUATION, PING, TEXT, client_frame

LIMIT = 70_000
SETTINGS = Settings(max_message_size=LIMIT, max_fragments=100)
RSV1 = 0b100
LEVELS = st.integers(1, 9)
WINDOWS = st.integers(9, 15)
WORDS = st.lists(st.sampled_from(["tea", "room", " ", "ménté", "🦊", "0123456789" * 50]), max_size=300).map("".join)
MESSAGES = WORDS | st.text(max_size=500) | st.binary(max_size=2_000) | st.integers(0, LIMIT).map(bytes)


def deflated(payload: bytes, *, window_bits: int = 15, flush: int = zlib.Z_SYNC_FLUSH) -> bytes:
    """A payload as a client compresses it, whole."""
    compressor = zlib.compressobj(wbits=-window_bits)
    data = compressor.compress(payload) + compressor.flush(flush)
    return data[:-4] if data.endswith(b"\0\0\xff\xff") else data


def decoder() -> Decoder:
    return Decoder(SETTINGS, Inflater)


def decoded(*chunks: bytes) -> list[Frame]:
    reading = decoder()
    messages = [message for chunk in chunks for message in reading.feed(chunk)]
    assert reading.ending is None, reading.ending
    return messages


def ended_by(*chunks: bytes) -> int | None:
    reading = decoder()
    assert [message for chunk in chunks for message in reading.feed(chunk)] == []
    assert reading.ending is not None
    assert reading.ending.is_violation
    return reading.ending.code


def cut(data: bytes, places: list[int]) -> list[bytes]:
    edges = [0, *sorted(place % (len(data) + 1) for place in places), len(data)]
    return [data[start:stop] for start, stop in pairwise(edges)]


def their_codec(remote_window_bits: int, local_window_bits: int) -> PerMessageDeflate:
    return PerMessageDeflate(
        remote_no_context_takeover=True,
        local_no_context_takeover=True,
        remote_max_window_bits=remote_window_bits,
        local_max_window_bits=local_window_bits,
    )


def written_by_them(theirs: PerMessageDeflate, message: Frame, places: list[int]) -> bytes:
    """A message as websockets compresses it, in fragments."""
    text = isinstance(message, str)
    payload = message.encode() if isinstance(message, str) else message
    fragments = cut(payload, places)
    wire = b""
    for number, fragment in enumerate(fragments):
        opcode = (Opcode.TEXT if text else Opcode.BINARY) if number == 0 else Opcode.CONT
        wire += TheirFrame(opcode, fragment, number == len(fragments) - 1).serialize(mask=True, extensions=[theirs])
    return wire


PLACES = st.lists(st.integers(0, 10**6), max_size=5)


@given(messages=st.lists(MESSAGES, min_size=1, max_size=3), fragments=PLACES, reads=PLACES, window_bits=WINDOWS)
def test_what_others_compress_is_read_however_it_is_fragmented_and_split(
    messages: list[Frame], fragments: list[int], reads: list[int], window_bits: int
) -> None:
    theirs = their_codec(15, window_bits)
    wire = b"".join(written_by_them(theirs, message, fragments) for message in messages)
    limit = max(len(m.encode() if isinstance(m, str) else m) for m in messages)
    if limit <= LIMIT:
        assert decoded(*cut(wire, reads)) == messages


@given(messages=st.lists(MESSAGES, min_size=1, max_size=4), window_bits=WINDOWS, level=LEVELS)
def test_what_is_compressed_here_others_read_each_message_by_itself(
    messages: list[Frame], window_bits: int, level: int
) -> None:
    framing = deflate_framing(window_bits, level, 1)
    for message in messages:
        payload = message.encode() if isinstance(message, str) else message
        wire = framing.broadcast(message)
        frame = read_by_them(wire, their_codec(window_bits, 15))
        assert frame.opcode is (Opcode.TEXT if isinstance(message, str) else Opcode.BINARY)
        assert frame.data == payload
        assert len(wire) <= len(payload) + 10


def read_by_them(wire: bytes, theirs: PerMessageDeflate) -> TheirFrame:
    reader = StreamReader()
    reader.feed_data(wire)
    parser = TheirFrame.parse(reader.read_exact, mask=False, extensions=[theirs])
    with pytest.raises(StopIteration) as done:
        next(parser)
    frame: TheirFrame = done.value.value
    return frame


def test_a_message_reveals_nothing_of_the_one_before() -> None:
    framing = deflate_framing(15, 6, 1)
    secret = os.urandom(2_000)
    alone = deflate_framing(14, 6, 1)  # another compressor, which has seen nothing
    framing.binary(secret + bytes(100))
    assert len(framing.binary(secret + bytes(99))) == len(alone.binary(secret + bytes(99)))


def test_a_compressor_that_was_interrupted_is_not_used_again(monkeypatch: pytest.MonkeyPatch) -> None:
    real = zlib.compressobj

    class Interrupted:
        def compress(self, data: bytes) -> bytes:
            return real().compress(data)

        def flush(self, _mode: int) -> bytes:
            raise KeyboardInterrupt

    def interrupted(*_args: int) -> Interrupted:
        return Interrupted()

    framing = deflate_framing(13, 7, 2)  # which no other test uses: its compressors are still to be made
    monkeypatch.setattr(zlib, "compressobj", interrupted)
    with pytest.raises(KeyboardInterrupt):
        framing.text(b"a" * 100)
    monkeypatch.undo()
    frame = framing.text(b"b" * 100)
    assert zlib.decompressobj(-15).decompress(frame[2:]) == b"b" * 100


def test_short_messages_and_those_that_would_grow_stay_as_they_are() -> None:
    framing = deflate_framing(15, 1, 100)
    assert framing.text(b"a" * 99) == bytes((0x81, 99)) + b"a" * 99
    assert framing.text(b"a" * 100)[0] == 0xC1
    noise = os.urandom(120)
    assert framing.binary(noise) == bytes((0x82, 120)) + noise


@pytest.mark.parametrize("size", [200_000, 3_000_000])
def test_headers_say_how_long_the_compressed_payload_is(size: int) -> None:
    payload = os.urandom(size // 2).hex().encode()
    frame = deflate_framing(15, 1, 1).text(payload)
    assert read_by_them(frame, their_codec(15, 15)).data == payload


def test_compressed_and_plain_messages_may_alternate() -> None:
    wire = (
        client_frame(TEXT, deflated(b"one"), rsv=RSV1)
        + client_frame(TEXT, b"two")
        + client_frame(BINARY, deflated(b""), rsv=RSV1)
        + client_frame(BINARY, b"", rsv=RSV1)
    )
    assert decoded(wire) == ["one", "two", b"", b""]


def test_a_control_frame_between_compressed_fragments_is_no_part_of_them() -> None:
    data = deflated(b"tea" * 10)
    reading = decoder()
    wire = (
        client_frame(TEXT, data[:4], fin=False, rsv=RSV1)
        + client_frame(PING, b"!")
        + client_frame(CONTINUATION, data[4:])
    )
    assert reading.feed(wire) == ["tea" * 10]
    assert reading.take_pings() == [b"!"]


@pytest.mark.parametrize("rsv", [0b010, 0b001, 0b110, 0b111])
def test_other_reserved_bits_have_no_meaning(rsv: int) -> None:
    assert ended_by(client_frame(TEXT, deflated(b"x"), rsv=rsv)) == 1002


def test_only_the_first_frame_of_a_message_says_that_it_is_compressed() -> None:
    data = deflated(b"tea" * 10)
    assert (
        ended_by(client_frame(TEXT, data[:4], fin=False, rsv=RSV1) + client_frame(CONTINUATION, data[4:], rsv=RSV1))
        == 1002
    )
    assert ended_by(client_frame(TEXT, b"tea", fin=False) + client_frame(CONTINUATION, data, rsv=RSV1)) == 1002


def test_a_control_frame_is_never_compressed() -> None:
    assert ended_by(client_frame(PING, deflated(b"x"), rsv=RSV1)) == 1002


def test_without_an_agreement_nothing_may_be_compressed() -> None:
    reading = Decoder(SETTINGS)
    assert reading.feed(client_frame(TEXT, deflated(b"x"), rsv=RSV1)) == []
    assert reading.ending is not None
    assert reading.ending.code == 1002


@pytest.mark.parametrize("fragments", [1, 2, 50])
def test_a_bomb_is_cut_while_it_is_decompressed(fragments: int) -> None:
    bomb = deflated(bytes(30_000_000))
    assert len(bomb) < LIMIT
    step = len(bomb) // fragments + 1
    pieces = [bomb[start : start + step] for start in range(0, len(bomb), step)]
    wire = b"".join(
        client_frame(BINARY if n == 0 else CONTINUATION, piece, fin=n == len(pieces) - 1, rsv=RSV1 if n == 0 else 0)
        for n, piece in enumerate(pieces)
    )
    tracemalloc.start()
    try:
        assert ended_by(wire) == 1009
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 2 * LIMIT + 4 * len(wire) + 300_000  # the blocks of the output and their sum, and zlib's own state


def test_a_message_may_be_as_long_as_the_limit_and_no_longer() -> None:
    noise = os.urandom(LIMIT)
    assert decoded(client_frame(BINARY, deflated(noise), rsv=RSV1)) == [noise]
    assert ended_by(client_frame(BINARY, deflated(noise + b"!"), rsv=RSV1)) == 1009


def test_a_header_that_promises_more_than_any_message_needs_is_refused_at_once() -> None:
    whole = client_frame(BINARY, bytes(2 * LIMIT), rsv=RSV1)
    assert ended_by(whole[:14]) == 1009


def test_empty_blocks_do_not_get_around_the_limit() -> None:
    empty = b"\0\0\0\xff\xff" * 5_000
    wire = client_frame(BINARY, empty, fin=False, rsv=RSV1)
    assert ended_by(wire, *[client_frame(CONTINUATION, empty, fin=False)] * 3) == 1009


def test_blocks_marked_as_last_are_followed_by_others() -> None:
    hello = bytes.fromhex("f348cdc9c9070000")  # RFC 7692 section 7.2.3.4
    assert decoded(client_frame(TEXT, hello, rsv=RSV1)) == ["Hello"]
    twice = deflated(b"one", flush=zlib.Z_FINISH) + deflated(b"two")
    assert decoded(client_frame(TEXT, twice, rsv=RSV1)) == ["onetwo"]
    first = client_frame(TEXT, deflated(b"one", flush=zlib.Z_FINISH), fin=False, rsv=RSV1)
    assert decoded(first + client_frame(CONTINUATION, deflated(b"two"))) == ["onetwo"]


def test_very_many_blocks_marked_as_last_are_refused() -> None:
    assert ended_by(client_frame(TEXT, deflated(b"", flush=zlib.Z_FINISH) * 1_000, rsv=RSV1)) == 1009


@pytest.mark.parametrize(
    "payload",
    [b"\xff\xff\xff\xff", deflated(b"tea" * 100)[:-3], b"\x07", os.urandom(0) + b"\x06\xff"],
    ids=["no deflate", "cut off", "reserved block type", "garbage"],
)
def test_what_cannot_be_decompressed_is_invalid_data(payload: bytes) -> None:
    assert ended_by(client_frame(BINARY, payload, rsv=RSV1)) == 1007


@given(payload=st.binary(max_size=300), fragments=PLACES)
def test_any_bytes_are_a_message_or_refused_whatever_the_fragments(payload: bytes, fragments: list[int]) -> None:
    def outcome(pieces: list[bytes]) -> tuple[list[Frame], int | None]:
        reading = decoder()
        messages: list[Frame] = []
        for number, piece in enumerate(pieces):
            opcode, rsv = (BINARY, RSV1) if number == 0 else (CONTINUATION, 0)
            messages += reading.feed(client_frame(opcode, piece, fin=number == len(pieces) - 1, rsv=rsv))
        return messages, None if reading.ending is None else reading.ending.code

    assert outcome(cut(payload, fragments)) == outcome([payload])


def test_text_is_judged_once_it_is_decompressed() -> None:
    assert ended_by(client_frame(TEXT, deflated(b"\xff"), rsv=RSV1)) == 1007
    data = deflated("ménté".encode() * 3)
    pieces = [data[n : n + 1] for n in range(len(data))]
    wire = b"".join(
        client_frame(TEXT if n == 0 else CONTINUATION, piece, fin=n == len(pieces) - 1, rsv=RSV1 if n == 0 else 0)
        for n, piece in enumerate(pieces)
    )
    assert decoded(wire) == ["ménté" * 3]


def test_bad_text_fails_before_the_message_is_whole() -> None:
    compressor = zlib.compressobj(wbits=-15)
    begun = compressor.compress(b"fine\xff" * 3) + compressor.flush(zlib.Z_SYNC_FLUSH)
    assert ended_by(client_frame(TEXT, begun, fin=False, rsv=RSV1)) == 1007
