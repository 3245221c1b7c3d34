"""``docs/embedding.md``: its programs run, and the code on the page is the code in the files."""

from __future__ import annotations

import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
import urllib.error
import urllib.request
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pykka
import pytest

import regrow.actors
import regrow.supervisors
from regrow.actors import run_in_thread
from tests.support.command import PATIENCE, ROOT, SOURCES

if TYPE_CHECKING:
    from collections.abc import Generator

EXAMPLES = ROOT / "docs" / "examples"
PAGE = (ROOT / "docs" / "embedding.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)


@contextmanager
def running(*command: str) -> Generator[subprocess.Popen[str]]:
    """Python in the folder of the examples, killed at the end of the block."""
    process = subprocess.Popen(  # noqa: S603 - our own Python and our own words
        [sys.executable, *command],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=EXAMPLES,
        env={**os.environ, "PYTHONPATH": SOURCES, "PYTHONDONTWRITEBYTECODE": "1"},
    )
    with process:
        try:
            yield process
        finally:
            process.kill()


def said_by(*command: str) -> list[str]:
    with running(*command) as process:
        output, errors = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, errors
    return output.splitlines()


@pytest.mark.parametrize(("example", "block"), [("script", 0), ("fastapi_app", 1), ("per_process", 2)], ids=str)
def test_the_page_shows_what_the_files_say(example: str, block: int) -> None:
    lines = {line.strip() for line in (EXAMPLES / f"{example}.py").read_text(encoding="utf-8").splitlines()}
    assert [line for line in BLOCKS[block].splitlines() if line.strip() not in lines] == []


def test_the_script_says_what_the_page_says() -> None:
    expected = re.findall(r"```\n(apples.*?)```", PAGE, re.DOTALL)[0].splitlines()
    said = said_by("script.py")
    assert [re.sub(r"at .*/script.py", "at .../script.py", line) for line in said] == expected


def get(url: str) -> tuple[int, Any]:
    try:
        with urllib.request.urlopen(url, timeout=PATIENCE) as response:  # noqa: S310 - an http address of ours
            return response.status, json.load(response)
    except urllib.error.HTTPError as refused:
        with refused:
            return refused.code, json.load(refused)


def test_the_fastapi_application_counts_crashes_and_counts_again() -> None:
    with running("-m", "uvicorn", "fastapi_app:app", "--port", "0") as server:
        assert server.stderr is not None
        announced = next(line for line in server.stderr if "running on" in line)
        address = re.findall(r"http://[\d.:]+", announced)[0]

        assert get(f"{address}/visits/home") == (200, {"visits": 1})
        assert get(f"{address}/visits/home") == (200, {"visits": 2})
        status, answer = get(f"{address}/visits/crash")
        assert (status, answer["detail"][:34]) == (503, "no answer: RuntimeError: told to a")
        assert get(f"{address}/visits/home") == (200, {"visits": 1})

        server.send_signal(signal.SIGTERM)
        _output, errors = server.communicate(timeout=PATIENCE)
    assert "Application shutdown complete." in errors
    assert "Traceback" not in errors


FORK = """
import os
from per_process import portal
print(portal().call("visits", "home"), portal().call("visits", "home"), flush=True)
child = os.fork()
if child == 0:
    print("child:", portal().call("visits", "home"), flush=True)
else:
    os.waitpid(child, 0)
    print("parent:", portal().call("visits", "home"))
"""


def test_each_process_of_a_server_that_forks_has_a_portal_of_its_own() -> None:
    assert said_by("-W", "ignore::DeprecationWarning", "-c", FORK) == ["1 2", "child: 1", "parent: 3"]


DJANGO = """
from django.conf import settings
settings.configure(ROOT_URLCONF="__main__", ALLOWED_HOSTS=["testserver"])
import django
django.setup()
{view}
from django.test import Client
from django.urls import path
urlpatterns = [path("visits/<page>", visit)]
client = Client()
print(client.get("/visits/home").json(), client.get("/visits/home").json())
"""


def test_the_django_view_counts() -> None:
    pytest.importorskip("django", reason="Django is not among the development dependencies")
    [view] = [block for block in BLOCKS if "django" in block]
    assert said_by("-c", DJANGO.replace("{view}", view)) == ["{'visits': 1} {'visits': 2}"]


def test_the_database_of_the_page_answers(capsys: pytest.CaptureFixture[str]) -> None:
    [block] = [block for block in BLOCKS if "sqlite3" in block]
    names: dict[str, Any] = {"partial": partial, "pykka": pykka, "sqlite3": sqlite3, "Any": Any}
    for package in (regrow.actors, regrow.supervisors):
        names.update({name: getattr(package, name) for name in package.__all__})
    with run_in_thread() as portal:
        exec(block, {**names, "portal": portal})  # noqa: S102 - our own page
    assert capsys.readouterr().out == "[(2,)]\n"


def test_every_linked_file_exists() -> None:
    links = re.findall(r"\]\(([\w./]+)\)", PAGE)
    assert links
    assert [link for link in links if not Path(ROOT / "docs" / link).exists()] == []
