"""Visits to the chat page of a lobby that is served for the length of a test."""

from __future__ import annotations

import functools
import json
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ParamSpec

import pytest
import trio

from regrow.actors import open_node
from regrow.gateway import MemoryStore, RunningGateway, open_gateway
from regrow.gateway._lobby._lobby import lobby
from tests.browser.chromium import CHROMIUM, Browser, Tab, open_browser
from tests.support.phoenix_client import PATH, PhoenixClient, join, message
from tests.support.raw_client import RawClient

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable

__all__ = ["browser_test", "chatting", "enter", "say", "serving", "shows", "somebody_says"]

P = ParamSpec("P")

PATIENCE = 25.0
"""Real seconds for one test."""

_MESSAGES = "[...document.querySelectorAll('#log .body')].map((one) => one.textContent)"


def browser_test(test: Callable[P, Awaitable[None]]) -> Callable[P, None]:
    """Make a test of an async function, under trio's own clock: the browser has its own too."""

    @pytest.mark.skipif(CHROMIUM is None, reason="needs chromium")
    @functools.wraps(test)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        trio.run(_limited, functools.partial(test, *args, **kwargs))

    return run


async def _limited(test: Callable[[], Awaitable[None]]) -> None:
    with trio.fail_after(PATIENCE):
        await test()


@asynccontextmanager
async def serving(*, port: int = 0, **changes: Any) -> AsyncGenerator[RunningGateway]:
    """Serve the lobby, with fields of its `Gateway` changed."""
    async with open_node(), open_gateway(replace(lobby, **changes), port=port) as running:
        yield running


@asynccontextmanager
async def chatting() -> AsyncGenerator[tuple[Browser, RunningGateway]]:
    """Serve the lobby with a history, and run a browser."""
    async with serving(history=MemoryStore()) as running, open_browser() as browser:
        yield browser, running


async def enter(browser: Browser, running: RunningGateway, name: str, room: str = "lobby") -> Tab:
    """Open the page as somebody who was never here, and say who that is; the room is joined when this returns."""
    tab = await browser.tab(f"{running.url}/#{room}")
    await tab.write("#name", name)
    await tab.press("Enter")
    await tab.says("#people", name)
    return tab


async def say(tab: Tab, text: str) -> None:
    """Say something in the room that is open."""
    await tab.write("#message", text)
    await tab.press("Enter")


async def shows(tab: Tab, *bodies: str) -> None:
    """Wait until these are the messages of the room that is open, each confirmed and shown once."""
    wanted = json.dumps(bodies)
    await tab.until(
        f"JSON.stringify({_MESSAGES}) === JSON.stringify({wanted}) && !document.querySelector('#log .fate')"
    )


async def somebody_says(port: int, *bodies: str, room: str = "lobby") -> None:
    """Have somebody without a browser say something."""
    client = PhoenixClient(await RawClient.connect(port))
    await client.raw.upgrade(PATH)
    await client.send(join("1", f"room:{room}", {"name": "Eve"}))
    for body in bodies:
        await client.send(message("1", None, f"room:{room}", "new_msg", {"body": body}))
    while (await client.hear()).payload.get("body") != bodies[-1]:
        pass
    await client.raw.reset()
