"""ThreadMailbox: what is put is taken or refused, once, whatever the threads do."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import pytest

from regrow.actors import KILLED, NORMAL
from regrow.actors._pykka._thread_mailbox import CLOSED, ThreadMailbox

if TYPE_CHECKING:
    from regrow.actors import ExitReason


def mailbox() -> tuple[ThreadMailbox, list[tuple[object, ExitReason]]]:
    refused: list[tuple[object, ExitReason]] = []

    def refuse(message: object, reason: ExitReason) -> None:
        refused.append((message, reason))

    return ThreadMailbox(refuse), refused


def test_messages_come_in_order() -> None:
    box, refused = mailbox()
    box.put(1)
    box.put(None)

    assert (len(box), box.empty()) == (2, False)
    assert [box.get(), box.get()] == [1, None]
    assert (len(box), box.empty()) == (0, True)
    assert refused == []


def test_what_waits_can_be_looked_at_and_one_of_it_dropped() -> None:
    box, refused = mailbox()
    for number in (1, 2, 3, 2):
        box.put(number)
    box.discard(lambda message: message == 2)
    box.discard(lambda message: message == 9)

    assert box.waiting() == [1, 3, 2]
    assert refused == []


def test_closing_refuses_the_message_in_hand_and_those_that_wait() -> None:
    box, refused = mailbox()
    for number in (1, 2, 3):
        box.put(number)
    box.get()
    box.get()

    box.close(KILLED)
    box.close(NORMAL)
    box.put(4)

    assert refused == [(2, KILLED), (3, KILLED), (4, KILLED)]
    assert box.get() is CLOSED


def test_it_is_busy_but_while_it_waits_for_a_message() -> None:
    box, _refused = mailbox()
    assert box.is_busy
    box.put(1)
    box.get()
    assert box.is_busy
    box.close(KILLED)
    box.get()
    assert not box.is_busy


def test_a_refusal_may_put_again() -> None:
    seen: list[object] = []

    def refuse(message: object, _reason: ExitReason) -> None:
        seen.append(message)
        if message == "first":
            box.put("second")

    box = ThreadMailbox(refuse)
    box.put("first")
    box.close(KILLED)
    assert "second" in seen


@pytest.mark.parametrize("senders", [1, 4])
def test_every_message_of_every_thread_is_taken_or_refused_once(senders: int) -> None:
    box, refused = mailbox()
    taken: list[Any] = []

    def take() -> None:
        while (message := box.get()) is not CLOSED:
            taken.append(message)
            if len(taken) == 500:
                box.close(KILLED)

    def put(sender: int) -> None:
        for number in range(1000):
            box.put((sender, number))

    threads = [threading.Thread(target=take), *(threading.Thread(target=put, args=(n,)) for n in range(senders))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    unanswered: list[Any] = [message for message, _reason in refused]
    assert taken[-1] in unanswered  # it was in hand when the mailbox was closed
    everything = sorted([*taken[:-1], *unanswered])
    assert everything == [(sender, number) for sender in range(senders) for number in range(1000)]
