"""Environments: each peer that is not ours has one of its own, for triotp wants a trio that Regrow is too new for."""

# ruff: noqa: S603
# It runs the interpreter that its user names, and pip.

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.benchmarks.errors import CannotRunError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tests.benchmarks.peers.catalogue import Peer

_ASK = """
import json, sys
from importlib.metadata import PackageNotFoundError, version
def found(name):
    try:
        return version(name)
    except PackageNotFoundError:
        return None
print(json.dumps({name: found(name) for name in sys.argv[1:]}))
"""


@dataclass(frozen=True, slots=True)
class Environments:
    """Where the interpreters of the peers are."""

    python: str
    """The interpreter that has Regrow, and from which the environments of the others are made."""
    folder: Path

    def interpreter(self, peer: Peer) -> str:
        """The interpreter that a peer is, or will be, installed for."""
        return self.python if peer.version is None else str(self.folder / peer.distribution / "bin" / "python")

    def versions(self, peer: Peer) -> dict[str, str | None]:
        """The versions of a peer and of what it runs on; empty if it has no environment."""
        names = [peer.distribution, *([] if peer.runs_on is None else [peer.runs_on])]
        try:
            return _versions(self.interpreter(peer), names)
        except (OSError, subprocess.CalledProcessError):
            return {}

    def is_ready(self, peer: Peer) -> bool:
        """Whether the peer can be run: ours always, others if they are installed in the version that is compared."""
        return peer.version is None or self.versions(peer).get(peer.distribution) == peer.version

    def install(self, peer: Peer) -> None:
        """Make the environment of a peer. Takes the index that pip is set up for.

        Raises:
            CannotRunError: there is no such package, or no way to it.
        """
        home = self.folder / peer.distribution
        for command in (
            [self.python, "-m", "venv", str(home)],
            [
                self.interpreter(peer),
                "-m",
                "pip",
                "install",
                "--quiet",
                "--disable-pip-version-check",
                peer.requirement,
            ],
        ):
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode != 0:
                said = (done.stdout + done.stderr)[-500:].strip()
                raise CannotRunError(f"{' '.join(command)} exited with {done.returncode} and said: {said}")


def _versions(python: str, names: Sequence[str]) -> dict[str, str | None]:
    answer = subprocess.run([python, "-c", _ASK, *names], capture_output=True, check=True, text=True).stdout
    versions: dict[str, str | None] = json.loads(answer)
    return versions


def described(peer: Peer, versions: dict[str, str | None]) -> str:
    """A peer and what it runs on, for the line above the table: ``triotp 0.2.1 on trio 0.19.0``."""
    name = f"{peer.distribution} {versions.get(peer.distribution) or 'of this checkout'}"
    return name if peer.runs_on is None else f"{name} on {peer.runs_on} {versions.get(peer.runs_on)}"
