"""Binary messages of the channel protocol, against bytes made by phoenix.js."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from regrow.gateway._channels._binary import binary_broadcast, binary_push, binary_reply, decode_binary
from regrow.gateway._channels._json import json_serializer
from regrow.gateway._channels._messages import Broadcast, Message
from regrow.gateway._wire._frames import binary_frame
from regrow.gateway._wire._framing import PLAIN

CLIENT_PUSH = bytes.fromhex("0001010603 3337 726f6f6d3a31 6d7367 0102ff")
"""What phoenix.js writes for join_ref 3, ref 7, topic room:1, event msg and the bytes 1, 2, 255."""
PUSH = b"\x00\x01\x06\x033room:1msg\x09\x09"
REPLY = b"\x01\x01\x01\x06\x0237room:1ok\x09"
BROADCAST = b"\x02\x06\x03room:1msg\x09"
"""What phoenix.js was seen to read as push, reply and broadcast."""

fields = st.text(max_size=60).filter(lambda text: len(text.encode()) <= 255)


def test_c18_a_push_of_phoenix_js_is_read() -> None:
    assert decode_binary(CLIENT_PUSH) == Message("3", "7", "room:1", "msg", b"\x01\x02\xff")


def test_c18_what_is_written_is_what_phoenix_js_reads() -> None:
    assert binary_push("3", "room:1", "msg", b"\x09\x09") == PUSH
    assert binary_reply("3", "7", "room:1", "ok", b"\x09") == REPLY
    assert binary_broadcast("room:1", "msg", b"\x09") == BROADCAST


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_a_serializer_writes_a_payload_of_bytes_as_a_binary_frame(kind: type) -> None:
    json = json_serializer(PLAIN)
    assert json.push("3", None, "room:1", "msg", kind(b"\x09\x09")) == binary_frame(PUSH)
    assert json.reply("3", "7", "room:1", "ok", kind(b"\x09")) == binary_frame(REPLY)
    assert json.broadcast(Broadcast("room:1", "msg", kind(b"\x09"))) == binary_frame(BROADCAST)
    assert json.decode(CLIENT_PUSH) == decode_binary(CLIENT_PUSH)


def test_bytes_within_a_payload_are_base64_in_json() -> None:
    frame = json_serializer(PLAIN).push("3", None, "room:1", "msg", {"data": b"\x01\x02\xff"})
    assert frame.endswith(b'["3",null,"room:1","msg",{"data":"AQL/"}]')


def test_no_join_ref_and_no_ref_are_empty_fields_both_ways() -> None:
    assert binary_reply(None, None, "t", "ok", b"") == b"\x01\x00\x00\x01\x02tok"
    assert binary_push(None, "t", "e", b"") == b"\x00\x00\x01\x01te"
    assert decode_binary(b"\x00\x00\x00\x01\x01te") == Message(None, None, "t", "e", b"")


@given(fields, fields, fields, fields, st.binary(max_size=300))
def test_what_a_client_wrote_is_read_whatever_it_says(
    join_ref: str, ref: str, topic: str, event: str, data: bytes
) -> None:
    encoded = [text.encode() for text in (join_ref, ref, topic, event)]
    frame = bytes((0, *map(len, encoded))) + b"".join(encoded) + data
    assert decode_binary(frame) == Message(join_ref or None, ref or None, topic, event, data)


@given(st.binary(max_size=40))
def test_whatever_bytes_come_are_a_message_or_a_decode_error(frame: bytes) -> None:
    try:
        message = decode_binary(frame)
    except msgspec.DecodeError:
        return
    assert isinstance(message.payload, bytes)
    assert frame.endswith(message.payload)


@pytest.mark.parametrize(
    ("frame", "why"),
    [
        (b"", "begins with 5 bytes"),
        (b"\x00\x01\x01\x01", "begins with 5 bytes"),
        (CLIENT_PUSH[:15], "the fields take 16 bytes"),
        (b"\x01" + CLIENT_PUSH[1:], "kind 0"),
        (b"\x02" + CLIENT_PUSH[1:], "kind 0"),
        (b"\xff" + CLIENT_PUSH[1:], "of 255"),
        (b"\x00\x00\x00\x01\x01\xffe", "not UTF-8"),
    ],
)
def test_c18_what_is_malformed_is_a_decode_error_that_says_why(frame: bytes, why: str) -> None:
    with pytest.raises(msgspec.DecodeError, match=why):
        decode_binary(frame)


def test_a_field_of_255_bytes_fits_and_one_of_256_is_an_error_that_names_it() -> None:
    assert binary_broadcast("t" * 255, "e", b"")[1] == 255
    long = "é" * 128
    with pytest.raises(ValueError, match="join_ref has 256 bytes"):
        binary_push(long, "t", "e", b"")
    with pytest.raises(ValueError, match="ref has 256 bytes"):
        binary_reply("1", long, "t", "ok", b"")
    with pytest.raises(ValueError, match="topic has 256 bytes"):
        binary_broadcast(long, "e", b"")
    with pytest.raises(ValueError, match="event has 256 bytes"):
        binary_push("1", "t", long, b"")
