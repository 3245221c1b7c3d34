"""A channel of your own: each client in ``tally:<name>`` keeps a tally, all may hear it: ``regrow serve tally:app``."""

from typing import Any

from regrow.gateway import Channel, Error, Gateway, JoinRefusedError, Ok, Socket


class Tally(Channel):
    """One client in one topic."""

    def join(self, params: Any) -> dict[str, int]:
        if self.topic == "tally:closed":
            raise JoinRefusedError(reason="closed")
        self.count = 0
        return {"count": self.count}

    def handle_in(self, event: str, payload: Any) -> Ok | Error | None:
        match event:
            case "up":
                self.count += 1
                return Ok({"count": self.count})
            case "tell":
                self.broadcast("told", {"count": self.count})
                return None
            case "crash":
                raise RuntimeError("told to")
            case _:
                return Error({"reason": f"there is no event {event}"})


class Tallies(Socket):
    """Which channel serves which topic."""

    channels = {"tally:*": Tally}


app = Gateway(routes={"/socket/websocket": Tallies})
