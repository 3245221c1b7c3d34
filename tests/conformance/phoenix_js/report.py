"""What the scenarios said, as a table."""

from __future__ import annotations

from typing import Final, Literal

import msgspec

__all__ = ["MARKER", "Outcome", "read_lines", "render", "versions"]

MARKER: Final = "phoenix"


class Outcome(msgspec.Struct, frozen=True):
    """How one scenario went with one client."""

    scenario: str
    verdict: Literal["ok", "failed", "not offered"]
    detail: str
    client: str = ""


class _Manifest(msgspec.Struct):
    dependencies: dict[str, str]


def versions(manifest: bytes) -> dict[str, str]:
    """The version of each client in a ``package.json``, newest last as they stand there."""
    dependencies = msgspec.json.decode(manifest, type=_Manifest).dependencies
    return {
        name: wanted.rpartition("@")[2] for name, wanted in dependencies.items() if wanted.startswith("npm:phoenix@")
    }


def read_lines(client: str, said: bytes) -> list[Outcome]:
    """The outcomes that ``run.mjs`` printed, a line each.

    Raises:
        msgspec.DecodeError: a line is none.
    """
    found = [msgspec.json.decode(line, type=Outcome) for line in said.splitlines() if line.strip()]
    return [msgspec.structs.replace(one, client=client) for one in found]


def render(outcomes: list[Outcome], clients: dict[str, str]) -> str:
    """A row for each scenario, a column for each client, and what failed in full."""
    verdicts = {(one.scenario, one.client): one.verdict for one in outcomes}
    rows = [
        f"| scenario | {' | '.join(f'phoenix {version}' for version in clients.values())} |",
        f"| --- | {' | '.join('---' for _ in clients)} |",
    ]
    for scenario in dict.fromkeys(one.scenario for one in outcomes):
        cells = (verdicts.get((scenario, client), "not run") for client in clients)
        rows.append(f"| {scenario} | {' | '.join(cells)} |")
    failures = [
        f"FAILED with {one.client}: {one.scenario}: {one.detail}" for one in outcomes if one.verdict == "failed"
    ]
    return "\n".join([*rows, *(["", *failures] if failures else [])])
