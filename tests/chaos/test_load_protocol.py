import math

import msgspec
import pytest

from regrow.chaos._load_protocol import (
    Answer,
    Answered,
    ChannelEvent,
    Command,
    Delivery,
    Drop,
    Finish,
    Joined,
    Kind,
    LoadResult,
    Plan,
    Probe,
    Refused,
    Report,
    Request,
    decode_command,
    decode_report,
    encode_line,
    room_of,
)

from .runs import ping

PLAN = Plan(port=1, connections=2, room_size=50, rate=10, broadcast_rate=1, deadline=1.0, lifetime=9.0, seed=3)
RESULT = LoadResult(
    requests=(ping(1, 2.0), ping(1, 3.0, None)),
    broadcasts=(),
    deliveries=(Delivery(1, 2, 3),),
    drops=(Drop(1, 2.0, 1011),),
    channel_events=(ChannelEvent(1, 2.0, "phx_error"),),
)


@pytest.mark.parametrize("command", [PLAN, Probe((1, 2)), Finish()])
def test_a_command_is_one_line_that_reads_back_as_itself(command: Command) -> None:
    line = encode_line(command)

    assert line.count(b"\n") == 1
    assert decode_command(line) == command


@pytest.mark.parametrize("report", [Joined(3), Refused(1, "no"), Answered(), RESULT])
def test_a_report_is_one_line_that_reads_back_as_itself(report: Report) -> None:
    line = encode_line(report)

    assert line.count(b"\n") == 1
    assert decode_report(line) == report


def test_a_report_is_not_a_command() -> None:
    with pytest.raises(msgspec.ValidationError):
        decode_command(encode_line(Answered()))


def test_latency_counts_from_the_intended_time_not_from_the_sending() -> None:
    assert Request(0, Kind.PING, 1.0, 1.5, 2.0, Answer.OK).latency == 1.0


def test_an_unanswered_request_is_infinitely_late() -> None:
    assert ping(0, 1.0, None).latency == math.inf


def test_a_request_answered_ok_within_the_deadline_has_not_failed() -> None:
    assert not ping(0, 1.0, 0.9).failed(1.0)


@pytest.mark.parametrize(
    "request_",
    [ping(0, 1.0, 1.1), ping(0, 1.0, None), Request(0, Kind.PING, 1.0, 1.0, 1.1, Answer.ERROR)],
)
def test_a_request_answered_late_never_or_with_an_error_has_failed(request_: Request) -> None:
    assert request_.failed(1.0)


def test_rooms_are_filled_one_after_the_other() -> None:
    assert [room_of(client, 50) for client in (0, 49, 50, 100)] == [0, 0, 1, 2]
