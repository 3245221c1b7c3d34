from __future__ import annotations

import sys
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

from tests.benchmarks.peers.catalogue import PYKKA, REGROW_INLINE, TRIOTP
from tests.benchmarks.peers.environments import Environments, described

NOWHERE = Environments(sys.executable, Path("/nonexistent"))


def test_a_peer_with_a_version_has_an_interpreter_of_its_own() -> None:
    assert NOWHERE.interpreter(TRIOTP) == "/nonexistent/triotp/bin/python"
    assert NOWHERE.interpreter(PYKKA) == NOWHERE.interpreter(REGROW_INLINE) == sys.executable


def test_a_peer_without_an_environment_is_not_ready() -> None:
    assert NOWHERE.versions(TRIOTP) == {}
    assert not NOWHERE.is_ready(TRIOTP)
    assert NOWHERE.is_ready(REGROW_INLINE)


def test_a_peer_is_ready_in_the_version_that_is_compared(tmp_path: Path) -> None:
    (tmp_path / "pykka" / "bin").mkdir(parents=True)
    (tmp_path / "pykka" / "bin" / "python").symlink_to(sys.executable)
    environments = Environments(sys.executable, tmp_path)
    installed = replace(PYKKA, version=environments.versions(PYKKA)["pykka"])
    assert installed.version == version("pykka")
    assert not environments.is_ready(replace(PYKKA, version="0.0.1"))


def test_described_names_what_a_peer_runs_on() -> None:
    assert described(TRIOTP, {"triotp": "0.2.1", "trio": "0.19.0"}) == "triotp 0.2.1 on trio 0.19.0"
    assert described(PYKKA, {"pykka": "4.5.0"}) == "pykka 4.5.0"
    assert described(REGROW_INLINE, {"regrow": None, "trio": "0.35.0"}) == "regrow of this checkout on trio 0.35.0"
