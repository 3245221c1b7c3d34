"""A supervised counter: it crashes, and its supervisor starts it again from its recipe."""

from functools import partial

import trio

from regrow.actors import Down, From, GenServer, Reply, call, cast, monitor, open_node, receive, whereis
from regrow.supervisors import ChildSpec, Supervisor, count_children


class Counter(GenServer):
    """Counts up from where it is told to start. Its attributes are its state."""

    def init(self, start: int) -> None:
        self.count = start

    def handle_call(self, request: object, caller: From) -> Reply:
        self.count += 1
        return Reply(self.count)

    def handle_cast(self, request: object) -> None:
        raise RuntimeError("told to")


async def main() -> None:
    async with open_node():
        counter = ChildSpec("counter", partial(Counter.start_link, 10, name="counter"))
        supervisor = await Supervisor.start_link([counter])
        print(await call("counter", "next"), await call("counter", "next"))

        before = whereis("counter")
        monitor("counter")
        cast("counter", "crash")
        down = await receive(Down)
        print("it died of", down.reason)

        counts = await count_children(supervisor)  # answered after the restart: one thing at a time
        print("children alive:", counts.active)
        print("the same process:", whereis("counter") == before)
        print(await call("counter", "next"))


if __name__ == "__main__":
    trio.run(main)
