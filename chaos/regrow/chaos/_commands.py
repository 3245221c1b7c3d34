"""``regrow chaos``: the command line of the experiments."""

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import msgspec
import trio
import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from ._clock import MonotonicClock
from ._crash_connections import Phase, Watch
from ._document import document
from ._errors import (
    ChaosError,
    LoadFailedError,
    NotSteadyError,
    UnknownExperimentError,
    UnsupportedError,
)
from ._expectations import Outcome, judge, outcome_of
from ._experiments import EXPERIMENTS, Experiment, find_experiment
from ._figures import measure
from ._report import report
from ._run import Run, Settings

USAGE = 64
"""Exit status for asking for what does not exist: sysexits' EX_USAGE, as outcomes use the small numbers."""

STEPS = 20
"""How often the bar is drawn in one phase: drawing takes milliseconds of the gateway's own process."""

DEFAULTS = Settings()

STATUSES: Mapping[type[BaseException], int] = {
    UnknownExperimentError: USAGE,
    UnsupportedError: Outcome.UNSUPPORTED,
    NotSteadyError: Outcome.NOT_STEADY,
    LoadFailedError: Outcome.ABORTED,
    KeyboardInterrupt: Outcome.ABORTED,
}

commands = typer.Typer(name="chaos", help="Break it on purpose, and measure how it recovers.", no_args_is_help=True)


@commands.command("list")
def list_experiments() -> None:
    """List the experiments."""
    for name, experiment in sorted(EXPERIMENTS.items()):
        typer.echo(f"{name}  {experiment.summary}")


@commands.command("run")
def run_experiment(
    name: Annotated[str, typer.Argument(help="The experiment, as in `regrow chaos list`.")],
    connections: Annotated[int, typer.Option(min=1, help="Clients to connect.")] = DEFAULTS.connections,
    rate: Annotated[float, typer.Option(min=1, help="Pings per second, over all clients.")] = DEFAULTS.rate,
    seed: Annotated[int, typer.Option(help="Decides the victims and the schedule of the load.")] = DEFAULTS.seed,
    json: Annotated[Path | None, typer.Option(dir_okay=False, help="Write everything to this file.")] = None,
) -> None:
    """Run an experiment and report what it cost.

    Exit status: 0 the expectations held, 1 deviated, 2 an invariant broke, 3 not steady before the fault, 4
    aborted, 5 unsupported on this machine, 6 inconclusive.
    """
    if json is not None and not json.parent.is_dir():
        raise typer.BadParameter(f"{json.parent} is not a directory", param_hint="--json")
    console = Console()
    with _ending_by_outcome():
        experiment = find_experiment(name)
        run = _execute(experiment, Settings(connections=connections, rate=rate, seed=seed), console)
        figures = measure(run)
        verdicts = judge(figures)
        console.print(report(run, figures, verdicts))
        if json is not None:
            json.write_bytes(msgspec.json.format(msgspec.json.encode(document(run, figures, verdicts))) + b"\n")
    raise typer.Exit(outcome_of(verdicts))


@contextmanager
def _ending_by_outcome() -> Generator[None, None, None]:
    """Turn what keeps a run from a verdict into one line on standard error and its exit status."""
    try:
        yield
    except (ChaosError, KeyboardInterrupt, BaseExceptionGroup) as error:
        cause = _sole_cause(error)
        status = next((status for kind, status in STATUSES.items() if isinstance(cause, kind)), None)
        if status is None:
            raise
        typer.echo(f"regrow chaos: {str(cause) or 'interrupted'}", err=True)
        raise typer.Exit(status) from None


def _sole_cause(error: BaseException) -> BaseException:
    """Return what one nursery inside another has wrapped, if it is one exception."""
    match error:
        case BaseExceptionGroup(exceptions=(BaseException() as only,)):
            return _sole_cause(only)
        case _:
            return error


def _execute(experiment: Experiment, settings: Settings, console: Console) -> Run:
    with _progress(console) as watch:

        async def main() -> Run:
            return await experiment.run(settings, watch)

        return trio.run(main, clock=MonotonicClock())


@contextmanager
def _progress(console: Console) -> Generator[Watch, None, None]:
    """Show the phase and a bar.

    Drawn only when told of a step: rich's refresh thread would take the interpreter from the gateway, which
    runs in this process, in the middle of a recovery.
    """
    columns = TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn()
    with Progress(*columns, console=console, auto_refresh=False, transient=True) as progress:
        task = progress.add_task("", total=1)
        shown: set[tuple[Phase, int]] = set()

        def watch(phase: Phase, done: float) -> None:
            step = phase, int(done * STEPS)
            if step not in shown:
                shown.add(step)
                progress.update(task, description=phase.value, completed=done, refresh=True)

        yield watch
