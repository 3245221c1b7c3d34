"""``docs/reference.md`` names everything that is public, and nothing else."""

from __future__ import annotations

import importlib
import re
from pathlib import Path

import pytest

REFERENCE = Path(__file__).parents[2] / "docs" / "reference.md"


def named_in_section(package: str) -> list[str]:
    """The names in the first columns of the tables under the package's heading."""
    sections = re.split(r"^## ", REFERENCE.read_text("utf-8"), flags=re.MULTILINE)
    [section] = [section for section in sections if section.startswith(f"{package}\n")]
    return re.findall(r"^\| `(\w+)` \|", section, flags=re.MULTILINE)


PACKAGES = [
    "regrow.actors",
    "regrow.actors.code",
    "regrow.actors.sys",
    "regrow.supervisors",
    "regrow.gateway",
    "regrow.gateway.testing",
    "regrow.chaos",
]


@pytest.mark.parametrize("package", PACKAGES)
def test_reference_names_each_public_name_once(package: str) -> None:
    assert sorted(named_in_section(package)) == sorted(importlib.import_module(package).__all__)
