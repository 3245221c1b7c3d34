"""Running out of file descriptors, for the length of a block."""

from __future__ import annotations

import os
import resource
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Generator

__all__ = ["no_descriptors_left"]


@contextmanager
def no_descriptors_left() -> Generator[None]:
    """Let this process open nothing more."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with ExitStack() as stack:
        spare = os.open(os.devnull, os.O_RDONLY)
        stack.callback(os.close, spare)
        resource.setrlimit(resource.RLIMIT_NOFILE, (spare + 20, hard))
        stack.callback(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))
        while True:
            try:
                stack.callback(os.close, os.dup(spare))
            except OSError:
                break
        yield
