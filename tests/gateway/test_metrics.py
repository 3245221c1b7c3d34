"""What ``/metrics`` says, read by Prometheus' own parser."""

from __future__ import annotations

import logging
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry
from prometheus_client import Counter as PrometheusCounter

from regrow.actors import CrashReport, open_node, whereis
from regrow.gateway import Gateway, Refusal, Settings
from regrow.gateway._operations._exposition import _sizes
from regrow.gateway._operations._histogram import Histogram
from regrow.gateway._operations._metrics import refusal_of
from regrow.gateway._operations._supervision import MOST_NAMES, Supervision
from regrow.gateway._operations._ticks import TimedPort
from regrow.supervisors import ChildRestarted, SupervisorShutdown
from tests.support.channels import ObedientSocket
from tests.support.misbehaving_handlers import Crashing
from tests.support.phoenix_client import PhoenixClient, errored, message, ok
from tests.support.raw_client import upgrade_request
from tests.support.scraping import families, get, scrape
from tests.support.serving import serving
from tests.support.socket_test import pass_time, skip_time, socket_test

if TYPE_CHECKING:
    from collections.abc import Callable

PAGE = Path(__file__).parents[2] / "docs" / "gateway.md"
ROUTES = {"/socket/websocket": ObedientSocket, "/fragile": Crashing}
HOSTILE = '"} 1\nforged{x="\\'


@socket_test
async def test_every_metric_has_a_name_a_type_and_a_help_text_that_prometheus_takes() -> None:
    async with serving() as served:
        found = await families(served)
    assert len(found) > 25
    for family in found:
        assert re.fullmatch(r"regrow_[a-z0-9_]+", family.name)
        assert family.documentation.endswith(".")
        assert family.type in ("counter", "gauge", "histogram")
        assert not family.name.endswith(("_seconds_total", "_ms", "_kb"))
    names = [family.name for family in found]
    assert len(set(names)) == len(names)


@socket_test
async def test_the_table_in_the_documentation_names_every_metric_with_its_labels_and_no_other() -> None:
    rows = re.findall(r"^\| `(regrow_\w+)` \| (counter|gauge|histogram) \| (.*?) \|", PAGE.read_text("utf-8"), re.M)
    documented = {name: (kind, re.findall(r"`(\w+)`", labels)) for name, kind, labels in rows}
    async with serving({"/fragile": Crashing}) as served:
        client = await served.client("/fragile")
        await client.send_text("crash")
        await served.settle()
        served.metrics.closed(1000)
        found = {
            family.name + ("_total" if family.type == "counter" else ""): (
                family.type,
                sorted({label for sample in family.samples for label in sample.labels} - {"le"}),
            )
            for family in await families(served)
        }
    del found["regrow_supervisor_give_ups_total"], documented["regrow_supervisor_give_ups_total"]  # has no sample here
    assert found == documented


@socket_test
async def test_connections_are_counted_by_what_becomes_of_them() -> None:
    async with serving() as served:
        client = await served.client()
        await served.connect()
        await served.settle()
        now = await scrape(served)
        assert now["regrow_connections{state=open}"] == 2
        assert now["regrow_connections{state=handshake}"] == 2  # the one that says nothing, and the scrape
        assert now["regrow_connections_accepted_total"] == 4
        assert now["regrow_connections_opened_total"] == 2
        await client.say_goodbye(1000)
        assert await client.close_code() == 1000
        other = await served.client()
        await other.reset()
        await served.settle()
        now = await scrape(served)
        assert now["regrow_connections_closed_total{code=1000}"] == 1
        assert now["regrow_connections_closed_total{code=1006}"] == 1
        assert now["regrow_connections_dropped_total{reason=lost}"] == 1


@socket_test
async def test_messages_are_counted_in_and_out_and_broadcasts_once_for_each_client() -> None:
    async with serving(ROUTES) as served:
        clients = [await PhoenixClient.open(served) for _ in range(3)]
        for client in clients:
            await client.joined("obey:1")
        before = await scrape(served)
        assert await clients[0].ask(message("1", "2", "obey:1", "ok")) == ok("1", "2", "obey:1")
        await clients[0].send(message("1", "3", "obey:1", "broadcast"), message("1", "4", "obey:1", "broadcast"))
        await clients[1].send(message("1", "5", "obey:1", "broadcast_from"))
        await served.settle()
        now = await scrape(served)
        change = {name: now[name] - before[name] for name in now if name in before}
        assert change["regrow_messages_received_total"] == 4
        assert change["regrow_deliveries_total"] == 2 * 3 + 2
        assert change["regrow_messages_sent_total"] == 1 + 2 * 3 + 2 + 1  # the last is the answer to the scrape before
        assert now["regrow_topics{kind=channel}"] == 1
        assert now["regrow_subscriptions{kind=channel}"] == 3
        assert now["regrow_channels_joined"] == 3
        for client in clients:
            await client.send(message("1", "9", "obey:1", "phx_leave"))
        await served.settle()
        now = await scrape(served)
        assert now["regrow_topics{kind=channel}"] == now["regrow_channels_joined"] == 0


@socket_test
async def test_bytes_are_those_of_the_sockets() -> None:
    async with serving() as served:
        client = await served.client()
        before = served.metrics.bytes_received, served.metrics.bytes_sent
        assert await client.echoes("x" * 100)
        assert served.metrics.bytes_received - before[0] == 6 + 100
        assert served.metrics.bytes_sent - before[1] == 2 + 100


@socket_test
async def test_crashes_and_restarts_are_counted_by_supervisor() -> None:
    async with serving(ROUTES) as served:
        client = await served.client("/fragile")
        await client.send_text("crash")
        await served.settle()
        phoenix = await PhoenixClient.open(served)
        await phoenix.joined("obey:1")
        assert await phoenix.ask(message("1", "2", "obey:1", "crash")) == errored("1", "obey:1")
        now = await scrape(served)
        restarts = {name: value for name, value in now.items() if name.startswith("regrow_supervisor_restarts")}
        ((name, value),) = restarts.items()
        assert re.fullmatch(r"regrow_supervisor_restarts_total\{supervisor=regrow\.connections\.\d\}", name)
        assert value == now["regrow_connection_crashes_total"] == now["regrow_channel_crashes_total"] == 1
        assert now["regrow_process_crashes_total"] == 2


@pytest.mark.parametrize(
    ("request_bytes", "why"),
    [
        (b"GET /nowhere HTTP/1.1\r\nHost: x\r\n\r\n", Refusal.NOT_FOUND),
        (b"nonsense\r\n\r\n", Refusal.HANDSHAKE),
        (b"GET /echo HTTP/1.1\r\nHost: x\r\n\r\n", Refusal.HANDSHAKE),
        (upgrade_request("/echo", {"Origin": "http://evil.example"}), Refusal.ORIGIN),
        (upgrade_request("/socket/websocket?vsn=9.0.0"), Refusal.VERSION),
    ],
)
@socket_test
async def test_refusals_are_counted_by_reason(request_bytes: bytes, why: Refusal) -> None:
    async with serving(ROUTES) as served:
        client = await served.connect()
        await client.send(request_bytes)
        await client.rest()
        now = await scrape(served)
        counted = {
            name: value for name, value in now.items() if name.startswith("regrow_connections_refused") and value
        }
        assert counted == {f"regrow_connections_refused_total{{reason={why}}}": 1}


@socket_test
async def test_a_full_gateway_a_full_address_and_a_silent_client_are_reasons_too() -> None:
    async with serving(settings=Settings(max_connections=3, max_connections_per_address=2)) as served:
        client = await served.client()
        busy = await served.connect()
        await busy.send(upgrade_request())
        assert await busy.status() == 429
        await busy.reset()
        other = await served.connect(source="127.0.0.2")
        await other.send(upgrade_request())
        assert await other.status() == 101
        late = await served.connect(source="127.0.0.3")
        await late.send(upgrade_request())
        assert await late.status() == 503
        for one in (client, other, late):
            await one.reset()
        silent = await served.connect()
        await pass_time(12)
        assert await silent.is_ended()
        refusals = {why: number for why, number in served.metrics.refusals.items() if number}
        assert refusals == {Refusal.ADDRESS: 1, Refusal.FULL: 1, Refusal.TIMEOUT: 1}
        assert served.metrics.refused == 3


def test_a_status_without_a_reason_of_its_own_is_other() -> None:
    assert refusal_of(418) is Refusal.OTHER
    assert refusal_of(429) is Refusal.ADDRESS


@socket_test
async def test_nothing_a_client_says_becomes_a_label_or_a_series() -> None:
    async with serving(ROUTES) as served:
        await scrape(served)
        before = await scrape(served)
        for attempt in range(3):
            phoenix = await PhoenixClient.open(served, f"/socket/websocket?vsn=2.0.0&x={attempt}forged")
            await phoenix.joined(f"obey:{HOSTILE}{attempt}")
            await phoenix.send(message("1", "2", f"obey:{HOSTILE}{attempt}", f"forged{attempt}"))
            await phoenix.raw.say_goodbye(3456 + attempt)
            nowhere = await served.connect()
            await nowhere.send(f"GET /forged{attempt} HTTP/1.1\r\nHost: x\r\nUser-Agent: forged\r\n\r\n".encode())
            await nowhere.rest()
        await served.settle()
        status, body = await get(served, "/metrics")
        assert status == 200
        assert "forged" not in body
        new = (await scrape(served)).keys() - before.keys()
        assert new == {"regrow_connections_closed_total{code=3xxx}"}


@socket_test
async def test_sizes_of_outboxes_and_mailboxes_are_those_of_the_moment() -> None:
    async with serving(ROUTES) as served:
        slow = await served.client(receive_buffer=4096)
        connection = list(served.running.transport.connections.values())[-1]
        while not connection.is_blocked:
            connection.push(b"\x82\x7e\xff\xff" + bytes(65_535))
            await served.settle()
        now = await scrape(served)
        assert now["regrow_outboxes_blocked"] == 1
        assert now["regrow_outbox_bytes"] == now["regrow_outbox_bytes_max"] == connection.backlog > 0
        await slow.reset()


@given(st.lists(st.integers(0, 9), max_size=300))
def test_the_percentile_of_sizes_has_at_most_one_in_a_hundred_above_it(sizes: list[int]) -> None:
    total, largest, percentile = _sizes("x", "x", [size for size in sizes if size], len(sizes))
    (total, largest, percentile) = (one.samples[0].value for one in (total, largest, percentile))  # type: ignore[assignment]
    assert total == sum(sizes)
    assert largest == max(sizes, default=0)
    above = sum(size > percentile for size in sizes)  # type: ignore[operator]
    assert above <= len(sizes) // 100
    assert percentile == 0 or sum(size >= percentile for size in sizes) > len(sizes) // 100  # type: ignore[operator]


# Time.


@given(st.lists(st.floats(0, 10), max_size=50))
def test_a_histogram_counts_each_sample_under_every_bound_it_does_not_exceed(samples: list[float]) -> None:
    bounds = (0.1, 1.0, 5.0)
    histogram = Histogram(bounds)
    for sample in samples:
        histogram.observe(sample)
    family = histogram.family("regrow_x_seconds", "x.")
    found = {one.labels["le"]: one.value for one in family.samples if one.name.endswith("_bucket")}
    expected = {str(bound): sum(sample <= bound for sample in samples) for bound in bounds}
    assert found == {**expected, "+Inf": len(samples)}
    assert histogram.count == len(samples)
    assert histogram.sum == pytest.approx(sum(samples))


@socket_test
async def test_every_tick_is_timed_from_its_poll_to_its_flush() -> None:
    async with serving() as served:
        client = await served.client()
        before = served.metrics.ticks.count
        assert await client.echoes()
        assert served.metrics.ticks.count > before
        assert served.metrics.ticks.sum > 0


def test_a_timed_port_is_its_port() -> None:
    calls: list[str] = []

    class Busy:
        async def wait(self) -> None:
            raise AssertionError

        def poll(self) -> bool:
            calls.append("poll")
            return True

        def flush(self) -> None:
            calls.append("flush")

    busy = Busy()
    timed = TimedPort(busy, Histogram((1.0,)))
    assert timed.poll()
    timed.flush()
    assert calls == ["poll", "flush"]
    assert timed.wait == busy.wait


@socket_test
async def test_the_lateness_of_the_event_loop_is_measured_every_second() -> None:
    async with serving() as served:
        await pass_time(1)
        assert served.metrics.lag.count == 1
        assert served.metrics.lag.sum == pytest.approx(0)
        skip_time(4)
        await served.settle()
        assert served.metrics.lag.count == 2
        assert served.metrics.lag.sum == pytest.approx(3)


# Supervision.


@socket_test
async def test_supervisors_are_told_apart_by_name_up_to_a_limit() -> None:
    async with open_node() as node:
        supervision = Supervision()
        main = node.main
        assert main is not None
        assert main.process is not None
        for number in range(MOST_NAMES + 5):
            main.process.name = f"s{number}"
            supervision.count(ChildRestarted, (main,))
        main.process.name = "s0"
        supervision.count(ChildRestarted, (main,))
        main.process.name = None
        supervision.count(SupervisorShutdown, (main,))
        assert supervision.restarts["s0"] == 2
        assert supervision.restarts["others"] == 5
        assert len(supervision.restarts) == MOST_NAMES + 1
        assert supervision.give_ups == {"unnamed": 1}


@socket_test
async def test_a_report_is_counted_whether_or_not_it_is_made() -> None:
    async with open_node() as node:
        counted: list[Any] = []
        node.reports.counters.append(lambda kind, fields: counted.append((kind, len(fields))))
        main = node.main
        assert main is not None
        for _ in range(10):  # more than are logged one by one
            node.reports.add(CrashReport, main.process, None)
        assert counted == [(CrashReport, 2)] * 10


@socket_test
async def test_a_gateway_that_is_gone_counts_no_more() -> None:
    async with open_node() as node:
        before = list(node.reports.counters)
        async with serving() as served:
            assert served.node.reports.counters != []
        assert served.node.reports.counters == before == []
        assert whereis("regrow.gateway") is None


# What users add.


@socket_test
async def test_numbers_of_a_program_are_there_under_their_names() -> None:
    registry = CollectorRegistry()
    PrometheusCounter("orders", "Orders.", registry=registry).inc(7)
    users: dict[str, tuple[str, Callable[[], float]]] = {
        "chat_users": ("Users\nsigned in.", lambda: 3),
        "chat_logins_total": ("Logins.", lambda: 5),
    }
    async with serving(metrics=users, collectors=(registry,)) as served:
        now = await scrape(served)
    assert (now["chat_users"], now["chat_logins_total"], now["orders_total"]) == (3, 5, 7)


@socket_test
async def test_a_number_that_cannot_be_read_is_logged_and_hides_no_other(caplog: pytest.LogCaptureFixture) -> None:
    def broken() -> float:
        raise RuntimeError("no database")

    with caplog.at_level(logging.ERROR, "regrow.gateway"):
        async with serving(metrics={"broken": ("x", broken), "fine": ("x", lambda: 1)}) as served:
            now = await scrape(served)
    assert "broken" not in now
    assert now["fine"] == 1
    assert "the metric broken could not be read" in caplog.text


@pytest.mark.parametrize("name", ["regrow_mine", "with space", "", "1st", "a:b", 'a"b'])
def test_a_name_that_prometheus_or_we_do_not_take_is_an_error(name: str) -> None:
    with pytest.raises(ValueError, match="the metric"):
        Gateway(routes={}, metrics={name: ("x", lambda: 1)})
