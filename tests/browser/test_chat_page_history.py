"""What the chat page shows of the past: after a reload, and after the server was gone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from regrow.gateway import SqliteStore
from tests.browser.chromium import open_browser
from tests.browser.visits import browser_test, chatting, enter, say, serving, shows, somebody_says

if TYPE_CHECKING:
    from pathlib import Path


@browser_test
async def test_a_reload_shows_what_was_said_and_remembers_name_and_room() -> None:
    async with chatting() as (browser, running):
        ann = await enter(browser, running, "Ann", "tea")
        await say(ann, "first")
        await shows(ann, "first")
        await say(ann, "second")
        await shows(ann, "first", "second")
        await ann.reload()
        await shows(ann, "first", "second")
        assert await ann.text("#room-title") == "tea"
        assert await ann.text("#my-name") == "Ann"
        assert await ann.text("#recovered") == "0"  # it was read before


@browser_test
async def test_the_page_comes_back_by_itself_when_the_server_does_and_misses_nothing(tmp_path: Path) -> None:
    path = tmp_path / "history.db"
    async with open_browser() as browser:
        async with serving(history=SqliteStore(path)) as running:
            port = running.port
            ann = await enter(browser, running, "Ann")
            await say(ann, "before")
            await shows(ann, "before")
        await ann.says("#banner-title", "Connection lost.")
        assert await ann.until("document.body.dataset.connection === 'waiting'")
        assert await ann.value("!document.querySelector('#banner').hidden")
        await say(ann, "while I was offline")
        await ann.says("#log", "Will be sent once you are connected")
        async with serving(history=SqliteStore(path)) as elsewhere:  # the same history, where the page does not look
            await somebody_says(elsewhere.port, "missed one", "missed two")
        async with serving(history=SqliteStore(path), port=port):
            await shows(ann, "before", "missed one", "missed two", "while I was offline")
            assert await ann.text("#recovered") == "2"
            assert await ann.value("document.querySelector('#banner').hidden")
            await ann.says("#log", "Connected again.")
