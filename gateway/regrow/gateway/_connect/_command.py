"""``regrow connect``: what the command line says, checked, and a client run with it."""

from __future__ import annotations

import ssl
import sys
from pathlib import Path  # noqa: TC003 - typer looks at it
from typing import Annotated

import trio
import typer

from ._address import Address, AddressError
from ._client import Client, ConnectError
from ._screen import Screen
from ._speakers import ChannelSpeaker, RawSpeaker

__all__ = ["connect_command"]


def connect_command(
    url: Annotated[str, typer.Argument(help="ws:// or wss://; channels if the path ends in /websocket.")],
    *,
    topic: Annotated[str | None, typer.Option(help="A topic to join; speaks channels whatever the path.")] = None,
    param: Annotated[list[str] | None, typer.Option(metavar="NAME=VALUE", help="A parameter of the URL.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print messages as they come, notes on stderr.")] = False,
    ca: Annotated[
        Path | None, typer.Option(exists=True, dir_okay=False, help="Certificates to trust, instead of the system's.")
    ] = None,
    insecure: Annotated[bool, typer.Option("--insecure", help="Trust any certificate. For tests only.")] = False,
) -> None:
    """Talk to a gateway from the terminal, or from a script through a pipe.

    Exit status: 0 at the end of the input, after /quit and Ctrl-C; 1 if there is no connection to be had.
    """
    try:
        address = Address.of(url, topic, param or ())
        speaker = ChannelSpeaker(topic) if address.is_channels else RawSpeaker()
        screen = Screen(_print, _note if json else _print, is_json=json)
        client = Client(address, _tls(address, ca, insecure=insecure), speaker, screen)
        trio.run(client.run, sys.stdin.fileno())
    except (AddressError, ConnectError) as error:
        _fail(str(error))
    except BrokenPipeError:
        raise typer.Exit(1) from None  # whoever read what we say has left


def _tls(address: Address, ca: Path | None, *, insecure: bool) -> ssl.SSLContext | None:
    if not address.is_tls:
        return None
    try:
        context = ssl.create_default_context(cafile=ca)
    except ssl.SSLError:
        raise AddressError(f"{ca} holds no certificates in PEM form") from None
    if insecure:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _print(line: str) -> None:
    typer.echo(line)


def _note(line: str) -> None:
    typer.echo(line, err=True)


def _fail(line: str) -> None:
    typer.echo(f"regrow: {line}", err=True)
    raise typer.Exit(1)
