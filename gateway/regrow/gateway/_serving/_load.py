"""Finding the gateway a command line names: ``module:attribute``."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

from regrow.gateway._errors import UnknownGatewayError

from ._route import Gateway

__all__ = ["load_gateway"]


def load_gateway(target: str) -> Gateway:
    """Import ``module:attribute`` and return the `Gateway` that is there; the current folder is searched first.

    Raises:
        UnknownGatewayError: the text, the module, the attribute or its value is wrong; the message says which.
    """
    module_name, colon, attribute = target.partition(":")
    if not (module_name and colon and attribute):
        raise UnknownGatewayError(f"{target!r} is not of the form MODULE:APP, for example myapp.web:gateway")
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)
    try:
        module = importlib.import_module(module_name)
    except ImportError as error:
        raise UnknownGatewayError(f"cannot import {module_name!r}: {error}") from error
    value = module
    for part in attribute.split("."):
        try:
            value = getattr(value, part)
        except AttributeError:
            raise UnknownGatewayError(f"{module_name!r} has no attribute {attribute!r}") from None
    if not isinstance(value, Gateway):
        raise UnknownGatewayError(f"{target} is {type(value).__name__}, not a regrow.gateway.Gateway")
    return value
