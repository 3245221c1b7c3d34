"""What compression the opening handshake settles on: RFC 7692 section 7.1."""

from __future__ import annotations

import pytest
from websockets.extensions.permessage_deflate import ClientPerMessageDeflateFactory

from regrow.gateway import Settings
from regrow.gateway._http._compression import agree
from regrow.gateway._wire._framing import PLAIN
from tests.support.raw_client import upgrade_request
from tests.support.serving import serving
from tests.support.socket_test import socket_test

ON = Settings(compression_level=1)
NO_CONTEXT = "permessage-deflate; server_no_context_takeover; client_no_context_takeover"


@pytest.mark.parametrize(
    ("offer", "answer"),
    [
        ("permessage-deflate", NO_CONTEXT),
        ("permessage-deflate; server_no_context_takeover; client_no_context_takeover", NO_CONTEXT),
        ("permessage-deflate; client_max_window_bits", NO_CONTEXT),
        ("permessage-deflate; client_max_window_bits=8", NO_CONTEXT),
        ("permessage-deflate; server_max_window_bits=9", f"{NO_CONTEXT}; server_max_window_bits=9"),
        ('permessage-deflate; server_max_window_bits="15"', f"{NO_CONTEXT}; server_max_window_bits=15"),
        ("x-webkit-deflate-frame, permessage-deflate", NO_CONTEXT),
        ("permessage-deflate; server_max_window_bits=8, permessage-deflate", NO_CONTEXT),
        ("permessage-deflate; unknown, permessage-deflate", NO_CONTEXT),
        ("permessage-deflate; server_max_window_bits=9, permessage-deflate", f"{NO_CONTEXT}; server_max_window_bits=9"),
    ],
)
def test_the_first_offer_that_is_possible_is_taken(offer: str, answer: str) -> None:
    framing, said = agree(offer, ON)
    assert said == answer
    assert framing.inflater is not None


@pytest.mark.parametrize(
    "offer",
    [
        "",
        "permessage-bzip2",
        "Permessage-Deflate-2",
        "permessage-deflate; server_max_window_bits",
        "permessage-deflate; server_max_window_bits=8",
        "permessage-deflate; server_max_window_bits=16",
        "permessage-deflate; server_max_window_bits=09",
        "permessage-deflate; server_max_window_bits=1e1",
        "permessage-deflate; client_max_window_bits=7",
        "permessage-deflate; server_no_context_takeover=1",
        "permessage-deflate; client_no_context_takeover=true",
        "permessage-deflate; client_no_context_takeover; client_no_context_takeover",
        "permessage-deflate; server_max_window_bits=10; server_max_window_bits=10",
        "permessage-deflate; mode=fast",
    ],
)
def test_an_offer_with_wrong_parameters_is_declined(offer: str) -> None:
    assert agree(offer, ON) == (PLAIN, None)


def test_without_a_level_nothing_is_agreed_on() -> None:
    assert agree("permessage-deflate", Settings()) == (PLAIN, None)


def test_connections_with_the_same_parameters_share_one_framing() -> None:
    one, _ = agree("permessage-deflate", ON)
    other, _ = agree("permessage-deflate; client_max_window_bits=9", ON)
    smaller, _ = agree("permessage-deflate; server_max_window_bits=9", ON)
    assert one is other
    assert one is not smaller


@pytest.mark.parametrize("bits", range(8, 16))
def test_the_client_of_others_accepts_the_answer(bits: int) -> None:
    factory = ClientPerMessageDeflateFactory(server_max_window_bits=bits, client_max_window_bits=max(bits, 9))
    offered = "; ".join(
        ["permessage-deflate", *(n if v is None else f"{n}={v}" for n, v in factory.get_request_params())]
    )
    _, answer = agree(offered, ON)
    if bits == 8:
        assert answer is None
        return
    assert answer is not None
    parameters = [tuple(each.split("=")) if "=" in each else (each, None) for each in answer.split("; ")[1:]]
    extension = factory.process_response_params(parameters, [])  # type: ignore[arg-type]
    assert extension.remote_no_context_takeover
    assert extension.local_no_context_takeover


@socket_test
async def test_a_header_that_is_malformed_is_answered_with_400() -> None:
    async with serving(settings=ON) as served:
        client = await served.connect()
        await client.send(upgrade_request("/echo", {"Sec-WebSocket-Extensions": "permessage-deflate; = 3"}))
        assert await client.status() == 400
