"""A headless Chromium, driven by the Chrome DevTools Protocol. It loads nothing but what it is told to."""

from __future__ import annotations

import base64
import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import trio
from trio_websocket import ConnectionClosed, WebSocketConnection, open_websocket_url

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

__all__ = ["CHROMIUM", "Browser", "Tab", "open_browser"]

CHROMIUM = shutil.which("chromium")

PATIENCE = 10.0
"""Real seconds for anything a page is waited for."""

_OPTIONS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-dev-shm-usage",
    "--disable-sync",
    "--disable-features=Translate,OptimizationHints,MediaRouter",
    "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1",
    "--remote-debugging-port=0",
)


class Browser:
    """A running browser."""

    def __init__(self, socket: WebSocketConnection) -> None:
        self._socket = socket
        self._last = 0
        self._answers: dict[int, Any] = {}
        self._waiting: dict[int, trio.Event] = {}
        self._tabs: dict[str, Tab] = {}

    async def send(self, method: str, params: dict[str, Any] | None = None, session: str | None = None) -> Any:
        """Call a method of the protocol.

        Raises:
            RuntimeError: the browser says that it failed.
        """
        self._last += 1
        number = self._last
        answered = self._waiting[number] = trio.Event()
        call: dict[str, Any] = {"id": number, "method": method, "params": params or {}}
        if session is not None:
            call["sessionId"] = session
        await self._socket.send_message(json.dumps(call))
        await answered.wait()
        answer = self._answers.pop(number)
        if "error" in answer:
            raise RuntimeError(f"{method}: {answer['error']}")
        return answer["result"]

    async def listen(self) -> None:
        """Take in what the browser says until it ends."""
        with suppress(ConnectionClosed):
            while True:
                said = json.loads(await self._socket.get_message())
                if "id" in said:
                    self._answers[said["id"]] = said
                    self._waiting.pop(said["id"]).set()
                elif (tab := self._tabs.get(said.get("sessionId", ""))) is not None:
                    tab.happened(said["method"], said["params"])

    async def person(self) -> str:
        """A profile of its own: nothing stored is shared with other tabs. For `tab`."""
        context = await self.send("Target.createBrowserContext")
        return str(context["browserContextId"])

    async def tab(self, url: str, person: str | None = None, *, width: int = 1280, height: int = 800) -> Tab:
        """Open a page, for somebody else unless it is said for whom."""
        context = person if person is not None else await self.person()
        target = await self.send("Target.createTarget", {"url": "about:blank", "browserContextId": context})
        attached = await self.send("Target.attachToTarget", {"targetId": target["targetId"], "flatten": True})
        tab = Tab(self, attached["sessionId"], target["targetId"])
        self._tabs[attached["sessionId"]] = tab
        for domain in ("Page", "Runtime", "Log", "Network"):
            await tab.send(f"{domain}.enable")
        await tab.resize(width, height)
        await tab.send("Emulation.setFocusEmulationEnabled", {"enabled": True})
        await tab.send("Page.navigate", {"url": url})
        await tab.until("document.readyState === 'complete'")
        return tab


class Tab:
    """One page."""

    def __init__(self, browser: Browser, session: str, target: str) -> None:
        self._browser = browser
        self._session = session
        self._target = target
        self.complaints: list[str] = []
        """Uncaught exceptions, errors on the console, and violations of the content security policy."""
        self.requested: list[str] = []
        """Every address it asked for."""

    async def send(self, method: str, params: dict[str, Any] | None = None) -> Any:
        """Call a method of the protocol on this page."""
        return await self._browser.send(method, params, self._session)

    def happened(self, method: str, params: Any) -> None:
        """Keep an event."""
        if method == "Runtime.exceptionThrown":
            self.complaints.append(json.dumps(params["exceptionDetails"]))
        elif method == "Log.entryAdded" and params["entry"]["level"] == "error":
            self.complaints.append(params["entry"]["text"])
        elif method == "Network.requestWillBeSent":
            self.requested.append(params["request"]["url"])

    async def value(self, expression: str) -> Any:
        """The value of a JavaScript expression."""
        params = {"expression": expression, "returnByValue": True, "awaitPromise": True}
        result = await self.send("Runtime.evaluate", params)
        if "exceptionDetails" in result:
            raise RuntimeError(f"{expression}: {result['exceptionDetails']}")
        return result["result"].get("value")

    async def until(self, expression: str) -> Any:
        """Wait until an expression is true; its value."""
        with trio.move_on_after(PATIENCE):
            while True:
                value = await self.value(expression)
                if value:
                    return value
                await trio.sleep(0.03)
        text = await self.value("document.body.innerText")
        raise AssertionError(f"never true: {expression}\n{self.complaints}\n{text}")

    async def text(self, selector: str) -> str:
        """The text of an element."""
        return str(await self.value(f"document.querySelector({json.dumps(selector)}).textContent"))

    async def says(self, selector: str, words: str) -> None:
        """Wait until an element has these words."""
        query = f"document.querySelector({json.dumps(selector)})"
        await self.until(f"{query}?.textContent.includes({json.dumps(words)})")

    async def click(self, selector: str) -> None:
        """Click an element."""
        await self.value(f"document.querySelector({json.dumps(selector)}).click()")

    async def write(self, selector: str, text: str) -> None:
        """Put text into a field, as the keyboard does."""
        await self.value(f"document.querySelector({json.dumps(selector)}).focus()")
        await self.send("Input.insertText", {"text": text})

    async def press(self, key: str) -> None:
        """Press a key."""
        code = {"Enter": 13, "Escape": 27, "Tab": 9}[key]
        press: dict[str, Any] = {"key": key, "code": key, "windowsVirtualKeyCode": code}
        if key == "Enter":
            press["text"] = "\r"
        await self.send("Input.dispatchKeyEvent", {"type": "keyDown", **press})
        await self.send("Input.dispatchKeyEvent", {"type": "keyUp", **press})

    async def resize(self, width: int, height: int, *, scale: float = 1) -> None:
        """Change the size of the window."""
        params = {"width": width, "height": height, "deviceScaleFactor": scale, "mobile": width < 600}
        await self.send("Emulation.setDeviceMetricsOverride", params)

    async def prefer(self, scheme: str) -> None:
        """Prefer a ``light`` or a ``dark`` page."""
        await self.send("Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": scheme}]})

    async def reload(self) -> None:
        """Load it again."""
        await self.value("window.isOld = true")
        await self.send("Page.reload")
        with trio.fail_after(PATIENCE):
            while True:
                with suppress(RuntimeError):  # while one page gives way to the other
                    if await self.value("window.isOld === undefined && document.readyState === 'complete'"):
                        return
                await trio.sleep(0.03)

    async def close(self) -> None:
        """Close it."""
        await self._browser.send("Target.closeTarget", {"targetId": self._target})

    async def picture(self) -> bytes:
        """What it looks like, as a PNG."""
        return base64.b64decode((await self.send("Page.captureScreenshot", {"format": "png"}))["data"])


@asynccontextmanager
async def open_browser() -> AsyncGenerator[Browser]:
    """Run Chromium until the block ends; nothing of it is left behind."""
    assert CHROMIUM is not None
    with tempfile.TemporaryDirectory(prefix="chromium-", ignore_cleanup_errors=True) as profile:
        process = await trio.lowlevel.open_process(
            [CHROMIUM, *_OPTIONS, f"--user-data-dir={profile}"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            env={**os.environ, "HOME": profile, "XDG_CONFIG_HOME": profile, "XDG_CACHE_HOME": profile},
            cwd=Path(profile),
            start_new_session=True,  # a group of its own, to be ended as a whole
        )
        assert process.stderr is not None
        try:
            async with process.stderr:
                with trio.fail_after(PATIENCE * 2):
                    url = await _announced(process.stderr)
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(_drain, process.stderr)
                    async with open_websocket_url(url, max_message_size=2**26) as socket:
                        browser = Browser(socket)
                        nursery.start_soon(browser.listen)
                        yield browser
                        nursery.cancel_scope.cancel()
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            with trio.CancelScope(shield=True):
                await process.wait()


async def _announced(stderr: trio.abc.ReceiveStream) -> str:
    said = ""
    while (found := re.search(r"DevTools listening on (ws://\S+)\s", said)) is None:
        data = await stderr.receive_some()
        assert data, f"chromium ended: {said}"
        said += data.decode(errors="replace")
    return found.group(1)


async def _drain(stderr: trio.abc.ReceiveStream) -> None:
    with suppress(trio.ClosedResourceError, trio.BrokenResourceError):
        while await stderr.receive_some():
            pass
