"""The command ``regrow``. Packages above this one add their commands by the entry point ``regrow.commands``."""

from __future__ import annotations

import dataclasses
import logging
import os
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path  # noqa: TC003 - typer reads the annotations
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from regrow.gateway._auth._command import mint
from regrow.gateway._history._choice import store_named
from regrow.gateway._lobby._lobby import lobby
from regrow.gateway._operations._formatters import EVENT, FIELDS
from regrow.gateway._operations._logs import LogFormat, LogLevel, configure_logging
from regrow.gateway._serving._load import load_gateway
from regrow.gateway._serving._serve import serve
from regrow.gateway._settings._command import ConfigFile, SetOptions, show_settings
from regrow.gateway._settings._sources import load_settings
from regrow.gateway._transport._addresses import Tcp, Tls, parse_address
from regrow.gateway._transport._choice import TransportName  # noqa: TC001 - typer reads the annotations

from ._errors import BadAddressError, GatewayError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from regrow.gateway._serving._route import Gateway
    from regrow.gateway._serving._running import RunningGateway
    from regrow.gateway._transport._addresses import Address

__all__ = ["main"]

logger = logging.getLogger("regrow.gateway")

app = typer.Typer(
    name="regrow",
    help="An actor-model chat runtime that behaves like the BEAM.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


@app.callback()
def _regrow() -> None:
    pass


@app.command("serve")
def serve_command(
    target: Annotated[
        str | None, typer.Argument(metavar="MODULE:APP", help="The Gateway to serve; the lobby chat if left out.")
    ] = None,
    *,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on; 0 picks a free one.", min=0, max=65_535)] = 4000,
    listen: Annotated[
        list[str] | None,
        typer.Option(
            metavar="ADDRESS",
            help="Instead of --host and --port: HOST:PORT, https://HOST:PORT or unix:PATH. May be given several times.",
        ),
    ] = None,
    certificate: Annotated[
        Path | None, typer.Option(metavar="FILE", help="PEM file to serve HTTPS with: the certificate and its issuers.")
    ] = None,
    key: Annotated[Path | None, typer.Option(metavar="FILE", help="PEM file with the certificate's key.")] = None,
    transport: Annotated[
        TransportName | None, typer.Option(help="How to wait for sockets; the best there is if left out.")
    ] = None,
    config: ConfigFile = None,
    options: SetOptions = None,
    unlimited: Annotated[bool, typer.Option("--unlimited", help="Lift rate and per-address limits.")] = False,
    log_format: Annotated[LogFormat, typer.Option(help="Log lines for people, or one JSON object each.")] = (
        LogFormat.TEXT
    ),
    log_level: Annotated[LogLevel, typer.Option(help="The least important log lines to write.")] = LogLevel.INFO,
) -> None:
    """Serve a gateway until Ctrl-C or SIGTERM."""
    try:
        gateway = _gateway(target)
        settings = load_settings(gateway.settings, toml=config, environ=os.environ)
        if unlimited:
            _say("WARNING: --unlimited: no limit on connections, addresses or rates. For benchmarks only.")
            settings = settings.unlimited()
        settings = load_settings(settings, options=options or ())
        history = gateway.history
        if history is None and not unlimited:
            history = store_named(settings.history_path)
        addresses = _addresses(listen or [], Tcp(host, port), certificate, key)
        gateway = dataclasses.replace(gateway, settings=settings, history=history)
        configure_logging(log_format, log_level, settings.filter_parameters)
        ready = _announce if log_format is LogFormat.TEXT else _log_announcement
        serve(gateway, host, port, ready, listen=addresses, transport=transport)
    except GatewayError as error:
        _fail(str(error))
    except OSError as error:
        where = f" on {error.filename}" if error.filename else ""
        _fail(f"cannot listen{where}: {error.strerror or error}")


def _addresses(texts: list[str], default: Tcp, certificate: Path | None, key: Path | None) -> list[Address]:
    """What the options say to listen on.

    Raises:
        BadAddressError: they do not make sense; the message names the option.
    """
    if certificate is None:
        if key is not None:
            raise BadAddressError("--key: needs --certificate")
        tls = None
    else:
        tls = Tls(certificate, key)
    if not texts:
        return [dataclasses.replace(default, tls=tls)]
    addresses: list[Address] = []
    for text in texts:
        try:
            addresses.append(parse_address(text, tls))
        except BadAddressError as error:
            raise BadAddressError(f"--listen: {error}") from None
    if tls is not None and not any(address.tls for address in addresses):
        raise BadAddressError("--certificate: no --listen address begins with https://")
    return addresses


@app.command("settings")
def settings_command(
    target: Annotated[
        str | None, typer.Argument(metavar="MODULE:APP", help="The Gateway whose own settings they go over.")
    ] = None,
    *,
    config: ConfigFile = None,
    options: SetOptions = None,
) -> None:
    """Show every setting: its value, where that comes from, the default and the meaning."""
    try:
        show_settings(_gateway(target).settings, config, options or ())
    except GatewayError as error:
        _fail(str(error))


@app.command("token")
def token_command(
    subject: Annotated[str, typer.Argument(help="Whom the token is for: what Claims.subject will be.")],
    *,
    secret: Annotated[
        str | None,
        typer.Option(
            envvar="REGROW_TOKEN_SECRET", help="At least 32 bytes. Rather set the variable: others can see options."
        ),
    ] = None,
    max_age: Annotated[float, typer.Option(metavar="SECONDS", help="How long it is valid.")] = 3600.0,
    claim: Annotated[
        list[str] | None, typer.Option(metavar="NAME=VALUE", help="What else it says. May be repeated.")
    ] = None,
) -> None:
    """Print a signed token, for trying a gateway that verifies with Tokens(secrets=(secret,))."""
    try:
        typer.echo(mint(subject, secret, max_age, claim or []))
    except GatewayError as error:
        _fail(str(error))


def _gateway(target: str | None) -> Gateway:
    return lobby if target is None else load_gateway(target)


def _announce(running: RunningGateway) -> None:
    for url in running.urls:
        _say(f"Regrow is listening on {url}")


def _log_announcement(running: RunningGateway) -> None:
    """Where every line is to be an object, this one is too."""
    logger.info("listening", extra={EVENT: "listening", FIELDS: {"urls": list(running.urls)}})


def _say(line: str) -> None:
    typer.echo(line, err=True)


def _fail(line: str) -> NoReturn:
    _say(f"regrow: {line}")
    raise typer.Exit(1)


def _add_commands(entries: Iterable[EntryPoint]) -> None:
    """Add the commands of other packages; one whose extra is not installed says so when it is used."""
    for entry in entries:
        try:
            app.add_typer(entry.load(), name=entry.name)
        except ImportError as error:
            _add_missing(entry.name, str(error), extra=entry.name)


def _add_missing(name: str, why: str, *, extra: str) -> None:
    @app.command(
        name,
        help=f"Needs the extra regrow[{extra}].",
        context_settings={"allow_extra_args": True, "ignore_unknown_options": True},
    )
    def missing() -> None:  # pyright: ignore[reportUnusedFunction]
        _fail(f"the command {name!r} needs the extra regrow[{extra}]: {why}")


def _add_connect() -> None:
    """Add ``connect``; its WebSocket client is in an extra."""
    try:
        from regrow.gateway._connect._command import connect_command  # noqa: PLC0415
    except ImportError as error:
        _add_missing("connect", str(error), extra="chaos")
    else:
        app.command("connect")(connect_command)


def main() -> None:
    """Run the command line."""
    _add_connect()
    _add_commands(entry_points(group="regrow.commands"))
    app()


if __name__ == "__main__":
    main()
