"""The chat page over HTTP: its files, what they may do in a browser, and how a browser keeps them."""

from __future__ import annotations

import re
import sys
import zipfile
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING

import httptools
import pytest

from regrow.gateway import Gateway, Page
from regrow.gateway._http._request import Request
from regrow.gateway._http._response import response
from regrow.gateway._lobby import _page
from regrow.gateway._lobby._lobby import lobby
from regrow.gateway._lobby._page import _FILES, page_views
from tests.support.serving import Served, serving
from tests.support.socket_test import socket_test

if TYPE_CHECKING:
    from regrow.gateway import View

FOLDER = Path(_page.__file__).parent / "page"


class Answer:
    """A response, as an HTTP parser reads it."""

    def __init__(self, data: bytes) -> None:
        self.headers: dict[str, str] = {}
        self.body = b""
        self.is_complete = False
        parser = httptools.HttpResponseParser(self)
        parser.feed_data(data)
        self.status = parser.get_status_code()

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers[name.decode().lower()] = value.decode()

    def on_body(self, body: bytes) -> None:
        self.body += body

    def on_message_complete(self) -> None:
        self.is_complete = True


async def get(served: Served, path: str, **headers: str) -> Answer:
    client = await served.connect()
    lines = [
        f"GET {path} HTTP/1.1",
        "Host: x",
        *(f"{name.replace('_', '-')}: {value}" for name, value in headers.items()),
    ]
    await client.send("\r\n".join((*lines, "", "")).encode())
    return Answer(await client.rest())


REQUEST = Request(method="GET", path="/", query="", headers={}, http_version="1.1")


def test_the_lobby_is_served_with_its_page() -> None:
    assert set(page_views()) <= set(lobby.views)
    assert "/" in lobby.views


def test_every_file_of_the_page_is_served_and_nothing_else() -> None:
    assert sorted(name for name, _ in _FILES.values()) == sorted(path.name for path in FOLDER.iterdir())


@pytest.mark.parametrize("path", _FILES)
@socket_test
async def test_a_file_is_sent_as_it_is_with_its_type_and_what_it_may_do(path: str) -> None:
    name, content_type = _FILES[path]
    async with serving(views=page_views()) as served:
        answer = await get(served, path)
    assert answer.status == 200
    assert answer.body == (FOLDER / name).read_bytes()
    assert answer.headers["content-type"] == content_type
    assert answer.headers["x-content-type-options"] == "nosniff"
    policy = answer.headers["content-security-policy"].split("; ")
    assert {"default-src 'self'", "connect-src 'self' ws: wss:", "form-action 'none'", "frame-ancestors 'none'"} < set(
        policy
    )
    assert "unsafe" not in answer.headers["content-security-policy"]


@pytest.mark.parametrize("condition", ["{tag}", "W/{tag}", '"other", {tag}', "*"])
@socket_test
async def test_a_browser_that_has_a_file_is_not_sent_it_again(condition: str) -> None:
    async with serving(views=page_views()) as served:
        tag = (await get(served, "/")).headers["etag"]
        answer = await get(served, "/", If_None_Match=condition.format(tag=tag))
    assert (answer.status, answer.body, answer.is_complete) == (304, b"", True)
    assert answer.headers["etag"] == tag
    assert answer.headers["cache-control"] == "no-cache"
    assert "content-length" not in answer.headers


@pytest.mark.parametrize("condition", ['"other"', "", "garbage"])
@socket_test
async def test_a_browser_that_has_another_version_is_sent_this_one(condition: str) -> None:
    async with serving(views=page_views()) as served:
        assert (await get(served, "/page/chat.js", If_None_Match=condition)).status == 200


def test_files_differ_in_their_tags() -> None:
    tags = {dict(view(REQUEST).headers)["ETag"] for view in page_views().values()}
    assert len(tags) == len(_FILES)


def test_what_the_page_links_to_is_served_from_here() -> None:
    linked = re.findall(r'(?:src|href)="(/[^"]*)"', (FOLDER / "index.html").read_text())
    assert linked
    assert set(linked) <= set(_FILES)
    for script in FOLDER.glob("*.js"):
        for imported in re.findall(r'from "\./([^"]+)"', script.read_text()):
            assert f"/page/{imported}" in _FILES


def test_the_page_asks_nobody_else_for_anything_and_makes_no_markup_of_text() -> None:
    for path in FOLDER.iterdir():
        text = path.read_text()
        assert re.findall(r"https?://(?!www\.w3\.org/2000/svg)", text) == [], path
        assert re.findall(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|\son\w+=\"", text) == [], path


def test_the_page_can_be_read_out_of_a_zipped_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wheel = tmp_path / "zipped.whl"
    with zipfile.ZipFile(wheel, "w") as packed:
        packed.writestr("zipped_lobby/__init__.py", "")
        packed.writestr("zipped_lobby/page/index.html", "<p>zipped")
    monkeypatch.setattr(sys, "path", [str(wheel), *sys.path])
    monkeypatch.setattr(_page, "_PACKAGE", "zipped_lobby")
    _page._read.cache_clear()
    try:
        assert _page.page_views()["/"](REQUEST).body == b"<p>zipped"
    finally:
        _page._read.cache_clear()


@socket_test
async def test_a_page_may_add_headers() -> None:
    views: dict[str, View] = {"/": lambda _: Page(b"x", headers=(("X-One", "1"),))}
    async with serving(views=views) as served:
        assert (await get(served, "/")).headers["x-one"] == "1"


@socket_test
async def test_a_page_whose_header_would_break_out_of_its_line_is_not_sent() -> None:
    views: dict[str, View] = {"/": lambda _: Page(b"x", headers=(("X-One", "1\r\nSet-Cookie: a=b"),))}
    async with serving(views=views) as served:
        answer = await get(served, "/")
    assert answer.status == 500
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize("status", [HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED])
def test_a_status_without_a_body_is_sent_without_one(status: HTTPStatus) -> None:
    head = response(status, b"", headers=[("ETag", '"a"')])
    assert head == f'HTTP/1.1 {status.value} {status.phrase}\r\nConnection: close\r\nETag: "a"\r\n\r\n'.encode()
    with pytest.raises(ValueError, match="has no body, got 1 bytes"):
        response(status, b"x")


def test_a_gateway_may_serve_the_page_beside_its_own() -> None:
    assert Gateway(routes={}, views={**page_views(), "/about": lambda _: Page(b"")}).views["/"](REQUEST).status == 200
