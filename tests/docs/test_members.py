"""``docs/examples/members.py`` lets members in, and ``docs/gateway.md`` shows it as it is."""

from __future__ import annotations

import re
import runpy
from typing import TYPE_CHECKING

from regrow.gateway import Gateway, Tokens
from tests.docs.test_examples import EXAMPLES
from tests.support.phoenix_client import PATH, PhoenixClient, error, join, ok
from tests.support.raw_client import upgrade_request
from tests.support.serving import serving
from tests.support.socket_test import socket_test

if TYPE_CHECKING:
    import pytest

SECRET = "s" * 32


def members(monkeypatch: pytest.MonkeyPatch) -> Gateway:
    monkeypatch.setenv("REGROW_TOKEN_SECRET", SECRET)
    app = runpy.run_path(str(EXAMPLES / "members.py"))["app"]
    assert isinstance(app, Gateway)
    return app


@socket_test
async def test_a_member_comes_in_to_the_rooms_of_its_token(monkeypatch: pytest.MonkeyPatch) -> None:
    token = Tokens(secrets=(SECRET,)).sign("ann", rooms=["room:tea"])
    async with serving(members(monkeypatch).routes) as served:
        client = await PhoenixClient.open(served, f"{PATH}&token={token}")
        assert await client.ask(join("1", "room:tea")) == ok("1", "1", "room:tea", {"you": "ann"})
        assert await client.ask(join("2", "room:gin")) == error("2", "2", "room:gin", "not your room")


@socket_test
async def test_nobody_else_does(monkeypatch: pytest.MonkeyPatch) -> None:
    token = Tokens(secrets=("x" * 32,)).sign("ann", rooms=["room:tea"])
    async with serving(members(monkeypatch).routes) as served:
        for path in (PATH, f"{PATH}&token={token}"):
            client = await served.connect()
            await client.send(upgrade_request(path))
            assert await client.status() == 401


def test_the_page_shows_what_the_file_says() -> None:
    page = (EXAMPLES.parent / "gateway.md").read_text("utf-8")
    lines = {line.strip() for line in (EXAMPLES / "members.py").read_text("utf-8").splitlines()}
    blocks = re.findall(r"```python\n# members\.py\n(.*?)```", page, re.DOTALL)
    assert blocks
    assert [line for block in blocks for line in block.splitlines() if line.strip() not in lines] == []
