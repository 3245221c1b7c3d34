"""The channel protocol as msgpack, against a msgpack library that is not the gateway's."""

from __future__ import annotations

import json
import math
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from regrow.gateway._channels._messages import Broadcast, Packed, UnspokenFrameError
from regrow.gateway._channels._msgpack import msgpack_serializer
from regrow.gateway._wire._framing import PLAIN, Framing
from tests.support.packing import extension, pack, unpack

BARE = Framing(lambda payload: payload, lambda payload: payload)
serializer = msgpack_serializer(BARE)

scalars = (
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False) | st.text() | st.binary()
)
payloads = st.recursive(scalars, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=20)
json_payloads = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


class Note(msgspec.Struct):
    title: str
    body: msgspec.Raw


def unpacked(frame: bytes) -> Any:
    return unpack(frame)


@given(payloads)
def test_what_is_written_is_an_array_of_the_five_elements(payload: Any) -> None:
    assert unpacked(serializer.push("1", "2", "t", "e", payload)) == ["1", "2", "t", "e", payload]
    assert unpacked(serializer.broadcast(Broadcast("t", "e", payload))) == [None, None, "t", "e", payload]
    assert unpacked(serializer.reply("1", "2", "t", "ok", payload)) == [
        "1",
        "2",
        "t",
        "phx_reply",
        {"status": "ok", "response": payload},
    ]


@given(payloads)
def test_what_a_client_wrote_is_read_and_its_payload_left_alone(payload: Any) -> None:
    message = serializer.decode(pack([None, "2", "t", "e", payload, "ignored"]))
    assert (message.join_ref, message.ref, message.topic, message.event) == (None, "2", "t", "e")
    assert isinstance(message.payload, Packed)
    assert unpacked(bytes(message.payload.data)) == payload


@given(json_payloads)
def test_json_that_was_never_decoded_is_transcoded_at_any_depth(value: Any) -> None:
    raw = msgspec.Raw(json.dumps(value).encode())
    payload = {"whole": raw, "within": [{"a": raw}], "struct": Note("t", raw), "bytes": b"\xff"}
    assert unpacked(serializer.push(None, None, "t", "e", payload))[4] == {
        "whole": value,
        "within": [{"a": value}],
        "struct": {"title": "t", "body": value},
        "bytes": b"\xff",
    }
    assert unpacked(serializer.broadcast(Broadcast("t", "e", raw)))[4] == value


@pytest.mark.parametrize(
    ("number", "written"),
    [
        (2**64 - 1, 2**64 - 1),
        (2**64, 2.0**64),
        (-(2**63) - 1, -(2.0**63)),
        (10**400, math.inf),
        (-(10**400), -math.inf),
    ],
)
def test_a_whole_number_that_msgpack_cannot_say_becomes_floating(number: int, written: float) -> None:
    payload = {"n": [number], "raw": msgspec.Raw(str(number).encode())}
    assert unpacked(serializer.push(None, None, "t", "e", payload))[4] == {"n": [written], "raw": written}


def test_a_time_and_an_extension_are_msgpacks_own() -> None:
    now = datetime(2026, 1, 2, tzinfo=UTC)
    payload = [now, msgspec.msgpack.Ext(5, b"five"), bytearray(b"a"), memoryview(b"m")]
    frame = serializer.push(None, None, "t", "e", payload)
    assert unpack(frame)[4] == [now, extension(5, b"five"), b"a", b"m"]


def test_a_payload_without_a_form_is_a_type_error_that_names_its_type() -> None:
    with pytest.raises(TypeError, match="object"):
        serializer.push(None, None, "t", "e", {"x": object()})


def test_a_text_frame_is_not_spoken() -> None:
    with pytest.raises(UnspokenFrameError):
        serializer.decode('[null,"1","phoenix","heartbeat",{}]')


@given(st.binary(max_size=40))
def test_whatever_bytes_come_are_a_message_or_a_decode_error(frame: bytes) -> None:
    try:
        serializer.decode(frame)
    except msgspec.DecodeError:
        return
    assert isinstance(unpacked(frame), list)


@pytest.mark.parametrize(
    "whole", [[], ["1", "1", "t", "e"], [1, "1", "t", "e", {}], {"t": 1}, [b"1", "1", "t", "e", 1]]
)
def test_an_array_of_something_else_is_a_decode_error(whole: Any) -> None:
    with pytest.raises(msgspec.DecodeError):
        serializer.decode(pack(whole))


def test_there_is_one_serializer_for_all_that_share_format_and_framing() -> None:
    assert msgpack_serializer(PLAIN) is msgpack_serializer(PLAIN)
    assert msgpack_serializer(PLAIN) is not msgpack_serializer(BARE)
