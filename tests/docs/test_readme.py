"""The code on the README's first screen runs."""

from __future__ import annotations

import re
import textwrap
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import trio

import regrow.actors
import regrow.gateway
import regrow.supervisors
from regrow.gateway.testing import joined
from tests.support.socket_test import socket_test

if TYPE_CHECKING:
    import pytest

_README = Path(__file__).parents[2] / "README.md"


def _blocks() -> list[str]:
    return re.findall(r"```python\n(.*?)```", _README.read_text(encoding="utf-8"), re.DOTALL)


def _names(*packages: Any) -> dict[str, Any]:
    names: dict[str, Any] = {"partial": partial, "Any": Any}
    for package in packages:
        names.update({name: getattr(package, name) for name in package.__all__})
    return names


def test_the_library_example_counts(capsys: pytest.CaptureFixture[str]) -> None:
    names = _names(regrow.actors, regrow.supervisors)
    exec("async def main():\n" + textwrap.indent(_blocks()[0], "    "), names)  # noqa: S102 - our own README
    trio.run(names["main"])
    assert capsys.readouterr().out == "1\n"


def test_the_gateway_example_is_a_gateway() -> None:
    names = _names(regrow.gateway)
    exec(_blocks()[1], names)  # noqa: S102 - our own README
    assert isinstance(names["app"], regrow.gateway.Gateway)
    assert names["Chat"].channel_for("room:1") is names["Room"]


@socket_test
async def test_the_gateway_example_chats() -> None:
    names = _names(regrow.gateway)
    exec(_blocks()[1], names)  # noqa: S102 - our own README
    async with joined(names["Room"], "room:1", {"name": "Ann"}) as room:
        diff = await room.assert_push("presence_diff")
        assert list(diff["joins"]) == ["Ann"]
        await room.assert_reply(room.push("new_msg", {"body": "hello"}), "ok")
        await room.assert_push("new_msg", {"body": "hello"})
