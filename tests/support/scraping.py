"""Plain HTTP requests to a gateway under test, and its metrics as Prometheus reads them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client.parser import text_string_to_metric_families

if TYPE_CHECKING:
    from prometheus_client import Metric

    from tests.support.serving import Served

__all__ = ["Series", "families", "get", "scrape"]

Series = dict[str, float]
"""Values by ``name{label=value}``, as PromQL spells a series."""


async def get(served: Served, path: str, method: str = "GET") -> tuple[int, str]:
    """Status and body of a page; its connection is gone afterwards."""
    client = await served.connect()
    await client.send(f"{method} {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    status = await client.status()
    body = (await client.rest()).decode()
    await client.aclose()
    await served.settle()
    return status, body


async def families(served: Served) -> list[Metric]:
    """The metrics, parsed by Prometheus' own parser."""
    status, body = await get(served, "/metrics")
    assert status == 200
    return list(text_string_to_metric_families(body))


async def scrape(served: Served) -> Series:
    """The value of every series."""
    return {
        sample.name + "".join(f"{{{name}={value}}}" for name, value in sample.labels.items()): sample.value
        for family in await families(served)
        for sample in family.samples
    }
