"""What gets into the log, and what never does."""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regrow.gateway import ParameterFilter, Settings
from regrow.gateway._operations._formatters import EVENT, FIELDS, JsonFormatter, TextFormatter
from regrow.gateway._operations._secrets import FILTERED, printable
from tests.support.channels import ObedientSocket
from tests.support.misbehaving_handlers import Crashing
from tests.support.phoenix_client import PhoenixClient, error, join
from tests.support.serving import serving
from tests.support.socket_test import pass_time, socket_test

if TYPE_CHECKING:
    from regrow.gateway import Request

SECRETS = ParameterFilter(Settings().filter_parameters)
ROUTES = {"/socket/websocket": ObedientSocket, "/crashing": Crashing}
SECRET = "s3cr3t-value"  # noqa: S105 - it opens nothing


def record(message: str, **known: Any) -> logging.LogRecord:
    made = logging.LogRecord("regrow.x", logging.INFO, __file__, 1, message, (), None)
    setattr(made, FIELDS, known)
    return made


def access(caplog: pytest.LogCaptureFixture) -> list[tuple[str, dict[str, Any]]]:
    return [(getattr(one, EVENT), getattr(one, FIELDS)) for one in caplog.records if one.name.endswith(".access")]


@pytest.mark.parametrize(
    ("text", "filtered"),
    [
        ("/s?token=abc&vsn=2.0.0", "/s?token=[FILTERED]&vsn=2.0.0"),
        ("/s?vsn=2&Auth_Token=abc", "/s?vsn=2&Auth_Token=[FILTERED]"),
        ("/s?%74oken=abc", "/s?%74oken=[FILTERED]"),
        ("/s?user%5Bpassword%5D=abc", "/s?user%5Bpassword%5D=[FILTERED]"),
        ("/s?api_key=a&_csrf_token=b", "/s?api_key=[FILTERED]&_csrf_token=[FILTERED]"),
        ("cannot read 'ws://x/s?token=abc' again", "cannot read 'ws://x/s?token=[FILTERED]' again"),
        ("/s?token=", "/s?token=[FILTERED]"),
        ("/s?name=token", "/s?name=token"),
        ("/s?author=Ann", "/s?author=Ann"),
        ("a = b", "a = b"),
    ],
)
def test_values_of_secret_parameters_are_replaced_in_any_text(text: str, filtered: str) -> None:
    assert SECRETS.text(text) == filtered


def test_parameters_are_filtered_however_deep_and_the_ones_given_stay() -> None:
    params = {"token": "x", "user": {"Password": "y", "name": "Ann"}, "all": [{"secret": 1}]}
    assert SECRETS.params(params) == {
        "token": FILTERED,
        "user": {"Password": FILTERED, "name": "Ann"},
        "all": [{"secret": FILTERED}],
    }
    assert params["token"] == "x"  # noqa: S105 - it opens nothing


@given(st.text())
def test_a_client_s_text_prints_on_one_line(text: str) -> None:
    assert printable(text).isprintable()
    assert len(printable("x" * 10_000)) < 1_000


@given(st.text(), st.text())
def test_a_text_record_begins_one_line_whatever_is_in_it(message: str, value: str) -> None:
    first, *rest = TextFormatter(SECRETS).format(record(message.replace("%", "%%"), field=value)).split("\n")
    assert "INFO regrow.x: " in first
    assert all(line.startswith(" ") and line.isprintable() for line in rest)
    assert first.isprintable()


@given(st.text(), st.text())
def test_a_json_record_is_one_object_on_one_line_that_keeps_its_own_fields(message: str, value: str) -> None:
    line = JsonFormatter(SECRETS).format(record(message.replace("%", "%%"), level=value, more=value))
    assert len(line.splitlines()) == 1
    read = json.loads(line)
    assert (read["level"], read["logger"], read["event"]) == ("info", "regrow.x", "log")
    assert read["time"].endswith("+00:00")
    assert read["more"] == SECRETS.text(value)


def test_an_exception_is_a_field_and_filtered_like_all_else() -> None:
    try:
        raise ValueError(f"cannot open ws://x/?token={SECRET}")  # noqa: TRY301 - to be caught
    except ValueError as error:
        made = logging.LogRecord("x", logging.ERROR, "", 1, "failed", (), (ValueError, error, error.__traceback__))
    read = json.loads(JsonFormatter(SECRETS).format(made))
    assert read["exception"]["type"] == "ValueError"
    assert read["exception"]["message"] == "cannot open ws://x/?token=[FILTERED]"
    assert "Traceback" in read["exception"]["traceback"]
    assert SECRET not in str(read)
    assert SECRET not in TextFormatter(SECRETS).format(made)


@pytest.mark.parametrize("words", [["token"], ("",), (1,), "token"])
def test_words_to_filter_are_a_tuple_of_words(words: Any) -> None:
    with pytest.raises(ValueError, match="filter_parameters"):
        Settings(filter_parameters=words)


# The access log.


@socket_test
async def test_who_comes_is_refused_and_leaves_is_logged_without_secrets(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        async with serving(ROUTES) as served:
            caplog.clear()
            client = await served.connect()
            headers = {"User-Agent": "x\x9by", "Cookie": f"id={SECRET}", "Authorization": f"Bearer {SECRET}"}
            await client.upgrade(f"/echo?token={SECRET}&a=b", {**headers, "Sec-WebSocket-Protocol": f"bearer.{SECRET}"})
            await pass_time(2)
            await client.say_goodbye(4000)
            assert await client.close_code() == 4000
            nowhere = await served.connect()
            await nowhere.send(f"GET /no%0Awhere?password={SECRET} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
            await nowhere.rest()
            events = access(caplog)
        assert SECRET not in caplog.text
        assert SECRET not in repr([one.__dict__ for one in caplog.records])
    (opened, came), (closed, left), (refused, sent_away) = events
    assert (opened, closed, refused) == ("connection_opened", "connection_closed", "connection_refused")
    assert came == {"address": "127.0.0.1", "target": "/echo?token=[FILTERED]&a=b", "user_agent": "x\xc2\\x9by"}
    assert left == {"address": "127.0.0.1", "code": 4000, "reason": "", "duration": 2.0}
    assert sent_away["target"] == "/no\\nwhere?password=[FILTERED]"
    assert sent_away["status"] == 404


@socket_test
async def test_a_storm_is_summarised(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "regrow.gateway.access"):
        async with serving() as served:
            await pass_time(2)
            caplog.clear()
            for _ in range(45):
                client = await served.connect()
                await client.send(b"GET /nowhere HTTP/1.1\r\nHost: x\r\n\r\n")
                await client.rest()
            assert len(access(caplog)) == 20
            await pass_time(2)
            *_, (event, known) = access(caplog)
            assert (event, known) == ("connection_refused", {"more": 25})
            assert len(access(caplog)) == 21


@socket_test
async def test_crashes_of_a_connection_and_of_a_channel_say_nothing_of_their_parameters(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.DEBUG):
        async with serving(ROUTES) as served:
            client = await PhoenixClient.open(served, f"/socket/websocket?vsn=2.0.0&token={SECRET}")
            params = {"how": "crash", "token": SECRET}
            assert await client.ask(join("1", "obey:1", params)) == error("1", "1", "obey:1", "join crashed")
            raw = await served.client(f"/crashing?token={SECRET}")
            await raw.send_text("crash")
            await raw.text()
            text, made = TextFormatter(SECRETS), JsonFormatter(SECRETS)
            lines = [form.format(one) for one in caplog.records for form in (text, made)]
    assert any("crashed: RuntimeError" in line for line in lines)
    assert not any(SECRET in line for line in lines)


@socket_test
async def test_a_request_prints_neither_its_query_nor_its_headers() -> None:
    seen: list[Request] = []

    class Curious(Crashing):
        @classmethod
        def connect(cls, request: Request, /) -> Any:
            seen.append(request)

    async with serving({"/curious": Curious}) as served:
        client = await served.connect()
        await client.upgrade(f"/curious?token={SECRET}", {"Cookie": SECRET})
    assert SECRET not in repr(seen[0])
    assert "/curious" in repr(seen[0])
