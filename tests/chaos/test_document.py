import json
from typing import Any

from regrow.chaos._document import document
from regrow.chaos._expectations import judge
from regrow.chaos._figures import measure
from regrow.chaos._run import Run

from .runs import good_run, run, victim


def written(result: Run) -> dict[str, Any]:
    figures = measure(result)
    read: dict[str, Any] = json.loads(json.dumps(document(result, figures, judge(figures)), allow_nan=False))
    return read


def test_the_document_is_strict_json_even_of_a_run_that_never_recovered() -> None:
    figures = written(run(victims=[victim(0, serving=None)]))["figures"]

    assert figures["system_recovery"] == {"max_ms": None, "k": 0, "n": 1}


def test_figures_are_in_milliseconds_and_say_so() -> None:
    read = written(good_run())

    assert read["outcome"] == "held"
    assert read["figures"]["recovery"]["p95_ms"] == 50.0
    assert read["victims"] == [
        {
            "client": 0,
            "inject_ms": 0.0,
            "effect_ms": 0.0,
            "detected_ms": 10.0,
            "restarted_ms": 30.0,
            "serving_ms": 50.0,
            "recovery_ms": 50.0,
        }
    ]


def test_a_proportion_carries_its_interval() -> None:
    dropped = written(good_run())["figures"]["connections_dropped"]

    assert dropped == {"count": 0, "n": 4, "ci95_low_ratio": 0.0, "ci95_high_ratio": 0.75}


def test_the_document_says_where_and_how_the_run_was_made() -> None:
    read = written(good_run())

    assert {"python", "platform", "cores", "trio"} <= set(read["environment"])
    assert {"connections", "rate_per_s", "seed", "deadline_s"} <= set(read["settings"])
