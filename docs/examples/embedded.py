"""A gateway inside a program of your own, beside whatever else the program runs."""

import trio
from trio_websocket import open_websocket_url

from regrow.actors import open_node
from regrow.gateway import Echo, Gateway, open_gateway


async def main() -> None:
    gateway = Gateway(routes={"/echo": Echo})
    async with open_node(), open_gateway(gateway, port=0) as running:
        async with open_websocket_url(f"ws://{running.host}:{running.port}/echo") as socket:
            await socket.send_message("hello")
            print(await socket.get_message())
        print("messages received:", running.metrics.received)


if __name__ == "__main__":
    trio.run(main)
