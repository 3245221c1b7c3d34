"""A raw WebSocket served by a process that adds numbers, and crashes on anything else: ``regrow serve adder:app``."""

from regrow.gateway import Gateway, Handler


class Adder(Handler):
    """One client's sum."""

    def open(self) -> None:
        self.total = 0

    def receive(self, frame: str | bytes) -> None:
        self.total += int(frame)
        self.send(str(self.total))

    def recovered(self, frame: str | bytes | None) -> None:
        self.send(f"crashed on {frame!r}, and began again at 0")


app = Gateway(routes={"/adder": Adder})
