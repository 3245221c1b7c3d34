"""A script that keeps its state in a supervised process, and knows nothing of trio."""

from functools import partial

from regrow.actors import CallError, From, GenServer, Reply, run_in_thread
from regrow.supervisors import ChildSpec, Supervisor


class Stock(GenServer):
    """How many of each article are left."""

    def init(self) -> None:
        self.left = {"apple": 3}

    def handle_call(self, request: str, caller: From) -> Reply:
        self.left[request] -= 1
        return Reply(self.left[request])


def main() -> None:
    with run_in_thread() as portal:
        portal.start(Supervisor.start_link, [ChildSpec("stock", partial(Stock.start_link, name="stock"))])
        print("apples left:", portal.call("stock", "apple"))
        print("apples left:", portal.call("stock", "apple"))
        try:
            portal.call("stock", "pear")
        except CallError as error:
            print("no answer:", error.reason)
        print("apples left:", portal.call("stock", "apple"))


if __name__ == "__main__":
    main()
