"""The two ways to speak on a connection: channels, or messages as they are. Both without a socket or a clock."""

from __future__ import annotations

from typing import Protocol, final

from ._commands import HELP, Command, CommandError, Help, Join, Leave, Push, Quit, Say, Topics, command_of
from ._conversation import MOST_BUFFERED, Conversation, Heard
from ._rendering import raw_line

__all__ = ["ChannelSpeaker", "RawSpeaker", "Speaker"]


class Speaker(Protocol):
    """Turns typed lines into messages to send, and messages that came into lines to show."""

    def opened(self) -> list[str]:
        """A connection is open; what to send first."""
        ...

    def lost(self) -> None:
        """The connection is gone."""
        ...

    def typed(self, line: str) -> Heard | None:
        """A line was typed; None to leave.

        Raises:
            CommandError: it is no command.
        """
        ...

    def received(self, message: str | bytes) -> Heard:
        """A message came.

        Raises:
            ProtocolError: it is none of the protocol.
        """
        ...

    def rejoin(self, topic: str, /) -> list[str]:
        """What to send to join a topic again."""
        ...

    def heartbeat(self) -> str | None:
        """What shows the server that we live, empty if nothing does; None if it has not answered the last one."""
        ...

    @property
    def is_waiting(self) -> bool:
        """Whether the server owes an answer."""
        ...


@final
class RawSpeaker:
    """A `Speaker` for any WebSocket: what is typed is sent, what comes is shown."""

    def __init__(self) -> None:
        self._is_open = False
        self._unsent: list[str] = []

    def opened(self) -> list[str]:
        """Send what was typed meanwhile."""
        self._is_open = True
        unsent, self._unsent = self._unsent, []
        return unsent

    def lost(self) -> None:
        """Keep what is typed."""
        self._is_open = False

    def typed(self, line: str) -> Heard | None:
        """Only ``/quit`` and ``/help`` are commands; a line that begins with two slashes is sent with one."""
        if line == "/quit":
            return None
        if line == "/help":
            return Heard(["/quit leaves; so do Ctrl-C and Ctrl-D. Anything else is sent; begin with // to send a /."])
        text = line[1:] if line.startswith("//") else line
        if self._is_open:
            return Heard(frames=[text])
        if len(self._unsent) >= MOST_BUFFERED:
            raise CommandError(f"{MOST_BUFFERED} messages wait for a connection: this one is not kept")
        self._unsent.append(text)
        return Heard()

    def received(self, message: str | bytes) -> Heard:
        """Show it."""
        return Heard([raw_line(message)])

    def rejoin(self, topic: str) -> list[str]:  # noqa: ARG002 - there are no topics
        """Nothing is joined."""
        return []

    def heartbeat(self) -> str | None:
        """There is none: WebSocket's own pings do."""
        return ""

    @property
    def is_waiting(self) -> bool:
        """Nobody knows which message answers which."""
        return False


@final
class ChannelSpeaker:
    """A `Speaker` for Phoenix Channels."""

    def __init__(self, topic: str | None) -> None:
        self._conversation = conversation = Conversation()
        if topic is not None:
            conversation.join(topic, {})
        self.opened = conversation.opened
        self.lost = conversation.lost
        self.rejoin = conversation.rejoin
        self.heartbeat = conversation.heartbeat

    @property
    def is_waiting(self) -> bool:
        """Whether a join or a push is not answered yet."""
        return self._conversation.is_waiting

    def received(self, message: str | bytes) -> Heard:
        """Take a message of the server."""
        return self._conversation.received(message) if isinstance(message, str) else Heard([raw_line(message)])

    def typed(self, line: str) -> Heard | None:
        """Carry out a command, or say the line in the present topic."""
        command = command_of(line)
        if isinstance(command, Quit):
            return None
        return Heard() if command is None else self._carry_out(command)

    def _carry_out(self, command: Command) -> Heard:
        conversation = self._conversation
        match command:
            case Help():
                return Heard([HELP])
            case Topics():
                return Heard(self._topic_lines())
            case Join(topic, params):
                return Heard(frames=conversation.join(topic, params))
            case Leave(None) | Push() | Say() if conversation.current is None:
                return Heard(["* you are in no topic: /join room:lobby"])
            case Leave(topic):
                topic = topic or conversation.current or ""
                known = topic in conversation.topics
                return Heard([] if known else [f"* you are not in {topic}"], conversation.leave(topic))
            case Push(event, payload):
                return Heard(frames=conversation.push(conversation.current or "", event, payload, shown=event))
            case Say(text):
                return Heard(frames=conversation.push(conversation.current or "", "new_msg", {"body": text}))
            case Quit():
                return Heard()

    def _topic_lines(self) -> list[str]:
        topics = self._conversation.topics
        if not topics:
            return ["* you are in no topic: /join room:lobby"]
        return [
            f"{'>' if topic == self._conversation.current else ' '} {topic}{'' if is_joined else ' (joining)'}"
            for topic, is_joined in topics.items()
        ]
