"""The echo that the Autobahn suite is run against: the lobby's, with room for the suite's largest messages."""

from __future__ import annotations

from regrow.gateway import Echo, Gateway, Settings

app = Gateway(
    routes={"/echo": Echo},
    # Section 9 sends 16 MiB in one frame, and 4 MiB in fragments of 64 bytes.
    settings=Settings(max_message_size=16 << 20, max_fragments=70_000, outbox_limit=64 << 20, compression_level=1),
)
