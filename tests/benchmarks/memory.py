"""Memory: how much of it this process holds. The standard library is enough, for peers have nothing else of ours."""

from __future__ import annotations

import resource
from pathlib import Path


def resident_bytes() -> int:
    """Resident memory of this process, from ``/proc/self/statm``."""
    pages = Path("/proc/self/statm").read_text(encoding="ascii").split()[1]
    return int(pages) * resource.getpagesize()
