"""Pages of the documentation that a program writes a part of, between two markers."""

from __future__ import annotations

__all__ = ["insert"]


def insert(page: str, name: str, report: str) -> str:
    """Put ``report`` between the two markers of ``page`` that have a name, in place of what was there.

    Raises:
        ValueError: a marker is missing.
    """
    opening, closing = f"<!-- {name}:begin -->", f"<!-- {name}:end -->"
    before, begin, rest = page.partition(opening)
    _, end, after = rest.partition(closing)
    if not begin or not end:
        raise ValueError(f"the page needs {opening} and, below it, {closing}")
    return f"{before}{opening}\n{report}\n{closing}{after}"
