"""The BEAM for the tests in this folder; a run without one says so at its end."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import pytest

from .oracle import MISSING, Oracle, is_installed, open_oracle

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def oracle() -> Iterator[Oracle]:
    """One BEAM for all tests."""
    if not is_installed():
        pytest.skip(MISSING)
    with open_oracle() as beam:
        yield beam


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """A skipped test is easily overlooked: say it in a line of its own."""
    if not is_installed():
        terminalreporter.write_line(MISSING, yellow=True, bold=True)


@pytest.fixture(autouse=True)
def silence() -> Iterator[None]:
    """Thousands of crashes are nobody's news here."""
    logger = logging.getLogger("regrow")
    logger.disabled = True
    yield
    logger.disabled = False
