"""Small runs, written out by hand, for what reads runs."""

from collections.abc import Iterable

from regrow.chaos._load_protocol import (
    Answer,
    Broadcast,
    ChannelEvent,
    Delivery,
    Drop,
    Kind,
    LoadResult,
    Request,
)
from regrow.chaos._run import Run, Settings
from regrow.chaos._stamps import Victim

FAULT = 100.0
"""When the fault of every run here strikes."""


def ping(client: int, at: float, latency: float | None = 0.001, *, kind: Kind = Kind.PING) -> Request:
    """A request sent on time, answered ok after `latency`, or never."""
    if latency is None:
        return Request(client, kind, at, at, None, Answer.NONE)
    return Request(client, kind, at, at, at + latency, Answer.OK)


def victim(client: int, *, serving: float | None = FAULT + 0.05) -> Victim:
    return Victim(
        client=client,
        inject=FAULT,
        effect=FAULT,
        detected=FAULT + 0.01,
        restarted=FAULT + 0.03,
        serving=serving,
    )


def run(
    *,
    requests: Iterable[Request] = (),
    broadcasts: Iterable[Broadcast] = (),
    deliveries: Iterable[Delivery] = (),
    drops: Iterable[Drop] = (),
    channel_events: Iterable[ChannelEvent] = (),
    victims: Iterable[Victim] = (victim(0),),
    selected: tuple[int, ...] = (0,),
) -> Run:
    """A run of four clients in one room, of which client 0 is crashed."""
    return Run(
        experiment="crash-30-connections",
        settings=Settings(connections=4, baseline=5.0, deadline=1.0),
        selected=selected,
        victims=tuple(victims),
        load=LoadResult(
            requests=tuple(requests),
            broadcasts=tuple(broadcasts),
            deliveries=tuple(deliveries),
            drops=tuple(drops),
            channel_events=tuple(channel_events),
        ),
    )


def good_run() -> Run:
    """A run in which everything held."""
    return run(
        requests=[ping(0, FAULT - 6, kind=Kind.PROBE)]
        + [ping(client, FAULT + offset) for client in range(4) for offset in (-2.0, 0.5)],
        broadcasts=[Broadcast(1, 1, FAULT, FAULT)],
        deliveries=[Delivery(recipient, 1, 1) for recipient in range(4)],
    )
