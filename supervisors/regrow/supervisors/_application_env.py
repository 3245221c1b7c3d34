"""The environment of an application: values by name, from its class, changed while the node runs.

A row for each application that differs from its class lies in a table that the application controller owns, so that
reading and writing wait for nobody. A row is replaced as a whole.

See: OTP ``application:get_env/3``, ``application:set_env/3``.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from regrow.actors import SetTable, whereis_table

from ._application_controller import ENVIRONMENTS, application_controller

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ._application import Application

__all__ = ["delete_env", "get_all_env", "get_env", "put_env", "replace_env"]


def get_env(application: type[Application], key: str, default: Any = None) -> Any:
    """A value of an application's environment, whether or not it runs, or ``default``.

    Does not wait; works in every callback, and in ports and timers.

    Raises:
        NotAProcessError: the caller belongs to no node.

    See: OTP ``application:get_env/3``.
    """
    return _env_of(application).get(key, default)


def get_all_env(application: type[Application]) -> Mapping[str, Any]:
    """An application's environment as it is now, read-only. See: OTP ``application:get_all_env/1``."""
    return MappingProxyType(dict(_env_of(application)))


def put_env(application: type[Application], key: str, value: Any) -> None:
    """Set a value, before or after the application starts. It outlives the application, and ends with the node.

    Raises:
        NotAProcessError: the caller is not a process.

    See: OTP ``application:set_env/3``.
    """
    replace_env(application, {**_env_of(application), key: value})


def delete_env(application: type[Application], key: str) -> None:
    """Take a value out; no error if it is not there. See: OTP ``application:unset_env/2``."""
    env = dict(_env_of(application))
    env.pop(key, None)
    replace_env(application, env)


def replace_env(application: type[Application], env: Mapping[str, Any]) -> None:
    """Set all values at once."""
    application_controller()
    table = _table()
    assert table is not None, "the controller owns it"
    table.insert(application.name, env)


def _env_of(application: type[Application]) -> Mapping[str, Any]:
    table = _table()
    return application.env if table is None else table.lookup(application.name, application.env)


def _table() -> SetTable[str, Mapping[str, Any]] | None:
    table = whereis_table(ENVIRONMENTS)
    return table if isinstance(table, SetTable) else None
