"""Serve the adder, and take over changes of its source while clients stay connected: ``python live.py``."""

import logging
import sys
from contextlib import suppress

import adder
import trio

from regrow.actors import code, open_node
from regrow.gateway import open_gateway
from regrow.supervisors import ChildSpec, Supervisor


async def main(port: int = 4000) -> None:
    async with open_node(), open_gateway(adder.app, port=port) as running:
        await Supervisor.start_link([ChildSpec("watcher", code.Watcher.start_link, ("adder",))])
        print("serving", running.url, flush=True)
        await trio.sleep_forever()


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    with suppress(KeyboardInterrupt):
        trio.run(main, *map(int, sys.argv[1:]))
