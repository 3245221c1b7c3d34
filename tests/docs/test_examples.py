"""Every example in ``docs/examples`` runs and says what the tutorial says it says."""

from __future__ import annotations

import gc
import runpy
from pathlib import Path
from typing import Any

import pytest
import trio

from regrow.actors import open_node
from regrow.gateway import Gateway, open_gateway

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples"


def example(name: str) -> dict[str, Any]:
    return runpy.run_path(str(EXAMPLES / f"{name}.py"))


def answers(app: Gateway, path: str, *messages: str, capsys: pytest.CaptureFixture[str]) -> list[str]:
    """What ``send.py`` prints when it sends messages to an example."""
    send = example("send")["send"]

    async def main() -> None:
        async with open_node(), open_gateway(app, port=0) as running:
            await send(f"ws://{running.host}:{running.port}{path}", *messages)

    trio.run(main)
    return capsys.readouterr().out.splitlines()


def test_every_example_is_tested() -> None:
    assert {path.stem for path in EXAMPLES.glob("*.py")} == {"adder", "counter", "embedded", "send", "tally"}


def test_counter_comes_back_at_its_start(capsys: pytest.CaptureFixture[str]) -> None:
    trio.run(example("counter")["main"])
    first, cause, *rest = capsys.readouterr().out.splitlines()
    assert first == "11 12"
    assert cause.startswith("it died of RuntimeError: told to")
    assert rest == ["children alive: 1", "the same process: False", "11"]


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
