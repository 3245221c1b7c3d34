"""What a connection has to say, corked until the end of the tick."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from regrow.gateway._transport._outbox import Batch, Part, after, joined


@given(steps=st.lists(st.sampled_from(["push", "broadcast"]), min_size=1, max_size=30))
def test_pushes_and_broadcasts_keep_their_order_while_the_batch_grows(steps: list[str]) -> None:
    batch = Batch()
    outbox: Batch | list[Part] = batch
    naive: list[bytes] = []
    for number, step in enumerate(steps):
        frame = b"<%d>" % number
        naive.append(frame)
        if step == "broadcast":
            batch.frames.append(frame)
        else:
            outbox = after(outbox, frame)
    assert joined(outbox) == b"".join(naive)


def test_a_batch_is_joined_once_for_all_its_subscribers() -> None:
    batch = Batch()
    batch.frames += [b"a", b"b"]
    assert joined(batch) is joined(batch)


def test_a_push_cuts_the_batch_for_its_own_connection_alone() -> None:
    batch = Batch()
    batch.frames.append(b"1")
    mine, others = after(batch, b"!"), batch
    batch.frames.append(b"2")
    assert joined(mine) == b"1!2"
    assert joined(others) == b"12"


def test_frames_pushed_without_a_broadcast_are_joined_in_order() -> None:
    assert joined(after(after(b"a", b"b"), b"c")) == b"abc"
