"""kqueue in the shape of epoll, on a fake of the kernel's queue."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import pytest

from regrow.gateway._transport._kqueue import Kqueue
from regrow.gateway._transport._poller import IN, OUT, open_poller
from tests.support.fake_kqueue import FakeKernel

if TYPE_CHECKING:
    from collections.abc import Generator

    from regrow.gateway._transport._poller import Poller

Pair = tuple[socket.socket, socket.socket]


@pytest.fixture
def pair() -> Generator[Pair]:
    ours, theirs = socket.socketpair()
    ours.setblocking(False)  # noqa: FBT003 - its only signature
    with ours, theirs:
        yield ours, theirs


@pytest.fixture(params=[open_poller, lambda: Kqueue(FakeKernel)], ids=["epoll", "kqueue"])
def poller(request: pytest.FixtureRequest) -> Generator[Poller]:
    made: Poller = request.param()
    yield made
    made.close()


def ready(poller: Poller) -> dict[int, int]:
    """What is ready; bits beside the two that matter are one."""
    return {fd: events & (IN | OUT) for fd, events in poller.poll(0, 100)}


def test_only_what_is_watched_for_is_reported_and_it_is_reported_until_it_is_over(poller: Poller, pair: Pair) -> None:
    ours, theirs = pair
    poller.register(ours.fileno(), IN)
    assert ready(poller) == {}
    theirs.send(b"x")
    assert ready(poller) == ready(poller) == {ours.fileno(): IN}
    ours.recv(1)
    assert ready(poller) == {}


def test_what_is_watched_for_can_be_changed_as_often_as_one_likes(poller: Poller, pair: Pair) -> None:
    ours, theirs = pair
    theirs.send(b"x")
    poller.register(ours.fileno(), 0)
    for events in (IN, OUT, 0, IN | OUT, IN | OUT, 0, 0, OUT, IN):
        poller.modify(ours.fileno(), events)
        assert ready(poller) == ({ours.fileno(): events} if events else {})


def test_an_end_is_something_to_read(poller: Poller, pair: Pair) -> None:
    ours, theirs = pair
    poller.register(ours.fileno(), IN)
    theirs.close()
    ((fd, events),) = poller.poll(0, 100)
    assert fd == ours.fileno()
    assert events & IN
    assert events & ~(IN | OUT)


def test_a_descriptor_that_is_unregistered_is_silent_and_may_be_registered_again(poller: Poller, pair: Pair) -> None:
    ours, theirs = pair
    theirs.send(b"x")
    poller.register(ours.fileno(), IN)
    poller.unregister(ours.fileno())
    assert ready(poller) == {}
    poller.register(ours.fileno(), IN)
    assert ready(poller) == {ours.fileno(): IN}


def test_a_descriptor_that_is_closed_is_forgotten_and_its_number_begins_anew(poller: Poller) -> None:
    first, second = socket.socketpair()
    number = first.fileno()
    poller.register(number, IN | OUT)
    first.close()
    second.close()
    assert ready(poller) == {}
    first, second = socket.socketpair()
    with first, second:
        assert first.fileno() == number
        poller.register(number, IN)
        assert ready(poller) == {}
        second.send(b"x")
        assert ready(poller) == {number: IN}


def test_no_more_events_come_than_were_asked_for(poller: Poller) -> None:
    pairs = [socket.socketpair() for _ in range(5)]
    for ours, theirs in pairs:
        poller.register(ours.fileno(), IN)
        theirs.send(b"x")
    assert len(poller.poll(0, 3)) == 3
    for ours, theirs in pairs:
        ours.close()
        theirs.close()


def test_its_own_descriptor_is_ready_when_something_is(poller: Poller, pair: Pair) -> None:
    ours, theirs = pair
    poller.register(ours.fileno(), IN)
    outer = open_poller()
    outer.register(poller.fileno(), IN)
    assert ready(outer) == {}
    theirs.send(b"x")
    assert ready(outer) == {poller.fileno(): IN}
    outer.close()


def test_both_filters_of_a_descriptor_are_one_event() -> None:
    ours, theirs = socket.socketpair()
    poller = Kqueue(FakeKernel)
    with ours, theirs:
        poller.register(ours.fileno(), IN | OUT)
        theirs.send(b"x")
        for _ in range(2):  # in either order
            assert poller.poll(0, 100) == [(ours.fileno(), IN | OUT)]
    poller.close()
