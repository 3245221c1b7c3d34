"""Make the pictures of the chat page in ``docs/images``: ``python -m tests.browser.pictures``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import trio

from tests.browser.visits import chatting, enter, say, somebody_says

if TYPE_CHECKING:
    from tests.browser.chromium import Tab

IMAGES = Path(__file__).parents[2] / "docs" / "images"


async def _converse(ann: Tab, bob: Tab) -> None:
    for who, said in (
        (bob, "Morning! Did anyone notice the crash test last night?"),
        (ann, "The log says 300 of 1,000 connections went down at 02:14."),
        (ann, "All of them on purpose."),
        (bob, "I was in here the whole time. Not a word was lost."),
        (ann, "Press “Crash my process” and watch the incarnation go up. Nobody else sees you leave."),
    ):
        await say(who, said)
        await ann.says("#log .message:last-of-type", said)


async def main() -> None:
    """Have a conversation, and take pictures of it."""
    IMAGES.mkdir(exist_ok=True)
    with trio.fail_after(60):
        async with chatting() as (browser, running):
            person = await browser.person()
            ann = await browser.tab(f"{running.url}/#lobby", person, height=760)
            await ann.write("#name", "Ann")
            await ann.press("Enter")
            await ann.says("#people", "Ann")
            await browser.tab(f"{running.url}/#help", person)
            bob = await enter(browser, running, "Bob")
            await bob.resize(390, 760)
            await enter(browser, running, "Maria")
            await ann.says("#people", "Maria")
            await _converse(ann, bob)
            await ann.click("#crash")
            await ann.says("#log", "serves you")
            await somebody_says(running.port, "Is anybody here?", "Ah, found it.", room="random")
            await bob.write("#message", "Trying it")
            await ann.says("#typing", "Bob")
            await ann.says("#room-list .badge", "2")
            for tab, scheme, name in ((ann, "light", "chat"), (ann, "dark", "chat-dark"), (bob, "light", "chat-phone")):
                await tab.prefer(scheme)
                (IMAGES / f"{name}.png").write_bytes(await tab.picture())


if __name__ == "__main__":
    trio.run(main)
