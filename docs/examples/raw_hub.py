"""The chat example of gorilla/websocket, without channels: ``regrow serve raw_hub:app``.

Whatever one client sends all are sent. Open http://127.0.0.1:4000/ in two windows, or
``regrow connect ws://127.0.0.1:4000/ws`` in two terminals.
"""

from regrow.gateway import Gateway, Handler, Page, Request, SameHost, Settings

PAGE = b"""<!doctype html><title>Chat</title><pre id=log></pre><form id=form><input id=text autofocus></form><script>
const socket = new WebSocket(location.href.replace("http", "ws") + "ws")
socket.onmessage = message => log.append(message.data + "\\n")
socket.onclose = end => log.append(`closed: ${end.code} ${end.reason}\\n`)
form.onsubmit = event => { event.preventDefault(); socket.send(text.value); text.value = "" }
</script>"""


class Client(Handler):
    """One client of the hub; it stays in the hub whatever becomes of this process."""

    def open(self) -> None:
        self.subscribe("hub")

    def receive(self, frame: str | bytes) -> None:
        self.broadcast("hub", frame)


def home(_request: Request) -> Page:
    return Page(PAGE, "text/html; charset=utf-8")


app = Gateway(
    routes={"/ws": Client},
    views={"/": home},
    settings=Settings(
        origins=SameHost(),  # CheckOrigin: other pages are answered with 403
        max_message_size=512,  # SetReadLimit: one byte more closes with 1009
        ping_interval=54,  # pingPeriod: after so much silence a client is pinged
        ping_timeout=6,  # together pongWait: 60 seconds of silence, and it is closed
        write_timeout=10,  # writeWait: a full socket must take a byte, or it is reset
        outbox_messages=256,  # make(chan []byte, 256): a client further behind is closed with 1013
    ),
)
