"""Two applications: a shop that needs a storage. The node starts them in this order, and stops them in the other."""

from functools import partial
from typing import Any

import trio

from regrow.actors import Agent, Pid, open_node
from regrow.supervisors import Application, ChildSpec, StartType, Supervisor, ensure_all_started, get_env, put_env


class Storage(Application):
    """Keeps the stock in one supervised process, and saves it at the end."""

    env = {"stock": {}}

    async def start(self, start_type: StartType, args: Any) -> Pid:
        stock = get_env(Storage, "stock")
        return await Supervisor.start_link([ChildSpec("stock", partial(Agent.start_link, lambda: stock, name="stock"))])

    async def prep_stop(self) -> None:  # the tree still runs
        self.stock = await Agent.get("stock", dict)

    def stop(self) -> None:
        print("Storage saves", self.stock)


class Shop(Application):
    """Sells it."""

    applications = (Storage,)

    async def start(self, start_type: StartType, args: Any) -> Pid:
        return await Supervisor.start_link([])

    def prep_stop(self) -> None:
        print("Shop closes")


async def main() -> None:
    async with open_node():
        put_env(Storage, "stock", {"pears": 4})
        print("started:", ", ".join(started.name for started in await ensure_all_started(Shop)))
        await Agent.update("stock", lambda stock: {**stock, "pears": stock["pears"] - 1})
        print(await Agent.get("stock", lambda stock: stock["pears"]), "pears are left")


if __name__ == "__main__":
    trio.run(main)
