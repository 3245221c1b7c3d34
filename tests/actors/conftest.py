"""Fixtures of the tests of actors."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from tests.support.reloadable import Sources

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def sources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sources]:
    """Modules in a temporary folder; what was imported from there is forgotten afterwards."""
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    made = Sources(tmp_path)
    yield made
    for name in made.names:
        sys.modules.pop(name, None)
