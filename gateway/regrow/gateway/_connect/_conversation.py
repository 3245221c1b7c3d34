"""One client's side of Phoenix Channels V2 as a state machine: no socket, no clock, no screen.

What is joined is wanted until it is left, so a connection that breaks changes nothing but that every topic is joined
again on the next one, from where it was heard last.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any, Final, cast, final

from ._commands import CommandError
from ._rendering import as_text, event_line

__all__ = ["Conversation", "Heard", "ProtocolError"]

MOST_BUFFERED: Final = 1_000
"""Messages to one topic that wait until it is joined."""

_HEARTBEAT: Final = "heartbeat"


@final
class ProtocolError(Exception):
    """The server sent what is no message of the protocol."""


@final
@dataclass(frozen=True, slots=True)
class Heard:
    """What a message of the server leads to."""

    lines: list[str] = field(default_factory=list[str])
    """For the screen."""
    frames: list[str] = field(default_factory=list[str])
    """For the server."""
    rejoin: str | None = None
    """A topic to join again after a while."""


@final
class _Topic:
    __slots__ = ("buffer", "is_joined", "join_ref", "params", "position")

    def __init__(self, params: dict[str, Any]) -> None:
        self.params = params
        self.join_ref: str | None = None
        """Of the present connection; None until the join is sent on it."""
        self.is_joined = False
        self.position: dict[str, Any] | None = None
        """Epoch and offset of the last message heard, if the server numbers them."""
        self.buffer: list[tuple[str, Any, str]] = []
        """Events, payloads, and the words to show their answers with."""


@final
class Conversation:
    """What is joined, what was asked, and what the server has said of it."""

    def __init__(self) -> None:
        self._topics: dict[str, _Topic] = {}
        self._asked: dict[str, str] = {}
        """What is not answered yet, by ref, as the words to show its answer with."""
        self._last_ref = 0
        self._beat: str | None = None
        self._is_open = False
        self.current: str | None = None
        """The topic that is spoken in."""

    @property
    def topics(self) -> dict[str, bool]:
        """The topics that are wanted, and whether each is joined."""
        return {name: topic.is_joined for name, topic in self._topics.items()}

    @property
    def is_waiting(self) -> bool:
        """Whether the server owes an answer that somebody asked for."""
        return bool(self._asked) or not all(topic.is_joined for topic in self._topics.values())

    # The connection.

    def opened(self) -> list[str]:
        """A connection is open: join on it what is wanted."""
        self._is_open = True
        return [frame for name in self._topics for frame in self.rejoin(name)]

    def lost(self) -> None:
        """The connection is gone, and with it whatever was not answered."""
        self._is_open = False
        self._beat = None
        self._asked.clear()
        for topic in self._topics.values():
            topic.join_ref = None
            topic.is_joined = False

    def heartbeat(self) -> str | None:
        """The next heartbeat; None if the one before was not answered: the server is gone."""
        if self._beat is not None:
            return None
        self._beat = self._next_ref()
        return _frame(None, self._beat, "phoenix", _HEARTBEAT, {})

    # What a person asks for.

    def join(self, name: str, params: dict[str, Any]) -> list[str]:
        """Want a topic, and speak in it from now on."""
        self.current = name
        if name in self._topics:
            return []
        self._topics[name] = _Topic(params)
        return self.rejoin(name)

    def rejoin(self, name: str) -> list[str]:
        """Send the join of a wanted topic, unless there is no connection or it is on its way."""
        topic = self._topics.get(name)
        if topic is None or topic.join_ref is not None or not self._is_open:
            return []
        topic.join_ref = ref = self._next_ref()
        params = topic.params if topic.position is None else {**topic.params, "recover": topic.position}
        return [_frame(ref, ref, name, "phx_join", params)]

    def leave(self, name: str) -> list[str]:
        """Want a topic no more."""
        topic = self._topics.pop(name, None)
        if self.current == name:
            self.current = next(reversed(self._topics), None)
        if topic is None or topic.join_ref is None:
            return []
        ref = self._next_ref()
        self._asked[ref] = f"left {name}"
        return [_frame(topic.join_ref, ref, name, "phx_leave", {})]

    def push(self, name: str, event: str, payload: Any, *, shown: str = "") -> list[str]:
        """Send an event to a wanted topic, as soon as it is joined; ``shown``, if given, goes before its answer.

        Raises:
            CommandError: too many wait for the join already.
        """
        topic = self._topics[name]
        if not topic.is_joined:
            if len(topic.buffer) >= MOST_BUFFERED:
                raise CommandError(f"{MOST_BUFFERED} messages wait for {name} to be joined: this one is not kept")
            topic.buffer.append((event, payload, shown))
            return []
        ref = self._next_ref()
        if shown:
            self._asked[ref] = shown
        return [_frame(topic.join_ref, ref, name, event, payload)]

    # What the server says.

    def received(self, text: str) -> Heard:
        """Take a message of the server.

        Raises:
            ProtocolError: it is none.
        """
        join_ref, ref, name, event, payload, position = _message(text)
        topic = self._topics.get(name)
        if event == "phx_reply":
            return self._replied(name, topic, ref, payload)
        if topic is None or (join_ref is not None and join_ref != topic.join_ref):
            return Heard()  # of a join before the present one
        if event == "phx_error":
            topic.join_ref, topic.is_joined = None, False
            return Heard([f"* {name} crashed: {as_text(payload)}; joining again"], rejoin=name)
        if event == "phx_close":
            del self._topics[name]
            if self.current == name:
                self.current = next(reversed(self._topics), None)
            return Heard([f"* {name} was closed by the server"])
        if position is not None:
            topic.position = position
        return Heard([event_line(name, event, payload)])

    def _replied(self, name: str, topic: _Topic | None, ref: str | None, payload: Any) -> Heard:
        status, response = _reply(payload)
        if ref is not None and ref == self._beat:
            self._beat = None
            return Heard()
        if topic is not None and ref is not None and ref == topic.join_ref:
            return self._join_replied(name, topic, status, response)
        words = self._asked.pop(ref or "", None)
        if words is None:
            return Heard() if status == "ok" else Heard([f"* {name} answered {status}: {as_text(response)}"])
        shown = "" if status == "ok" and response == {} else f" {as_text(response)}"
        return Heard([f"* {words}: {status}{shown}"])

    def _join_replied(self, name: str, topic: _Topic, status: str, response: dict[str, Any]) -> Heard:
        if status != "ok":
            del self._topics[name]
            if self.current == name:
                self.current = next(reversed(self._topics), None)
            return Heard([f"* {name} did not let you in: {as_text(response)}"])
        topic.is_joined = True
        if topic.position is None or response.get("recovered") is not True:
            topic.position = _position(response) or topic.position  # else what was missed follows, each with its own
        buffered, topic.buffer = topic.buffer, []
        frames = [frame for event, payload, shown in buffered for frame in self.push(name, event, payload, shown=shown)]
        return Heard([f"* joined {name}{'' if response == {} else f' {as_text(response)}'}"], frames)

    def _next_ref(self) -> str:
        self._last_ref += 1
        return str(self._last_ref)


def _frame(join_ref: str | None, ref: str | None, topic: str, event: str, payload: Any) -> str:
    return json.dumps([join_ref, ref, topic, event, payload], ensure_ascii=False)


def _message(text: str) -> tuple[str | None, str | None, str, str, Any, dict[str, Any] | None]:
    try:
        message = json.loads(text)
    except (ValueError, RecursionError):
        message = None
    match message:
        case [str() | None as join_ref, str() | None as ref, str() as topic, str() as event, payload, *more]:
            return join_ref, ref, topic, event, payload, _position(more[0]) if more else None
        case _:
            raise ProtocolError("the server does not speak version 2 of the channel protocol")


def _reply(payload: Any) -> tuple[str, dict[str, Any]]:
    match payload:
        case {"status": str() as status, "response": dict()}:
            return status, cast("dict[str, Any]", payload["response"])
        case _:
            return "error", {"reply": payload}


def _position(value: Any) -> dict[str, Any] | None:
    """Epoch and offset, if these are there: where a join goes on."""
    if isinstance(value, dict) and "epoch" in value and "offset" in value:
        position = cast("dict[str, Any]", value)
        return {"epoch": position["epoch"], "offset": position["offset"]}
    return None
