"""The metrics in Prometheus' text format, read from where they are kept when someone asks."""

from __future__ import annotations

import gc
import logging
from collections import Counter
from typing import TYPE_CHECKING, Final, final

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from regrow.gateway._channels._socket import Session

from ._metrics import Refusal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from regrow.gateway._transport._transport import Transport

    from ._supervision import Supervision

__all__ = ["GatewayCollector", "UserCollector", "exposition"]

logger = logging.getLogger("regrow.gateway")

_TOLD_APART: Final = range(1000, 1016)
"""Close codes of RFC 6455 and its registry: each has a label of its own. Above them clients may choose."""

_APPLICATION, _LIBRARY = 4000, 3000


@final
class GatewayCollector(Collector):
    """What one gateway counts, and what can be seen of it at the moment. A prometheus_client ``Collector``."""

    def __init__(self, transport: Transport, supervision: Supervision) -> None:
        self._transport = transport
        self._supervision = supervision

    def collect(self) -> Iterator[Metric]:
        """Read everything once."""
        yield from self._connections()
        yield from self._traffic()
        yield from self._losses()
        yield from self._processes()
        yield from _collections()

    def _connections(self) -> Iterator[Metric]:
        transport, metrics = self._transport, self._transport.metrics
        total, handshaking, closing = (
            len(transport.connections),
            len(transport.handshaking),
            len(transport.closing),
        )
        yield _gauges(
            "regrow_connections",
            "Sockets there are, by state.",
            "state",
            {"handshake": handshaking, "open": total - handshaking - closing, "closing": closing},
        )
        yield _gauge(
            "regrow_connections_orphaned", "Open connections whose process is being started.", len(transport.orphans)
        )
        yield _counter("regrow_connections_accepted", "TCP connections accepted.", metrics.accepted)
        yield _counter("regrow_connections_opened", "WebSocket handshakes completed.", metrics.opened)
        yield _counters(
            "regrow_connections_closed",
            "WebSocket connections ended, by close code; 1006 broke without one.",
            "code",
            _by_label(metrics.closes),
        )

    def _traffic(self) -> Iterator[Metric]:
        transport, metrics = self._transport, self._transport.metrics
        yield _counter("regrow_messages_received", "Messages read from clients.", metrics.received)
        yield _counter("regrow_messages_sent", "Frames for clients, a broadcast once for each of them.", metrics.sent)
        yield _counter("regrow_deliveries", "Broadcasts, times the clients each was for.", metrics.deliveries)
        yield _counter("regrow_received_bytes", "Bytes read from sockets.", metrics.bytes_received)
        yield _counter("regrow_sent_bytes", "Bytes that sockets took.", metrics.bytes_sent)
        pubsubs = {"channel": transport.pubsub.size(), "raw": transport.raw_pubsub.size()}
        yield _gauges(
            "regrow_topics", "Topics with a subscriber.", "kind", {kind: size[0] for kind, size in pubsubs.items()}
        )
        yield _gauges(
            "regrow_subscriptions",
            "Subscriptions of connections to topics.",
            "kind",
            {kind: size[1] for kind, size in pubsubs.items()},
        )
        sessions = (one.session for one in transport.connections.values())
        joined = sum(len(session.joined) for session in sessions if isinstance(session, Session))
        yield _gauge("regrow_channels_joined", "Channels joined, or being joined.", joined)

    def _losses(self) -> Iterator[Metric]:
        metrics = self._transport.metrics
        refusals = {why.value: number for why, number in metrics.refusals.items()}
        refusals[Refusal.OTHER] += metrics.refused - sum(refusals.values())
        yield _counters("regrow_connections_refused", "Connections not let in, by reason.", "reason", refusals)
        yield _counters(
            "regrow_connections_dropped",
            "Connections the gateway did not keep, by reason.",
            "reason",
            {
                "crashed": metrics.given_up,
                "idle": metrics.idle,
                "lost": metrics.lost,
                "silent": metrics.silent,
                "slow_consumer": metrics.slow_consumers,
                "stalled": metrics.stalled,
                "violation": metrics.violations,
            },
        )
        yield _counter("regrow_joins_refused", "Joins refused: too many.", metrics.joins_refused)
        yield _counters(
            "regrow_messages_dropped",
            "Messages that were not handled or not written, by reason.",
            "reason",
            {"rate": metrics.overrun, "volatile": metrics.volatile_dropped},
        )
        connections = self._transport.connections
        outboxes = [one.backlog for one in connections.values() if one.is_blocked]
        yield _gauge("regrow_outboxes_blocked", "Connections whose socket is full.", len(outboxes))
        yield from _sizes("regrow_outbox_bytes", "Bytes waiting for sockets that are full", outboxes, len(connections))

    def _processes(self) -> Iterator[Metric]:
        node, metrics, supervision = self._transport.node, self._transport.metrics, self._supervision
        yield _gauge("regrow_processes", "Living processes.", len(node.processes))
        mailboxes: list[int] = []
        for process in node.processes:
            # Not `pending`, which looks twice: most mailboxes are empty, and there is one for each channel.
            mailbox = getattr(process, "mailbox", None)
            if mailbox:
                mailboxes.append(len(mailbox))
        yield from _sizes("regrow_mailbox_messages", "Messages waiting in mailboxes", mailboxes, len(node.processes))
        yield _counter("regrow_process_crashes", "Processes of any kind that crashed.", supervision.crashes)
        yield _counter("regrow_connection_crashes", "Crashes of connections' processes.", metrics.crashed)
        yield _counter("regrow_channel_crashes", "Crashes of channels.", metrics.channel_crashes)
        yield _counters(
            "regrow_supervisor_restarts", "Children restarted, by supervisor.", "supervisor", supervision.restarts
        )
        yield _counters(
            "regrow_supervisor_give_ups",
            "Times a supervisor exceeded its restart intensity.",
            "supervisor",
            supervision.give_ups,
        )
        yield metrics.ticks.family("regrow_tick_duration_seconds", "How long ticks took: reading, running, writing.")
        yield metrics.lag.family("regrow_event_loop_lag_seconds", "How late the event loop woke who slept a second.")


@final
class UserCollector(Collector):
    """A program's own numbers. One that raises is left out, and logged, so that it does not hide the others."""

    def __init__(self, metrics: Mapping[str, tuple[str, Callable[[], float]]]) -> None:
        self._metrics = metrics

    def collect(self) -> Iterator[Metric]:
        """Call every function. A name that ends in ``_total`` is a counter's, any other a gauge's."""
        for name, (text, read) in self._metrics.items():
            try:
                value = float(read())
            except Exception:
                logger.exception("the metric %s could not be read", name)
                continue
            yield _counter(name, text, value) if name.endswith("_total") else _gauge(name, text, value)


def exposition(collectors: Iterable[Collector]) -> Callable[[], bytes]:
    """A function that renders what the collectors yield when it is called, in Prometheus' text format 0.0.4."""
    registry = CollectorRegistry(auto_describe=False)
    for collector in collectors:
        registry.register(collector)
    return lambda: generate_latest(registry)


def _gauge(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(name, text, value=value)


def _counter(name: str, text: str, value: float) -> Metric:
    return CounterMetricFamily(name, text, value=value)


def _gauges(name: str, text: str, label: str, values: Mapping[str, float]) -> Metric:
    family = GaugeMetricFamily(name, text, labels=(label,))
    for key, value in values.items():
        family.add_metric((key,), value)
    return family


def _counters(name: str, text: str, label: str, values: Mapping[str, float]) -> Metric:
    family = CounterMetricFamily(name, text, labels=(label,))
    for key, value in values.items():
        family.add_metric((key,), value)
    return family


def _sizes(name: str, text: str, sizes: list[int], of: int) -> Iterator[Metric]:
    """The sum, the largest and the 99th percentile of some sizes of which only those above zero are given."""
    sizes.sort()
    rank = len(sizes) - 1 - of // 100  # one in a hundred is larger
    yield _gauge(name, f"{text}, all together.", sum(sizes))
    yield _gauge(f"{name}_max", f"{text}: the largest.", sizes[-1] if sizes else 0)
    yield _gauge(f"{name}_p99", f"{text}: the 99th percentile.", sizes[rank] if rank >= 0 else 0)


def _by_label(closes: Mapping[int | None, int]) -> Mapping[str, int]:
    """Close codes as labels: those a client or a program may choose together, as there are a thousand of each."""
    labels: Counter[str] = Counter()
    for code, number in closes.items():
        labels[_label(code)] += number
    return labels


def _label(code: int | None) -> str:
    if code is None:
        return "none"
    if code in _TOLD_APART:
        return str(code)
    return "4xxx" if code >= _APPLICATION else "3xxx" if code >= _LIBRARY else "other"


def _collections() -> Iterator[Metric]:
    yield _counters(
        "regrow_gc_collections",
        "Runs of Python's garbage collector, by generation.",
        "generation",
        {str(generation): stats["collections"] for generation, stats in enumerate(gc.get_stats())},
    )
