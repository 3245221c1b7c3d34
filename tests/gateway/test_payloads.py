"""What a channel is handed for payloads that did not come as JSON."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from regrow.gateway._channels._messages import Packed
from regrow.gateway._channels._payloads import decoder_of
from tests.support.packing import extension, pack


class Typed(msgspec.Struct):
    body: str
    data: bytes = b""


class Tree(msgspec.Struct):
    name: str
    below: list[Tree] = []


class Envelope(msgspec.Struct):
    to: str
    content: dict[str, list[msgspec.Raw]]


def decoded(kind: Any, value: Any) -> Any:
    payload = Packed(pack(value))
    return decoder_of(kind, payload).decode(payload)


def test_msgpack_is_decoded_to_the_declared_type() -> None:
    assert decoded(Typed, {"body": "a", "data": b"\xff"}) == Typed("a", b"\xff")
    assert decoded(Tree, {"name": "a", "below": [{"name": "b"}]}) == Tree("a", [Tree("b")])
    assert decoded(Any, {"body": [1, b"\xff", None]}) == {"body": [1, b"\xff", None]}


@pytest.mark.parametrize("value", [{"body": 1}, {}, [], b"bytes", {"body": "a", "data": "text"}])
def test_msgpack_that_does_not_fit_is_a_decode_error(value: Any) -> None:
    with pytest.raises(msgspec.DecodeError):
        decoded(Typed, value)


def test_msgpack_becomes_json_where_the_type_keeps_json_undecoded() -> None:
    assert msgspec.json.decode(decoded(msgspec.Raw, {"a": [1, None, b"\xff"]})) == {"a": [1, None, "/w=="]}
    envelope = decoded(Envelope, {"to": "b", "content": {"x": [{"y": 1}]}})
    assert bytes(envelope.content["x"][0]) == b'{"y":1}'


@pytest.mark.parametrize("value", [{"a": extension(5, b"")}, {None: 1}])
def test_msgpack_that_has_no_form_in_json_is_a_decode_error(value: Any) -> None:
    with pytest.raises(msgspec.DecodeError):
        decoded(msgspec.Raw, value)


@pytest.mark.parametrize("kind", [Any, object, bytes, bytes | None])
def test_bytes_are_handed_on_as_they_are(kind: Any) -> None:
    assert decoder_of(kind, b"\xff").decode(b"\xff") == b"\xff"


@pytest.mark.parametrize("kind", [Typed, str, dict, msgspec.Raw])
def test_bytes_do_not_fit_a_type_that_admits_none(kind: Any) -> None:
    with pytest.raises(msgspec.DecodeError):
        decoder_of(kind, b"{}").decode(b"{}")
