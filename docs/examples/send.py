"""Send WebSocket messages one after the other and print the answer to each: ``python send.py URL MESSAGE ...``.

Without messages it sends the lines that are typed, until the end of input.
"""

import sys
from collections.abc import AsyncIterable

import trio
from trio_websocket import ConnectionClosed, open_websocket_url


async def send(url: str, *messages: str) -> None:
    async with open_websocket_url(url) as socket:
        try:
            async for message in each(messages) if messages else trio.wrap_file(sys.stdin):
                await socket.send_message(message.rstrip("\n"))
                with trio.move_on_after(1):
                    print(await socket.get_message(), flush=True)
        except ConnectionClosed as closed:
            print("closed by the server:", closed.reason)


async def each(messages: tuple[str, ...]) -> AsyncIterable[str]:
    for message in messages:
        yield message


if __name__ == "__main__":
    trio.run(send, sys.argv[1], *sys.argv[2:])
