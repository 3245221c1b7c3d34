"""WebSocket frames as the server writes them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regrow.gateway._wire._frames import binary_frame, close_frame, end_of_frame, pong_frame, text_frame
from tests.support.wire import BINARY, CLOSE, PONG, TEXT, ServerFrame, header, parse_frame

LENGTHS = [0, 1, 125, 126, 127, 65_535, 65_536]


@pytest.mark.parametrize("length", LENGTHS)
def test_a_message_is_one_frame_with_the_shortest_header_there_is(length: int) -> None:
    payload = b"x" * length
    assert text_frame(payload) == header(0x80 | TEXT, length, None) + payload
    assert binary_frame(payload) == header(0x80 | BINARY, length, None) + payload


@given(payload=st.binary(max_size=125))
def test_a_pong_carries_the_payload_of_its_ping(payload: bytes) -> None:
    assert parse_frame(pong_frame(payload)) == (ServerFrame(PONG, payload), b"")


def test_a_close_frame_without_a_code_is_empty() -> None:
    assert parse_frame(close_frame(None)) == (ServerFrame(CLOSE, b""), b"")


@given(code=st.integers(1000, 4999), reason=st.text())
def test_a_close_frame_has_its_code_and_as_much_of_the_reason_as_a_control_frame_holds(code: int, reason: str) -> None:
    parsed = parse_frame(close_frame(code, reason))
    assert parsed is not None
    frame, rest = parsed
    assert (frame.opcode, frame.code, rest) == (CLOSE, code, b"")
    assert len(frame.payload) <= 125
    said = frame.payload[2:].decode()
    assert reason.startswith(said)
    assert said == reason or len((said + reason[len(said)]).encode()) > 123


@given(
    sizes=st.lists(st.sampled_from([*LENGTHS, 2, 200]), min_size=1, max_size=5),
    where=st.floats(0, 1),
)
def test_the_end_of_a_frame_is_the_first_end_that_is_not_before_the_offset(sizes: list[int], where: float) -> None:
    data = b"".join(text_frame(b"x" * size) for size in sizes)
    ends = [0]
    for size in sizes:
        ends.append(ends[-1] + len(text_frame(b"x" * size)))
    offset = round(where * len(data))
    assert end_of_frame(data, offset) == min(end for end in ends if end >= offset)
