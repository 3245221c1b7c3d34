"""Every limit and timeout of the gateway in one frozen value."""

import math
from dataclasses import FrozenInstanceError, fields, replace
from typing import Any

import pytest

from regrow.gateway._settings._settings import Settings

NUMBERS = [field.name for field in fields(Settings) if field.name != "origins"]


def test_settings_cannot_be_changed_after_they_were_made() -> None:
    with pytest.raises(FrozenInstanceError):
        Settings().max_message_size = 1  # type: ignore[misc]


@pytest.mark.parametrize("name", NUMBERS)
@pytest.mark.parametrize("value", [-1, math.nan])
def test_a_wrong_limit_is_refused_with_the_name_of_the_field(name: str, value: float) -> None:
    wrong: dict[str, Any] = {name: value}
    with pytest.raises(ValueError, match=f"^{name}=.*must be"):
        Settings(**wrong)


@pytest.mark.parametrize("name", [name for name in NUMBERS if name != "connection_restarts"])
def test_zero_is_no_limit_and_no_timeout(name: str) -> None:
    zero: dict[str, Any] = {name: 0}
    with pytest.raises(ValueError, match=f"^{name}=0: must be"):
        Settings(**zero)


def test_a_gateway_may_grant_its_connections_no_restart() -> None:
    assert Settings(connection_restarts=0).connection_restarts == 0


def test_unlimited_lifts_how_many_and_how_often_and_nothing_else() -> None:
    settings = Settings(max_message_size=1000, outbox_limit=2000)
    unlimited = settings.unlimited()
    assert unlimited == replace(
        settings,
        max_connections=math.inf,
        max_connections_per_address=math.inf,
        message_rate=math.inf,
        message_burst=math.inf,
    )
