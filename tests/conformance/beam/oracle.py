"""A real BEAM that is asked what it does: scenarios go in, what became of them comes out.

One ``erl`` serves a whole test run. It plays many scenarios at the same time, so asking for all of them at once is
cheap even if they pause; an answer is remembered, so that asking again is cheaper still.
"""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final, final

from .terms import term

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable

__all__ = ["MISSING", "Oracle", "is_installed", "open_oracle"]

MISSING: Final = "BEAM oracle NOT RUN: install erlang-base"
"""What a test run says that did not ask the BEAM."""

_SOURCES: Final = Path(__file__).with_name("erlang")
_AT_ONCE: Final = 64
"""Scenarios that the BEAM plays at the same time. They must fit into a pipe, and leave it time to be punctual."""
_ATTEMPTS: Final = 5


def is_installed() -> bool:
    """Whether there is an Erlang to ask."""
    return shutil.which("erl") is not None and shutil.which("erlc") is not None


@final
class Oracle:
    """The pipe to the BEAM. Made by `open_oracle` only."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self._answers: dict[str, str] = {}

    def ask(self, family: str, scenario: object) -> str:
        """What becomes of a scenario on the BEAM."""
        self.ask_all(family, [scenario])
        return self._answers[_question(family, scenario)]

    def ask_again(self, family: str, scenario: object) -> str:
        """What becomes of it this time, whatever the answer was before."""
        del self._answers[_question(family, scenario)]
        return self.ask(family, scenario)

    def ask_all(self, family: str, scenarios: Iterable[object]) -> None:
        """Ask for many at once; `ask` knows the answers then.

        A scenario that the BEAM played too late for its pauses, because the machine was busy, is played again.
        """
        asked = {_question(family, scenario) for scenario in scenarios}
        questions = sorted(question for question in asked if question not in self._answers)
        for _ in range(_ATTEMPTS):
            if not questions:
                return
            self._exchange(questions)
            questions = [question for question in questions if "late " in self._answers[question]]

    def _exchange(self, questions: list[str]) -> None:
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None
        assert stdout is not None
        asked = answered = 0
        while answered < len(questions):
            while asked < len(questions) and asked - answered < _AT_ONCE:
                stdin.write(f"{{{asked},{questions[asked]}}}.\n")
                asked += 1
            stdin.flush()
            line = stdout.readline()
            assert line, "the BEAM has gone"
            number, _, answer = line.rstrip("\n").partition(" ")
            self._answers[questions[int(number)]] = answer
            answered += 1


def _question(family: str, scenario: object) -> str:
    return f"{family},{term(scenario)}"


@contextlib.contextmanager
def open_oracle() -> Generator[Oracle]:
    """Compile the Erlang side and start it; it ends with the block."""
    with tempfile.TemporaryDirectory(prefix="beam-oracle-") as build:
        sources = sorted(str(source) for source in _SOURCES.glob("*.erl"))
        subprocess.run(["erlc", "-o", build, *sources], check=True)  # noqa: S603, S607 - found on PATH like any tool
        command = ["erl", "-noinput", "-pa", build, "-s", "oracle", "main"]
        with subprocess.Popen(  # noqa: S603 - the same
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as process:
            yield Oracle(process)
            assert process.stdin is not None
            process.stdin.close()
