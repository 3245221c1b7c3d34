"""What the gateway counts: plain integers on the hot path, read when someone scrapes."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, final

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["Metrics", "exposition"]


@final
class Metrics:
    """The counters of one gateway. All only grow, but for none."""

    __slots__ = (
        "accepted",
        "crashed",
        "given_up",
        "lost",
        "opened",
        "received",
        "refusals",
        "refused",
        "slow_consumers",
        "violations",
    )

    accepted: int
    """TCP connections accepted."""
    opened: int
    """WebSocket handshakes completed."""
    received: int
    """Messages read from clients."""
    refused: int
    """Connections refused, whatever the reason."""
    refusals: Counter[str]
    """Connections, joins and messages refused, by the limit or rule that refused them."""
    crashed: int
    """Connection actors that crashed and were to be restarted."""
    given_up: int
    """Connections closed because their actor crashed too often."""
    lost: int
    """Connections that broke without a close frame."""
    slow_consumers: int
    """Connections closed because their client read too slowly."""
    violations: int
    """Connections closed because their client broke the protocol."""

    def __init__(self) -> None:
        for name in self.__slots__:
            setattr(self, name, 0)
        self.refusals = Counter()


_HELP = {
    "accepted": "TCP connections accepted",
    "opened": "WebSocket handshakes completed",
    "received": "messages read from clients",
    "refused": "connections refused, whatever the reason",
    "crashed": "connection actors that crashed and were restarted",
    "given_up": "connections closed because their actor crashed too often",
    "lost": "connections that broke without a close frame",
    "slow_consumers": "connections closed because their client read too slowly",
    "violations": "connections closed because their client broke the protocol",
}


@final
class _Collector:
    def __init__(self, metrics: Metrics, gauges: Callable[[], dict[str, tuple[str, float]]]) -> None:
        self._metrics = metrics
        self._gauges = gauges

    def collect(self) -> Iterator[Metric]:
        for name, text in _HELP.items():
            yield CounterMetricFamily(f"regrow_{name}", text, value=getattr(self._metrics, name))
        refusals = CounterMetricFamily(
            "regrow_refusals", "connections, joins and messages refused, by reason", labels=["reason"]
        )
        for reason, count in self._metrics.refusals.items():
            refusals.add_metric([reason], count)
        yield refusals
        for name, (text, value) in self._gauges().items():
            yield GaugeMetricFamily(f"regrow_{name}", text, value=value)


def exposition(metrics: Metrics, gauges: Callable[[], dict[str, tuple[str, float]]]) -> Callable[[], bytes]:
    """A function that renders the metrics in Prometheus' text format; gauges are read when it is called."""
    registry = CollectorRegistry()
    registry.register(_Collector(metrics, gauges))
    return lambda: generate_latest(registry)
