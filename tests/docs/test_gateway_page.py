"""What ``docs/gateway.md`` shows is true: its Python runs, its settings, names and links exist."""

from __future__ import annotations

import logging
import re
import textwrap
from dataclasses import fields
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
import trio

import regrow.actors
import regrow.gateway
import regrow.supervisors
from regrow.actors import SetTable, open_node
from regrow.gateway import Channel, Gateway, Settings, Socket, open_gateway
from tests.support.command import ROOT

if TYPE_CHECKING:
    from pathlib import Path

DOCS = ROOT / "docs"
PAGE = (DOCS / "gateway.md").read_text("utf-8")
FILE = re.compile(r"# (\w+\.py)\n")
"""The first line of a block that is taken from a file."""


def blocks() -> list[str]:
    return [textwrap.dedent(block) for block in re.findall(r"^```python\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)]


def programs() -> list[tuple[str, str]]:
    """Each block that is no part of a file, with its first line."""
    return [(block.splitlines()[0], block) for block in blocks() if FILE.match(block) is None]


class UserSocket(Socket):
    """What the page calls so."""


class Room(Channel):
    """What the page calls so."""


def names() -> dict[str, Any]:
    """What the page takes for granted: our public names, and what its words introduce."""
    known: dict[str, Any] = {
        "Any": Any,
        "Rooms": UserSocket,
        "UserSocket": UserSocket,
        "Room": Room,
        "Keeper": regrow.actors.GenServer,
        "User": object,
        "users": set(),
        "pool": SimpleNamespace(is_connected=True),
        "prometheus_client": SimpleNamespace(REGISTRY=None),
        "secret": "s" * 32,
        "params": {"token": "t"},
        "logger": logging.getLogger(__name__),
        "gateway": Gateway(routes={}),
    }
    for package in (regrow.actors, regrow.supervisors, regrow.gateway):
        known.update({name: getattr(package, name) for name in package.__all__})
    known["tokens"] = regrow.gateway.Tokens(secrets=(known["secret"],), max_age=60)
    return known


@pytest.mark.parametrize(("first_line", "block"), programs(), ids=[first for first, _ in programs()])
def test_a_block_runs(first_line: str, block: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    async def main() -> None:
        async with open_node(), open_gateway(Gateway(routes={}), port=0) as running:
            known = {**names(), "running": running}
            SetTable("live", named=True)
            exec(compile(block, f"gateway.md: {first_line}", "exec", dont_inherit=True), known)  # noqa: S102 - our page

    trio.run(main)


def test_blocks_from_files_are_as_in_the_files() -> None:
    shown = [(FILE.match(block), block) for block in blocks()]
    parts = [(found[1], block) for found, block in shown if found is not None]
    assert {name for name, _ in parts} >= {"members.py", "user_socket.py"}
    for name, block in parts:
        lines = {line.strip() for line in (DOCS / "examples" / name).read_text("utf-8").splitlines()}
        assert [line for line in block.splitlines()[1:] if line.strip() not in lines] == [], name


def test_settings_and_public_names_that_are_mentioned_exist() -> None:
    prose = re.sub(r"^```.*?^```", "", PAGE, flags=re.DOTALL | re.MULTILINE)
    settings = {field.name for field in fields(Settings)}
    mentioned = re.findall(r"`(\w+)\.(\w+)", prose)
    public = {name for package in (regrow.actors, regrow.supervisors, regrow.gateway) for name in package.__all__}
    ours = [(owner, name) for owner, name in mentioned if owner in public]
    assert len(ours) >= 5
    wrong = [
        f"{owner}.{name}"
        for owner, name in ours
        if not (name in settings if owner == "Settings" else exists(public_class(owner), name))
    ]
    assert wrong == []


def public_class(name: str) -> Any:
    return next(
        getattr(package, name)
        for package in (regrow.gateway, regrow.actors, regrow.supervisors)
        if name in package.__all__
    )


def exists(owner: Any, name: str) -> bool:
    return hasattr(owner, name) or name in getattr(owner, "__annotations__", {})


def test_rows_of_limits_are_settings() -> None:
    section = PAGE.split("## How much they may do")[1].split("\n## ")[0]
    limits = re.findall(r"`(\w+)`", " ".join(re.findall(r"^\| (`.*?) \|", section, re.MULTILINE)))
    assert limits
    assert set(limits) <= {field.name for field in fields(Settings)}


def test_every_link_leads_somewhere() -> None:
    links = re.findall(r"\]\(([\w./-]*)(?:#([\w-]+))?\)", PAGE)
    assert links
    for path, anchor in links:
        target = DOCS / path if path else DOCS / "gateway.md"
        assert target.exists(), path
        if anchor:
            headings = re.findall(r"^#+ (.*)$", target.read_text("utf-8"), re.MULTILINE)
            slugs = {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}
            assert anchor in slugs, f"{path}#{anchor}"
