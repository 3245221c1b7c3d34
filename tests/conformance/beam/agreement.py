"""How a test compares: as many generated scenarios as the run wants, played here and on the BEAM.

The number of scenarios is in ``BEAM_EXAMPLES``; without it there are 200, the same ones every time. With it they are
random, and the seed, which is printed, can be given back in ``BEAM_SEED``.

Hypothesis generates everything twice from one seed: first to ask the BEAM for all answers at once, then to compare.
So hundreds of scenarios pause at the same time, and only the steps of shrinking a failure are asked one by one.
"""

from __future__ import annotations

import os
import random
from typing import TYPE_CHECKING, Final, TypeVar

import hypothesis
from hypothesis import HealthCheck, Phase, given, settings

from .differences import rewrite
from .terms import term

if TYPE_CHECKING:
    from collections.abc import Callable

    from hypothesis.strategies import SearchStrategy

    from .oracle import Oracle

__all__ = ["DisagreementError", "agree"]

_FEW: Final = 200
_AGAIN: Final = 3
"""Times the BEAM must repeat an answer that differs from ours."""

S = TypeVar("S")


class DisagreementError(AssertionError):
    """Regrow did something else than the BEAM. The message has the scenario, for ``erl``, and both answers."""


def agree(
    oracle: Oracle,
    family: str,
    scenarios: SearchStrategy[S],
    play: Callable[[S], str],
    normalise: Callable[[S, str], str] = lambda _scenario, answer: answer,
) -> None:
    """Fail unless every scenario goes here as it goes on the BEAM, once either answer is normalised."""
    generated: list[S] = []
    wants_answers = True

    def test(scenario: S) -> None:
        if wants_answers:
            generated.append(scenario)
            return
        answer = oracle.ask(family, scenario)
        if "late " in answer:  # the machine was too busy for its pauses, each time: it proves nothing
            return
        beam = normalise(scenario, rewrite(family, answer))
        here = normalise(scenario, rewrite(family, play(scenario)))
        if here != beam:
            again = {normalise(scenario, rewrite(family, oracle.ask_again(family, scenario))) for _ in range(_AGAIN)}
            if again != {beam}:  # its schedulers race: the BEAM has more than one answer, and so none to compare with
                return
            raise DisagreementError(f"\n{family}:run({term(scenario)}).\n-- BEAM\n{beam}\n-- Regrow\n{here}")

    generate = _decorated(test, scenarios)
    generate()
    oracle.ask_all(family, generated)
    wants_answers = False
    generate()


def _decorated(test: Callable[[S], None], scenarios: SearchStrategy[S]) -> Callable[[], None]:
    wanted = os.environ.get("BEAM_EXAMPLES")
    options = settings(
        max_examples=int(wanted or _FEW),
        derandomize=wanted is None,
        database=None,
        deadline=None,
        report_multiple_bugs=False,
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example],
    )
    run = options(given(scenarios)(test))
    if wanted is not None:
        seed = int(os.environ.get("BEAM_SEED") or random.randrange(1 << 32))  # noqa: S311 - nothing is at stake
        print(f"BEAM_EXAMPLES={wanted} BEAM_SEED={seed}")  # noqa: T201 - pytest shows it with a failure
        run = hypothesis.seed(seed)(run)
    return run
