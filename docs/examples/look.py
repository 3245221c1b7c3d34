"""Looking into a process while it runs, and repairing it."""

import trio

from regrow.actors import From, GenServer, Reply, call, cast, open_node, process_info, sys


class Average(GenServer):
    """The average of the numbers it was told."""

    def init(self) -> None:
        self.numbers: list[float] = []

    def handle_cast(self, request: float) -> None:
        self.numbers.append(request)

    def handle_call(self, request: str, caller: From) -> Reply:
        return Reply(sum(self.numbers) / len(self.numbers))


async def main() -> None:
    async with open_node():
        pid = await Average.start_link(name="average")
        assert pid is not None
        for number in (4, 8, "6"):
            cast("average", number)

        print(await sys.get_state("average"))
        await sys.replace_state("average", lambda state: {"numbers": [float(number) for number in state["numbers"]]})
        await sys.trace("average")
        print(await call("average", "now"))
        print(process_info(pid, "status", "message_queue_len", "links"))


if __name__ == "__main__":
    trio.run(main)
