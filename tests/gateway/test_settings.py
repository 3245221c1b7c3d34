"""Every limit and timeout of the gateway in one frozen value."""

import math
from dataclasses import FrozenInstanceError, replace
from typing import Any

import pytest

from regrow.gateway._settings._catalogue import catalogue
from regrow.gateway._settings._settings import Settings

NUMBERS = [name for name, setting in catalogue().items() if setting.kind in (int, float)]
RESTARTS = ["connection_restarts", "channel_restarts", "room_restarts"]
ZERO_MEANS_NONE = {*RESTARTS, "compression_level"}


def test_settings_cannot_be_changed_after_they_were_made() -> None:
    with pytest.raises(FrozenInstanceError):
        Settings().max_message_size = 1  # type: ignore[misc]


@pytest.mark.parametrize("name", NUMBERS)
@pytest.mark.parametrize("value", [-1, math.nan])
def test_a_wrong_limit_is_refused_with_the_name_of_the_field(name: str, value: float) -> None:
    wrong: dict[str, Any] = {name: value}
    with pytest.raises(ValueError, match=f"^{name}=.*must be"):
        Settings(**wrong)


@pytest.mark.parametrize("name", [name for name in NUMBERS if name not in ZERO_MEANS_NONE])
def test_zero_is_no_limit_and_no_timeout(name: str) -> None:
    zero: dict[str, Any] = {name: 0}
    with pytest.raises(ValueError, match=f"^{name}=0: must be"):
        Settings(**zero)


@pytest.mark.parametrize("name", RESTARTS)
def test_a_gateway_may_grant_no_restart(name: str) -> None:
    zero: dict[str, Any] = {name: 0}
    assert getattr(Settings(**zero), name) == 0


def test_unlimited_lifts_how_many_how_often_and_how_silent_and_nothing_else() -> None:
    settings = Settings(max_message_size=1000, outbox_limit=2000)
    unlimited = settings.unlimited()
    assert unlimited == replace(
        settings,
        max_connections=math.inf,
        max_connections_per_address=math.inf,
        accept_rate=math.inf,
        accept_burst=math.inf,
        message_rate=math.inf,
        message_burst=math.inf,
        join_rate=math.inf,
        join_burst=math.inf,
        outbox_messages=math.inf,
        ping_interval=math.inf,
        idle_timeout=math.inf,
    )


@pytest.mark.parametrize("network", ["nonsense", "10.0.0.1/8", "10.0.0.0/33", "", "example.com"])
def test_a_proxy_that_is_no_network_is_refused(network: str) -> None:
    with pytest.raises(ValueError, match=r"^trusted_proxies=.* must be an address, a network such as"):
        Settings(trusted_proxies=("10.0.0.0/8", network))


def test_a_header_that_no_proxy_writes_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^proxy_header='x-real-ip': must be one of x-forwarded-for, forwarded"):
        Settings(proxy_header="x-real-ip")  # type: ignore[arg-type]


def test_every_setting_has_a_meaning() -> None:
    assert [name for name, setting in catalogue().items() if not setting.gist.endswith(".")] == []


@pytest.mark.parametrize("level", [-1, 10])
def test_compression_has_nine_levels(level: int) -> None:
    with pytest.raises(ValueError, match=r"^compression_level=.*from 0"):
        Settings(compression_level=level)
