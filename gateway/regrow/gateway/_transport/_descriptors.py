"""Making room for many sockets: the limit of open files, which most systems set far below what they allow."""

from __future__ import annotations

import math

try:
    import resource
except ImportError:  # Windows has no such limit
    resource = None  # type: ignore[assignment]

__all__ = ["room_for"]

SPARE = 64
"""Descriptors a process needs beside its connections."""


def room_for(connections: float) -> float:
    """Raise this process's soft limit of open files until ``connections`` fit, or as far as the hard limit allows.

    Children inherit it. How many connections fit now: at least ``connections``, or fewer if the hard limit says so;
    `math.inf` where there is no limit.
    """
    if resource is None:
        return math.inf
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = math.inf if hard == resource.RLIM_INFINITY else hard
    limit = math.inf if soft == resource.RLIM_INFINITY else soft
    wanted = min(connections + SPARE, most)
    if wanted > limit:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard if wanted == math.inf else int(wanted), hard))
        limit = wanted
    return limit - SPARE
