"""Every example in ``docs/examples`` runs and says what the tutorial says it says."""

from __future__ import annotations

import gc
import os
import re
import runpy
import shutil
import signal
import subprocess
import sys
import threading
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import pytest
import trio

from regrow.actors import open_node
from regrow.gateway import Gateway, open_gateway
from tests.support.command import PATIENCE, SOURCES

if TYPE_CHECKING:
    from collections.abc import Generator

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples"


def example(name: str) -> dict[str, Any]:
    return runpy.run_path(str(EXAMPLES / f"{name}.py"))


def said_by(name: str, capsys: pytest.CaptureFixture[str]) -> list[str]:
    trio.run(example(name)["main"])
    return capsys.readouterr().out.splitlines()


def answers(app: Gateway, path: str, *messages: str, capsys: pytest.CaptureFixture[str]) -> list[str]:
    """What ``send.py`` prints when it sends messages to an example."""
    send = example("send")["send"]

    async def main() -> None:
        async with open_node(), open_gateway(app, port=0) as running:
            await send(f"ws://{running.host}:{running.port}{path}", *messages)

    trio.run(main)
    return capsys.readouterr().out.splitlines()


def test_every_example_is_tested() -> None:
    here = {"adder", "application", "counter", "embedded", "jobs", "live", "look", "send", "tally"}
    elsewhere = {"fastapi_app", "members", "per_process", "present", "script"}
    elsewhere |= {"lagging", "lobby_and_dms", "phoenix_chat", "raw_hub", "remember", "user_socket"}
    assert {path.stem for path in EXAMPLES.glob("*.py")} == here | elsewhere


def test_the_table_of_examples_names_each_file_once() -> None:
    page = (EXAMPLES / "README.md").read_text("utf-8")
    assert sorted(re.findall(r"\[(\w+)\.py\]\(\1\.py\)", page)) == sorted(path.stem for path in EXAMPLES.glob("*.py"))
    links = re.findall(r"\]\((\.\./[\w.]+)", page)
    assert links
    assert [link for link in links if not (EXAMPLES / link).exists()] == []


def test_the_tutorial_shows_what_the_files_say() -> None:
    page = (EXAMPLES.parent / "tutorial.md").read_text("utf-8")
    lines = {line.strip() for path in EXAMPLES.glob("*.py") for line in path.read_text("utf-8").splitlines()}
    blocks = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    assert blocks
    assert [line for block in blocks for line in block.splitlines() if line.strip() not in lines] == []


def test_counter_comes_back_at_its_start(capsys: pytest.CaptureFixture[str]) -> None:
    trio.run(example("counter")["main"])
    first, cause, *rest = capsys.readouterr().out.splitlines()
    assert first == "11 12"
    assert cause.startswith("it died of RuntimeError: told to")
    assert rest == ["children alive: 1", "the same process: False", "11"]


def test_applications_start_after_what_they_need_and_stop_before_it(capsys: pytest.CaptureFixture[str]) -> None:
    trio.run(example("application")["main"])
    assert capsys.readouterr().out.splitlines() == [
        "started: Storage, Shop",
        "3 pears are left",
        "Shop closes",
        "Storage saves {'pears': 3}",
    ]


def test_adder_keeps_its_socket_when_it_crashes(capsys: pytest.CaptureFixture[str]) -> None:
    said = answers(example("adder")["app"], "/adder", "1", "2", "three", "4", capsys=capsys)
    assert said == ["1", "3", "crashed on 'three', and began again at 0", "4"]


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_adder_is_given_up_when_it_crashes_too_often(capsys: pytest.CaptureFixture[str]) -> None:
    *crashes, end = answers(example("adder")["app"], "/adder", *"abcdef", capsys=capsys)
    assert crashes == [f"crashed on {letter!r}, and began again at 0" for letter in "abcde"]
    assert "1011" in end
    assert "the connection crashed too often" in end
    gc.collect()  # trio-websocket leaves its socket to the collector when the server closes first, which warns


def test_tally_counts_and_crashes_and_is_joined_again(capsys: pytest.CaptureFixture[str]) -> None:
    said = answers(
        example("tally")["app"],
        "/socket/websocket?vsn=2.0.0",
        '["1","1","tally:mine","phx_join",{}]',
        '["1","2","tally:mine","up",{}]',
        '["1","3","tally:mine","tell",{}]',
        '["1","4","tally:mine","crash",{}]',
        '["5","5","tally:mine","phx_join",{}]',
        '["6","6","tally:closed","phx_join",{}]',
        capsys=capsys,
    )
    assert said == [
        '["1","1","tally:mine","phx_reply",{"status":"ok","response":{"count":0}}]',
        '["1","2","tally:mine","phx_reply",{"status":"ok","response":{"count":1}}]',
        '[null,null,"tally:mine","told",{"count":1}]',
        '["1","1","tally:mine","phx_error",{"reason":"channel_crash"}]',
        '["5","5","tally:mine","phx_reply",{"status":"ok","response":{"count":0}}]',
        '["6","6","tally:closed","phx_reply",{"status":"error","response":{"reason":"closed"}}]',
    ]


def test_embedded_gateway_echoes(capsys: pytest.CaptureFixture[str]) -> None:
    trio.run(example("embedded")["main"])
    assert capsys.readouterr().out.splitlines() == ["hello", "messages received: 1"]


def test_look_shows_a_state_and_repairs_it(capsys: pytest.CaptureFixture[str]) -> None:
    state, got, sent, average, info = said_by("look", capsys)
    assert state == "{'numbers': [4, 8, '6']}"
    assert got.startswith("*DBG* <0.1> got Call(request='now'")
    assert sent.startswith("*DBG* <0.1> sent 6.0 to")
    assert average == "6.0"
    assert info == "{'status': <ProcessStatus.WAITING: 'waiting'>, 'message_queue_len': 0, 'links': (<0.0>,)}"


def test_jobs_fail_alone(capsys: pytest.CaptureFixture[str]) -> None:
    first, second, third = said_by("jobs", capsys)
    assert (first, third) == ("parsed 1", "parsed 3")
    assert second.startswith("failed: ValueError: invalid literal for int() with base 10: 'two'")


def test_a_connection_goes_on_with_code_that_is_reloaded(tmp_path: Path) -> None:
    for name in ("adder", "live", "send"):
        shutil.copy(EXAMPLES / f"{name}.py", tmp_path)
    source = tmp_path / "adder.py"
    with python("live.py", "0", folder=tmp_path) as server:
        address = line_with("serving", server.stdout).split("//")[1]
        with python("send.py", f"ws://{address}/adder", folder=tmp_path) as client:
            assert [answer_of(client, number) for number in ("1", "2")] == ["1", "3"]
            source.write_text(source.read_text("utf-8").replace("int(frame)", "10 * int(frame)"), "utf-8")
            assert line_with("adder", server.stderr).startswith("reloaded adder: 1 updated")
            assert answer_of(client, "4") == "43"
            source.write_text(source.read_text("utf-8").replace("10 *", "10 +*"), "utf-8")
            assert line_with("adder", server.stderr).startswith("adder was not reloaded: SyntaxError")
            assert answer_of(client, "5") == "93"
        server.send_signal(signal.SIGINT)
        _, errors = server.communicate(timeout=PATIENCE)
    assert server.returncode == 0
    assert "Traceback" not in errors


@contextmanager
def python(*command: str, folder: Path) -> Generator[subprocess.Popen[str]]:
    """Python in a folder, ended with the block."""
    with subprocess.Popen(  # noqa: S603 - our own Python and our own words
        [sys.executable, "-u", *command],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": SOURCES, "PYTHONDONTWRITEBYTECODE": "1"},
    ) as process:
        watch = threading.Timer(PATIENCE, process.kill)  # whatever it keeps us waiting for
        watch.start()
        try:
            yield process
        finally:
            watch.cancel()
            process.kill()


def line_with(word: str, stream: IO[str] | None) -> str:
    assert stream is not None
    return next(line for line in stream if word in line).strip()


def answer_of(client: subprocess.Popen[str], message: str) -> str:
    assert client.stdin is not None
    assert client.stdout is not None
    client.stdin.write(f"{message}\n")
    client.stdin.flush()
    return client.stdout.readline().strip()
