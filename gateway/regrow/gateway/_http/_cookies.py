"""The cookies of a request. See: RFC 6265 section 4.2.1."""

from __future__ import annotations

__all__ = ["read_cookies"]


def read_cookies(header: str) -> dict[str, str]:
    """Names and values of a ``Cookie`` header, quotes around a value removed. Of two with one name the first counts.

    That is the one with the longer path (RFC 6265 section 5.4). What is no ``name=value`` is skipped.
    """
    cookies: dict[str, str] = {}
    for pair in header.split(";"):
        name, equals, value = pair.partition("=")
        name, value = name.strip(), value.strip()
        if not (name and equals):
            continue
        if len(value) > 1 and value[0] == value[-1] == '"':
            value = value[1:-1]
        cookies.setdefault(name, value)
    return cookies
