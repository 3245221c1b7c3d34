"""Fixtures of the gateway's tests."""

from __future__ import annotations

import pytest

from regrow.gateway._transport import _readiness
from regrow.gateway._transport._kqueue import Kqueue
from tests.support.fake_kqueue import FakeKernel
from tests.support.serving import CHOSEN


@pytest.fixture(params=["readiness", "tasks", "kqueue"])
def each_transport(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run the test once on every transport; on the readiness transport with epoll and with kqueue."""
    if request.param == "kqueue":
        monkeypatch.setattr(_readiness, "open_poller", lambda: Kqueue(FakeKernel))
    else:
        monkeypatch.setitem(CHOSEN, "transport", request.param)
