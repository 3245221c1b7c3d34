"""Send WebSocket messages one after the other and print the answer to each: ``python send.py URL MESSAGE ...``."""

import sys

import trio
from trio_websocket import ConnectionClosed, open_websocket_url


async def send(url: str, *messages: str) -> None:
    async with open_websocket_url(url) as socket:
        try:
            for message in messages:
                await socket.send_message(message)
                with trio.move_on_after(1):
                    print(await socket.get_message())
        except ConnectionClosed as closed:
            print("closed by the server:", closed.reason)


if __name__ == "__main__":
    trio.run(send, sys.argv[1], *sys.argv[2:])
