import math
import resource

import pytest

from regrow.gateway._transport._descriptors import room_for


class Limits:
    """Stands in for the limits of the process that runs the tests, which are not to be touched."""

    def __init__(self, soft: int, hard: int) -> None:
        self.now = (soft, hard)

    def get(self, _: int) -> tuple[int, int]:
        return self.now

    def set(self, _: int, limits: tuple[int, int]) -> None:
        self.now = limits


def limited(monkeypatch: pytest.MonkeyPatch, soft: int, hard: int) -> Limits:
    limits = Limits(soft, hard)
    monkeypatch.setattr(resource, "getrlimit", limits.get)
    monkeypatch.setattr(resource, "setrlimit", limits.set)
    return limits


def test_the_hard_limit_says_how_many_connections_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    limits = limited(monkeypatch, 256, 1024)

    assert room_for(10_000) == 1024 - 64
    assert limits.now == (1024, 1024)


def test_the_soft_limit_is_raised_when_the_hard_one_allows(monkeypatch: pytest.MonkeyPatch) -> None:
    limits = limited(monkeypatch, 256, 4096)

    assert room_for(1000) == 1000
    assert limits.now == (1064, 4096)


def test_a_limit_that_fits_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    limits = limited(monkeypatch, 2000, 4096)

    assert room_for(1000) == 1936
    assert limits.now == (2000, 4096)


def test_without_a_number_of_connections_the_limit_is_raised_as_far_as_it_goes(monkeypatch: pytest.MonkeyPatch) -> None:
    limits = limited(monkeypatch, 256, 4096)

    assert room_for(math.inf) == 4096 - 64
    assert limits.now == (4096, 4096)


def test_a_system_without_limits_has_room_for_all(monkeypatch: pytest.MonkeyPatch) -> None:
    limits = limited(monkeypatch, 256, resource.RLIM_INFINITY)

    assert room_for(math.inf) == math.inf
    assert limits.now == (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
