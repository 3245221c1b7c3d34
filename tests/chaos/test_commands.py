import json
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from regrow.chaos import LoadFailedError, NotSteadyError, UnsupportedError, commands
from regrow.chaos import _commands as module
from regrow.chaos._crash_connections import Watch
from regrow.chaos._experiments import Experiment
from regrow.chaos._run import Run, Settings

from .runs import FAULT, good_run, ping, run


def invoke(*arguments: str) -> Result:
    return CliRunner().invoke(commands, list(arguments))


@pytest.fixture
def ending(monkeypatch: pytest.MonkeyPatch) -> Callable[[Run | BaseException], list[Settings]]:
    """Make the experiment end in a run or an error; the list fills with the settings it was given."""

    def arrange(end: Run | BaseException) -> list[Settings]:
        given: list[Settings] = []

        async def experiment(settings: Settings, _: Watch) -> Run:
            given.append(settings)
            if isinstance(end, Run):
                return end
            raise end

        def start(settings: Settings, watch: Watch) -> Awaitable[Run]:
            return experiment(settings, watch)

        def find(_: str) -> Experiment:
            return Experiment("as arranged", start)

        monkeypatch.setattr(module, "find_experiment", find)
        return given

    return arrange


Ending = Callable[[Run | BaseException], list[Settings]]


def test_list_names_the_experiments() -> None:
    assert "crash-30-connections" in invoke("list").stdout


def test_an_unknown_experiment_is_one_line_that_names_the_known_ones() -> None:
    result = invoke("run", "nope")

    assert result.exit_code == 64
    assert result.stderr == "regrow chaos: there is no experiment 'nope'; there is: crash-30-connections\n"


def test_a_run_that_held_exits_with_zero_and_prints_its_report(ending: Ending) -> None:
    given = ending(good_run())

    result = invoke("run", "x", "--connections", "50", "--rate", "9", "--seed", "7")

    assert result.exit_code == 0
    assert "held" in result.stdout
    assert [(settings.connections, settings.rate, settings.seed) for settings in given] == [(50, 9.0, 7)]


def test_a_run_that_proves_nothing_does_not_exit_with_zero(ending: Ending) -> None:
    ending(run(requests=[ping(1, FAULT)], victims=[]))

    assert invoke("run", "x").exit_code == 6


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (NotSteadyError("client 3 could not join"), 3),
        (LoadFailedError("the load process ended"), 4),
        (KeyboardInterrupt("interrupted"), 4),
        (UnsupportedError("too few files"), 5),
        (ExceptionGroup("nursery", [NotSteadyError("client 3 could not join")]), 3),
    ],
)
def test_a_run_that_came_to_no_verdict_is_one_line_and_its_status(
    ending: Ending, error: BaseException, status: int
) -> None:
    ending(error)

    result = invoke("run", "x")

    assert result.exit_code == status
    assert result.stderr.startswith("regrow chaos: ")
    assert result.stderr.count("\n") == 1


def test_an_error_nobody_foresaw_is_not_hidden(ending: Ending) -> None:
    ending(ExceptionGroup("nursery", [ZeroDivisionError(), ZeroDivisionError()]))

    assert isinstance(invoke("run", "x").exception, ExceptionGroup)


def test_json_holds_the_whole_run(ending: Ending, tmp_path: Path) -> None:
    ending(good_run())

    invoke("run", "x", "--json", str(tmp_path / "run.json"))

    assert json.loads((tmp_path / "run.json").read_text())["outcome"] == "held"


def test_a_json_file_that_cannot_be_written_is_refused_before_the_run(ending: Ending, tmp_path: Path) -> None:
    given = ending(good_run())

    assert invoke("run", "x", "--json", str(tmp_path / "missing" / "run.json")).exit_code == 2
    assert given == []
