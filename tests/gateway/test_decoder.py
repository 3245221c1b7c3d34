"""Bytes of a client in, messages out: RFC 6455 section 5."""

from __future__ import annotations

import codecs
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regrow.gateway._settings._settings import Settings
from regrow.gateway._wire._decoder import Decoder, Ending, Frame
from tests.support.wire import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, client_close, client_frame, header

LIMIT = 70_000
FRAGMENTS = 4
SETTINGS = Settings(max_message_size=LIMIT, max_fragments=FRAGMENTS)

MASKS = st.binary(min_size=4, max_size=4)


@dataclass
class Heard:
    """What a client has said."""

    messages: list[Frame] = field(default_factory=list[Frame])
    pings: list[bytes] = field(default_factory=list[bytes])
    code: int | None = None
    is_violation: bool = False
    is_over: bool = False

    def end(self, code: int | None, *, is_violation: bool = True) -> None:
        self.code, self.is_violation, self.is_over = code, is_violation, True


def hear(decoder: Decoder, chunks: list[bytes]) -> Heard:
    heard = Heard()
    for chunk in chunks:
        heard.messages += decoder.feed(chunk)
        heard.pings += decoder.take_pings()
    if decoder.ending is not None:
        heard.end(decoder.ending.code, is_violation=decoder.ending.is_violation)
    return heard


def heard_from(*chunks: bytes, settings: Settings = SETTINGS) -> Heard:
    return hear(Decoder(settings), list(chunks))


def ending_of(*chunks: bytes, settings: Settings = SETTINGS) -> Ending:
    decoder = Decoder(settings)
    hear(decoder, list(chunks))
    assert decoder.ending is not None
    return decoder.ending


def violation_in(*chunks: bytes, settings: Settings = SETTINGS) -> int | None:
    ending = ending_of(*chunks, settings=settings)
    assert ending.is_violation
    assert ending.reason
    return ending.code


# The reference: the rules one after the other, on frames instead of bytes.


@dataclass(frozen=True)
class Sent:
    """A frame a client sends."""

    opcode: int
    payload: bytes = b""
    fin: bool = True
    rsv: int = 0
    mask: bytes | None = b"\0\1\2\3"

    def wire(self) -> bytes:
        return client_frame(self.opcode, self.payload, fin=self.fin, rsv=self.rsv, mask=self.mask)


@dataclass
class Reference:
    """A decoder that is told whole frames."""

    heard: Heard = field(default_factory=Heard)
    kind: int | None = None
    fragments: list[bytes] = field(default_factory=list[bytes])

    def take(self, frame: Sent) -> None:
        if self.heard.is_over:
            return
        code = self._broken_by(frame)
        if code is not None:
            self.heard.end(code)
        elif frame.opcode == PING:
            self.heard.pings.append(frame.payload)
        elif frame.opcode == CLOSE:
            self.heard.end(int.from_bytes(frame.payload[:2]) if frame.payload else None, is_violation=False)
        elif frame.opcode != PONG:
            self._fragment(frame)

    def _broken_by(self, frame: Sent) -> int | None:
        if frame.mask is None or frame.rsv:
            return 1002
        if frame.opcode in {CLOSE, PING, PONG}:
            if not frame.fin or len(frame.payload) > 125:
                return 1002
            return _broken_by_close(frame.payload) if frame.opcode == CLOSE else None
        if frame.opcode not in {CONTINUATION, TEXT, BINARY} or (frame.opcode == CONTINUATION) != (
            self.kind is not None
        ):
            return 1002
        if sum(map(len, self.fragments)) + len(frame.payload) > LIMIT or len(self.fragments) == FRAGMENTS:
            return 1009
        return None

    def _fragment(self, frame: Sent) -> None:
        if self.kind is None:
            self.kind = frame.opcode
        self.fragments.append(frame.payload)
        whole = b"".join(self.fragments)
        if self.kind == TEXT and not _begins_utf8(whole, final=frame.fin):
            self.heard.end(1007)
        elif frame.fin:
            self.heard.messages.append(whole.decode() if self.kind == TEXT else whole)
            self.kind, self.fragments = None, []


def _broken_by_close(payload: bytes) -> int | None:
    if not payload:
        return None
    code = int.from_bytes(payload[:2])
    if len(payload) == 1 or not (1000 <= code <= 1003 or 1007 <= code <= 1014 or 3000 <= code <= 4999):
        return 1002
    return None if _begins_utf8(payload[2:], final=True) else 1007


def _begins_utf8(data: bytes, *, final: bool) -> bool:
    try:
        codecs.utf_8_decode(data, "strict", final)
    except UnicodeDecodeError:
        return False
    return True


SIZES = st.sampled_from([0, 1, 2, 124, 125, 126, 127, 65_535, 65_536])
TEXTS = st.text(max_size=6).map(str.encode) | SIZES.map(lambda size: b"a" * size) | SIZES.map("é".encode().__mul__)
PAYLOADS = TEXTS | st.binary(max_size=6)
CUT = st.integers(0, 12)


@st.composite
def whole_messages(draw: st.DrawFn) -> list[Sent]:
    """A message in one to five frames, cut anywhere, with control frames between them."""
    kind = draw(st.sampled_from([TEXT, BINARY]))
    payload = draw(TEXTS if kind == TEXT else PAYLOADS)
    cuts = sorted(draw(st.lists(st.integers(0, len(payload)), max_size=4)))
    parts = [payload[start:stop] for start, stop in zip([0, *cuts], [*cuts, len(payload)], strict=True)]
    frames: list[Sent] = []
    for number, part in enumerate(parts):
        opcode = CONTINUATION if number else kind
        frames.append(Sent(opcode, part, number == len(parts) - 1, mask=draw(MASKS)))
        if draw(st.booleans()):
            frames.append(Sent(draw(st.sampled_from([PING, PONG])), draw(st.binary(max_size=5)), mask=draw(MASKS)))
    return frames


ANY_FRAME = st.builds(
    Sent,
    opcode=st.sampled_from([CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG, *range(16)]),
    payload=PAYLOADS | st.sampled_from([b"\x03\xe8", b"\x03\xe8bye", b"\x03\xe8\xff", b"\x03\xec", b"\x03"]),
    fin=st.booleans(),
    rsv=st.sampled_from([0, 0, 0, 0, 1, 4]),
    mask=MASKS | MASKS | st.none(),
)


@given(
    messages=st.lists(whole_messages() | ANY_FRAME.map(lambda frame: [frame]), max_size=6),
    cuts=st.lists(st.integers(0, 200) | st.integers(0, 400_000), max_size=12),
)
def test_however_frames_are_cut_the_same_is_heard_as_by_the_reference(
    messages: list[list[Sent]], cuts: list[int]
) -> None:
    reference = Reference()
    frames = [frame for message in messages for frame in message]
    for frame in frames:
        reference.take(frame)
    wire = b"".join(frame.wire() for frame in frames)
    places = sorted({cut for cut in cuts if cut < len(wire)})
    chunks = [wire[start:stop] for start, stop in zip([0, *places], [*places, len(wire)], strict=True)]
    assert hear(Decoder(SETTINGS), chunks) == reference.heard


@given(frames=st.lists(st.one_of(ANY_FRAME), max_size=4))
def test_a_byte_at_a_time_is_heard_like_all_at_once(frames: list[Sent]) -> None:
    wire = b"".join(frame.wire() for frame in frames if len(frame.payload) < 1000)
    assert heard_from(*(wire[at : at + 1] for at in range(len(wire)))) == heard_from(wire)


@given(chunks=st.lists(st.binary(max_size=40), max_size=20))
def test_arbitrary_bytes_never_raise(chunks: list[bytes]) -> None:
    heard_from(*chunks)


@given(payloads=st.lists(st.text(max_size=300), min_size=1, max_size=4), cut=st.integers(1, 100))
def test_a_decoder_that_is_idle_may_be_thrown_away(payloads: list[str], cut: int) -> None:
    wire = b"".join(client_frame(TEXT, payload.encode()) for payload in payloads)
    decoder, messages = Decoder(SETTINGS), list[Frame]()
    for at in range(0, len(wire), cut):
        messages += decoder.feed(wire[at : at + cut])
        if decoder.is_idle:
            decoder = Decoder(SETTINGS)
    assert messages == payloads


# Limits are decided from the header.


@pytest.mark.parametrize("opcode", [TEXT, BINARY])
@pytest.mark.parametrize("length", [LIMIT + 1, 2**32, 2**62, 2**63, 2**64 - 1])
def test_a_message_that_declares_too_much_is_refused_before_its_first_byte(opcode: int, length: int) -> None:
    assert violation_in(header(0x80 | opcode, length)) == 1009


def test_a_message_of_exactly_the_limit_is_taken() -> None:
    assert heard_from(client_frame(BINARY, b"x" * LIMIT)).messages == [b"x" * LIMIT]


def test_the_limit_counts_all_fragments_of_a_message_together() -> None:
    first = client_frame(BINARY, b"x" * (LIMIT - 1), fin=False)
    assert violation_in(first, header(CONTINUATION, 2)) == 1009
    assert heard_from(first, client_frame(CONTINUATION, b"x")).messages == [b"x" * LIMIT]


def test_the_limit_counts_bytes_and_not_characters() -> None:
    settings = Settings(max_message_size=200)
    assert violation_in(client_frame(TEXT, "é".encode() * 101), settings=settings) == 1009


def test_the_first_message_is_out_when_the_second_is_too_big() -> None:
    heard = heard_from(client_frame(TEXT, b"fine") + header(0x80 | TEXT, 2**62))
    assert heard.messages == ["fine"]
    assert heard.code == 1009


def test_empty_fragments_are_counted_too() -> None:
    flood = client_frame(BINARY, fin=False) + client_frame(CONTINUATION, fin=False) * (FRAGMENTS - 1)
    assert not heard_from(flood).is_over
    assert heard_from(flood[: -len(client_frame(CONTINUATION))], client_frame(CONTINUATION)).messages == [b""]
    assert violation_in(flood, header(CONTINUATION, 0)) == 1009


def test_a_control_frame_between_fragments_is_no_fragment() -> None:
    wire = client_frame(TEXT, b"a", fin=False) + client_frame(PING) * 10 + client_frame(CONTINUATION, b"b")
    assert heard_from(wire).messages == ["ab"]


# Text is UTF-8.


@given(text=st.text(min_size=1), data=st.data())
def test_a_character_may_be_split_across_fragments(text: str, data: st.DataObject) -> None:
    payload = text.encode()
    cut = data.draw(st.integers(0, len(payload)))
    wire = client_frame(TEXT, payload[:cut], fin=False) + client_frame(CONTINUATION, payload[cut:])
    assert heard_from(wire).messages == [text]


@pytest.mark.parametrize(
    "payload",
    [b"\xff", b"\xc0\xaf", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"ok\xe2\x82"],
    ids=["no lead byte", "overlong", "surrogate", "above U+10FFFF", "cut off"],
)
def test_text_that_is_not_utf8_is_1007(payload: bytes) -> None:
    assert violation_in(client_frame(TEXT, payload)) == 1007
    assert heard_from(client_frame(BINARY, payload)).messages == [payload]


def test_text_that_is_not_utf8_fails_with_the_fragment_that_shows_it() -> None:
    assert violation_in(client_frame(TEXT, b"abc\xff", fin=False)) == 1007


def test_a_character_that_no_fragment_completes_is_1007() -> None:
    wire = client_frame(TEXT, b"\xe2\x82", fin=False)
    assert not heard_from(wire).is_over
    assert violation_in(wire, client_frame(CONTINUATION)) == 1007


# Violations.


@pytest.mark.parametrize("opcode", [CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG])
def test_an_unmasked_frame_is_1002(opcode: int) -> None:
    assert violation_in(client_frame(opcode, mask=None)) == 1002


@pytest.mark.parametrize("opcode", [TEXT, BINARY, CLOSE, PING, PONG])
@pytest.mark.parametrize("rsv", [1, 2, 4, 7])
def test_a_reserved_bit_is_1002(opcode: int, rsv: int) -> None:
    assert violation_in(client_frame(opcode, rsv=rsv)) == 1002


@pytest.mark.parametrize("opcode", [3, 4, 5, 6, 7, 11, 12, 13, 14, 15])
@pytest.mark.parametrize("fin", [True, False])
def test_a_reserved_opcode_is_1002(opcode: int, fin: bool) -> None:  # noqa: FBT001 - a parameter
    assert violation_in(client_frame(opcode, fin=fin)) == 1002


@pytest.mark.parametrize("opcode", [CLOSE, PING, PONG])
def test_a_fragmented_control_frame_is_1002(opcode: int) -> None:
    assert violation_in(client_frame(opcode, fin=False)) == 1002


@pytest.mark.parametrize("opcode", [CLOSE, PING, PONG])
@pytest.mark.parametrize("length", [126, 65_536, 2**62])
def test_a_long_control_frame_is_1002_before_its_first_byte(opcode: int, length: int) -> None:
    assert violation_in(header(0x80 | opcode, length)) == 1002


def test_a_continuation_of_nothing_is_1002() -> None:
    assert violation_in(client_frame(CONTINUATION)) == 1002


@pytest.mark.parametrize("opcode", [TEXT, BINARY])
def test_a_new_message_inside_a_fragmented_one_is_1002(opcode: int) -> None:
    assert violation_in(client_frame(TEXT, b"a", fin=False), client_frame(opcode, b"b")) == 1002


# Close.


@pytest.mark.parametrize("code", [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 4999])
def test_a_close_code_that_peers_may_send_ends_without_a_violation(code: int) -> None:
    assert ending_of(client_close(code, b"bye")) == Ending(code, "", is_violation=False)


@pytest.mark.parametrize("code", [0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65_535])
def test_a_close_code_that_is_reserved_or_out_of_range_is_1002(code: int) -> None:
    assert violation_in(client_close(code)) == 1002


def test_a_close_frame_may_be_empty() -> None:
    assert ending_of(client_close(None)) == Ending(None, "", is_violation=False)


def test_a_close_frame_with_one_byte_is_1002() -> None:
    assert violation_in(client_frame(CLOSE, b"\x03")) == 1002


def test_a_close_reason_that_is_not_utf8_is_1007() -> None:
    assert violation_in(client_close(1000, b"\xff")) == 1007


def test_what_follows_a_close_frame_is_ignored() -> None:
    heard = heard_from(client_frame(TEXT, b"a") + client_close() + client_frame(TEXT, b"b"), client_frame(PING))
    assert heard == Heard(["a"], [], 1000, is_violation=False, is_over=True)


def test_what_follows_a_violation_is_ignored() -> None:
    heard = heard_from(client_frame(PING, mask=None) + client_frame(TEXT, b"b"), client_frame(TEXT, b"c"))
    assert heard == Heard([], [], 1002, is_violation=True, is_over=True)


# Pings.


def test_pings_are_told_with_their_payloads_and_pongs_are_not() -> None:
    wire = client_frame(PING, b"1") + client_frame(PONG, b"2") + client_frame(PING) + client_frame(PING, b"x" * 125)
    assert heard_from(wire).pings == [b"1", b"", b"x" * 125]
