"""Every package's ``__all__`` is its table of contents: sorted, without repetition, and true."""

from __future__ import annotations

import importlib
import importlib.util
import re

import pytest

PACKAGES = [
    name
    for name in (
        "regrow.actors",
        "regrow.actors.code",
        "regrow.actors.sys",
        "regrow.supervisors",
        "regrow.gateway",
        "regrow.gateway.testing",
        "regrow.chaos",
    )
    if (spec := importlib.util.find_spec(name)) is not None and spec.origin is not None
]


def in_house_order(name: str) -> tuple[int, str]:
    """Constants, then classes, then functions, as ruff sorts ``__all__``."""
    if re.fullmatch(r"[A-Z][A-Z0-9_]*", name):
        return 0, name
    return (1, name) if name[0].isupper() else (2, name)


@pytest.mark.parametrize("package", PACKAGES)
def test_all_is_sorted_unique_and_importable(package: str) -> None:
    module = importlib.import_module(package)
    names: list[str] = module.__all__

    assert names == sorted(set(names), key=in_house_order)
    assert [name for name in names if not hasattr(module, name)] == []


@pytest.mark.parametrize("package", PACKAGES)
def test_all_names_everything_public_that_the_package_imports(package: str) -> None:
    module = importlib.import_module(package)
    public = {
        name
        for name, value in vars(module).items()
        if not name.startswith("_") and name != "annotations" and type(value).__name__ != "module"
    }

    assert public <= set(module.__all__)
