"""Listening sockets: what they do when the process has no descriptor left, and when many come at once."""

from __future__ import annotations

import errno
import os
import socket
import ssl
import stat
from typing import TYPE_CHECKING

import pytest
import trio

from regrow.actors import open_node
from regrow.gateway import Address, Echo, Gateway, Settings, Tcp, Tls, Unix, open_gateway
from regrow.gateway._operations._metrics import Refusal
from regrow.gateway._transport._listener import OutOfDescriptorsError, bind
from tests.support.descriptors import no_descriptors_left
from tests.support.raw_client import RawClient
from tests.support.serving import serving
from tests.support.socket_test import pass_time, socket_test
from tests.support.tls import TlsClient, server_context

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.usefixtures("each_transport")


@socket_test
async def test_without_descriptors_clients_are_told_to_come_back_instead_of_being_left_to_wait() -> None:
    async with serving() as served:
        bystander = await served.client()
        socks = [trio.socket.socket() for _ in range(5)]
        with no_descriptors_left():
            for sock in socks:
                await sock.connect(("127.0.0.1", served.port))
            clients = [RawClient(trio.SocketStream(sock)) for sock in socks]
            for client in clients:
                head = await client.head()
                assert head.startswith("HTTP/1.1 503 ")
                assert "\r\nRetry-After: " in head
                await client.aclose()
            assert await bystander.echoes()
            assert served.metrics.refusals[Refusal.DESCRIPTORS] == 5
        assert await (await served.client()).echoes()


@socket_test
async def test_without_even_the_last_descriptor_a_listener_rests_and_then_takes_who_has_waited() -> None:
    async with serving() as served:
        bystander = await served.client()
        sock = trio.socket.socket()
        reserve = served.running.transport._reserve
        with no_descriptors_left():
            reserve.close()
            thief = os.open(os.devnull, os.O_RDONLY)
            await sock.connect(("127.0.0.1", served.port))
            await pass_time(0)  # hangs if the listener turns in circles
            await pass_time(2)  # it has tried again, in vain
            assert await bystander.echoes()
        os.close(thief)
        client = RawClient(trio.SocketStream(sock))
        await pass_time(2)
        await client.upgrade()
        assert await client.echoes()
        await client.aclose()


@socket_test
async def test_more_connections_than_one_turn_takes_are_all_taken() -> None:
    async with serving(settings=Settings(max_connections_per_address=400)) as served:
        clients = [await served.connect() for _ in range(300)]
        for client in clients:
            await client.upgrade()
        for client in clients:
            assert await client.echoes()


def test_out_of_descriptors_is_told_apart_from_a_client_that_is_gone() -> None:
    (listener,) = bind(Tcp("127.0.0.1", 0))
    with no_descriptors_left(), pytest.raises(OutOfDescriptorsError):
        list(listener.accept())
    assert list(listener.accept()) == []
    listener.close()


# Several listeners.

GATEWAY = Gateway(routes={"/echo": Echo}, settings=Settings(max_connections_per_address=2))


async def unix_client(path: Path) -> RawClient:
    """Connect to a Unix socket."""
    sock = trio.socket.socket(socket.AF_UNIX)
    try:
        await sock.connect(str(path))
    except OSError:
        sock.close()
        raise
    return RawClient(trio.SocketStream(sock))


@socket_test
async def test_it_listens_on_all_its_addresses_and_says_which(tmp_path: Path) -> None:
    path = tmp_path / "socket"
    listen: list[Address] = [Tcp("127.0.0.1", 0), Unix(str(path)), Tcp("127.0.0.1", 0, server_context())]
    async with open_node(), open_gateway(GATEWAY, listen=listen) as running:
        plain, unix, secure = running.addresses
        assert isinstance(plain, Tcp)
        assert isinstance(secure, Tcp)
        assert 0 < plain.port != secure.port > 0
        assert (running.host, running.port) == ("127.0.0.1", plain.port)
        assert unix == listen[1]
        assert running.urls == (
            f"http://127.0.0.1:{plain.port}",
            f"unix:{path}",
            f"https://127.0.0.1:{secure.port}",
        )
        assert running.url == running.urls[0]
        clients = [await RawClient.connect(plain.port), await unix_client(path), await TlsClient.to(secure.port)]
        for client in clients:
            await client.upgrade()
            assert await client.echoes()
        for client in clients:
            await client.reset()
    for port in (plain.port, secure.port):
        with pytest.raises(OSError, match="refused"):
            await RawClient.connect(port)
    assert not path.exists()


def resolving(patch: pytest.MonkeyPatch, *hosts: str) -> None:
    """Give every name these addresses, one of them twice as resolvers do."""

    def resolve(_host: str, port: int, **_options: object) -> list[tuple[object, ...]]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (host, port)) for host in (*hosts, hosts[0])]

    patch.setattr(socket, "getaddrinfo", resolve)


def test_a_name_with_several_addresses_listens_on_all_of_them_on_one_port(monkeypatch: pytest.MonkeyPatch) -> None:
    resolving(monkeypatch, "127.0.0.1", "127.0.0.2")
    first, second = bind(Tcp("both", 0))
    assert isinstance(first.address, Tcp)
    assert isinstance(second.address, Tcp)
    assert (first.address.host, second.address.host) == ("127.0.0.1", "127.0.0.2")
    assert first.address.port == second.address.port
    first.close()
    second.close()


def test_an_address_of_a_name_that_this_machine_has_not_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    resolving(monkeypatch, "203.0.113.1", "127.0.0.1")
    (listener,) = bind(Tcp("half", 0))
    assert isinstance(listener.address, Tcp)
    assert listener.address.host == "127.0.0.1"
    listener.close()
    resolving(monkeypatch, "203.0.113.1")
    with pytest.raises(OSError, match="Cannot assign requested address: 'none:0'"):
        bind(Tcp("none", 0))


def test_both_wildcards_can_have_the_same_port() -> None:
    (four,) = bind(Tcp("0.0.0.0", 0))  # noqa: S104
    assert isinstance(four.address, Tcp)
    try:
        (six,) = bind(Tcp("::", four.address.port))
    except OSError as error:
        assert error.errno in (errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL)  # noqa: PT017 - no IPv6 here
    else:
        six.close()
    four.close()


@pytest.mark.parametrize(
    ("address", "words"),
    [
        (Tcp("no.such.host.invalid", 1), "'no.such.host.invalid:1'"),
        (Tcp("a" * 70, 1), "this is no host name"),
        (Tcp("203.0.113.1", 1), "Cannot assign requested address: '203.0.113.1:1'"),
        (Unix("/no/such/folder/socket"), "No such file or directory: 'unix:/no/such/folder/socket'"),
        (Unix("/tmp/" + "x" * 200), "path too long"),  # noqa: S108 - nothing is made there
        (Tcp("127.0.0.1", 0, Tls("/no/such/file")), "certificate /no/such/file: No such file or directory"),
        (Tcp("127.0.0.1", 0, ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)), "'127.0.0.1:0'"),
    ],
)
def test_an_address_that_cannot_be_listened_on_is_an_error_that_names_it(address: Tcp | Unix, words: str) -> None:
    with pytest.raises(OSError, match=words) as caught:
        bind(address)
    assert caught.value.filename == str(address)


@socket_test
async def test_if_one_address_is_taken_none_is_listened_on(tmp_path: Path) -> None:
    path = tmp_path / "socket"
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        async with open_node() as node:
            before = len(node.processes)
            with pytest.raises(OSError, match=f"Address already in use: '127.0.0.1:{port}'"):
                async with open_gateway(GATEWAY, listen=[Unix(str(path)), Tcp("127.0.0.1", port)]):
                    pass
            assert not path.exists()
            assert len(node.processes) == before


# Unix sockets.


@socket_test
async def test_clients_of_a_unix_socket_are_not_counted_as_one_address(tmp_path: Path) -> None:
    path = tmp_path / "socket"
    async with open_node(), open_gateway(GATEWAY, listen=[Unix(str(path))]) as running:
        clients = [await unix_client(path) for _ in range(5)]
        for client in clients:
            await client.upgrade()
            assert await client.echoes()
        assert {one.address for one in running.transport.connections.values()} == {"unix:"}
        for client in clients:
            await client.reset()
        with pytest.raises(LookupError, match="listens on no TCP address: unix:"):
            _ = running.port


@pytest.mark.parametrize("mode", [0o600, 0o660, 0o666])
def test_the_file_has_the_mode_that_was_asked_for(mode: int, tmp_path: Path) -> None:
    path = tmp_path / "socket"
    before = os.umask(0o077)
    try:
        (listener,) = bind(Unix(str(path), mode))
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == mode
    listener.close()


def test_a_file_that_a_dead_server_left_is_replaced_and_removed_at_the_end(tmp_path: Path) -> None:
    path = tmp_path / "socket"
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))
        dead.listen()
    (listener,) = bind(Unix(str(path)))
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(path))
        ((accepted, peer),) = listener.accept()
        assert peer == "unix:"
        accepted.close()
    listener.close()
    assert not path.exists()


@pytest.mark.parametrize("backlog", [0, 100])
def test_a_file_that_somebody_listens_on_is_left_alone(backlog: int, tmp_path: Path) -> None:
    path = tmp_path / "socket"
    with socket.socket(socket.AF_UNIX) as other, socket.socket(socket.AF_UNIX) as waiting:
        other.bind(str(path))
        other.listen(backlog)
        waiting.connect(str(path))
        with pytest.raises(OSError, match="Address already in use"):
            bind(Unix(str(path)))
        assert path.exists()


def test_a_file_that_is_no_socket_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "precious"
    path.write_text("data")
    with pytest.raises(OSError, match="there is a file that is no socket"):
        bind(Unix(str(path)))
    assert path.read_text() == "data"


def test_a_file_that_was_replaced_meanwhile_is_not_removed(tmp_path: Path) -> None:
    path = tmp_path / "socket"
    (first,) = bind(Unix(str(path)))
    path.unlink()
    (second,) = bind(Unix(str(path)))
    first.close()
    assert path.exists()
    second.close()
    assert not path.exists()
