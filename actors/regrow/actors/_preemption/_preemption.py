"""Preemption: no process keeps the others waiting longer than its node's budget.

What has run too long is interrupted and dies of `Runaway`. In the main thread the kernel's timer sees to it, in
another one a watchdog thread, which can do less.
"""

from __future__ import annotations

import math
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

from regrow.actors._preemption._alarm import ALARM
from regrow.actors._preemption._watchdog import Watchdog

if TYPE_CHECKING:
    from collections.abc import Generator

    from regrow.actors._processes._node import Node

__all__ = ["preempting"]


@contextmanager
def preempting(node: Node) -> Generator[None]:
    """Interrupt the runaway processes of a node, which runs in the calling thread, while the block runs."""
    if math.isinf(node.budget):
        yield
        return
    vigil = ALARM if threading.current_thread() is threading.main_thread() else Watchdog()
    vigil.watch(node)
    try:
        yield
    finally:
        vigil.leave(node)
