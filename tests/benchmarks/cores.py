"""Cores: one for the server, one for the load generator, so that neither takes time from the other."""

from __future__ import annotations

import os
import resource
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from tests.benchmarks.errors import CannotRunError

if TYPE_CHECKING:
    from collections.abc import Generator

_DESCRIPTORS: Final = 10_500
"""What a server or a generator with 10,000 connections needs."""


@dataclass(frozen=True, slots=True)
class Cores:
    server: int
    generator: int

    @classmethod
    def alone(cls) -> Cores:
        """One core for everything: enough where no generator runs beside a server."""
        core = min(os.sched_getaffinity(0))
        return cls(core, core)


def two_cores() -> Cores:
    """The first two cores this process may use.

    Raises:
        CannotRunError: there is only one.
    """
    usable = sorted(os.sched_getaffinity(0))
    if len(usable) < 2:
        raise CannotRunError(
            f"the benchmarks over sockets need two cores, one for the server and one for the load generator; "
            f"this process may use core {usable[0]} only. Without --wsload the others run on one."
        )
    return Cores(usable[0], usable[1])


@contextmanager
def pinned(core: int) -> Generator[None]:
    """Have the processes started in the block inherit an affinity to one core."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def raise_descriptor_limit() -> None:
    """Let this process and its children open as many files as the system allows.

    Raises:
        CannotRunError: that is too few for 10,000 connections.
    """
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < _DESCRIPTORS:
        raise CannotRunError(
            f"10,000 connections need {_DESCRIPTORS} file descriptors and the hard limit is {hard}: see `ulimit -Hn`"
        )
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
