"""Addresses to listen on, as values and as text."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest
import trustme
from hypothesis import given
from hypothesis import strategies as st

from regrow.gateway import BadAddressError, Tcp, Tls, Unix, parse_address
from tests.support.tls import server_tls

TLS = Tls("certificate.pem", "key.pem")


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("127.0.0.1:4000", Tcp("127.0.0.1", 4000)),
        ("localhost:0", Tcp("localhost", 0)),
        ("[::1]:4000", Tcp("::1", 4000)),
        ("http://0.0.0.0:80/", Tcp("0.0.0.0", 80)),  # noqa: S104
        ("https://[::]:443", Tcp("::", 443, TLS)),
        ("unix:/run/regrow.sock", Unix("/run/regrow.sock")),
        ("unix:///run/regrow.sock", Unix("/run/regrow.sock")),
        ("unix:here", Unix("here")),
    ],
)
def test_a_text_is_an_address(text: str, address: Tcp | Unix) -> None:
    assert parse_address(text, TLS) == address


@pytest.mark.parametrize(
    "text",
    [
        "",
        "4000",
        ":4000",
        "127.0.0.1",
        "127.0.0.1:",
        "127.0.0.1:http",
        "127.0.0.1:65536",
        "127.0.0.1:-1",
        "::1:4000",
        "[::1:4000",
        "127.0.0.1:4000/path",
        "127.0.0.1:4000?a=b",
        "me@127.0.0.1:4000",
        "ftp://127.0.0.1:4000",
        "https://127.0.0.1",
        "unix:",
        "unix:a\0b",
    ],
)
def test_a_text_that_is_none_is_an_error_that_repeats_it_and_says_what_would_be_right(text: str) -> None:
    with pytest.raises(BadAddressError) as caught:
        parse_address(text, TLS)
    message = str(caught.value)
    assert message.startswith(repr(text))
    assert "write " in message
    assert "\n" not in message


def test_https_needs_a_certificate() -> None:
    with pytest.raises(BadAddressError, match="give --certificate and --key"):
        parse_address("https://127.0.0.1:4443", None)


@given(st.text() | st.text("[]:/@?#.1a%"))
def test_any_text_is_an_address_or_an_error(text: str) -> None:
    try:
        address = parse_address(text, TLS)
    except BadAddressError:
        return
    assert isinstance(address, Tcp | Unix)


@pytest.mark.parametrize(
    ("address", "url"),
    [
        (Tcp("127.0.0.1", 1), "http://127.0.0.1:1"),
        (Tcp("::1", 1, TLS), "https://[::1]:1"),
        (Unix("/a/b"), "unix:/a/b"),
    ],
)
def test_an_address_has_a_url(address: Tcp | Unix, url: str) -> None:
    assert address.url == url


@pytest.mark.parametrize("port", [-1, 65_536])
def test_a_port_that_is_none_is_refused(port: int) -> None:
    with pytest.raises(ValueError, match=f"port={port}: must be from 0 to 65535"):
        Tcp("127.0.0.1", port)


@pytest.mark.parametrize("mode", [-1, 0o1000])
def test_a_mode_that_is_none_is_refused(mode: int) -> None:
    with pytest.raises(ValueError, match=f"mode={mode}: must be permission bits"):
        Unix("/a", mode)


@pytest.mark.parametrize("path", ["", "a\0b"])
def test_a_path_that_is_none_is_refused(path: str) -> None:
    with pytest.raises(ValueError, match="must be the path of a file"):
        Unix(path)


def test_a_certificate_is_loaded_with_the_defaults_that_are_safe(tmp_path: Path) -> None:
    context = server_tls(tmp_path).context()
    assert context.minimum_version is ssl.TLSVersion.TLSv1_2
    assert context.options & ssl.OP_NO_RENEGOTIATION
    assert context.options & ssl.OP_NO_COMPRESSION


def test_a_certificate_and_its_key_may_be_in_one_file(tmp_path: Path) -> None:
    apart = server_tls(tmp_path)
    assert apart.key is not None
    both = tmp_path / "both.pem"
    both.write_bytes(Path(apart.key).read_bytes() + Path(apart.certificate).read_bytes())
    Tls(both).context()


def test_a_certificate_that_cannot_be_used_is_an_error_that_names_the_files(tmp_path: Path) -> None:
    good = server_tls(tmp_path)
    other = tmp_path / "other.pem"
    other.write_bytes(trustme.CA().issue_cert("localhost").private_key_pem.bytes())
    encrypted = tmp_path / "encrypted.pem"
    encrypted.write_text(
        "-----BEGIN ENCRYPTED PRIVATE KEY-----\n" + "A" * 64 + "\n-----END ENCRYPTED PRIVATE KEY-----\n"
    )
    nonsense = tmp_path / "nonsense.pem"
    nonsense.write_text("nonsense")
    for tls, words in [
        (Tls(tmp_path / "absent.pem", good.key), "No such file"),
        (Tls(good.certificate, tmp_path / "absent.pem"), "No such file"),
        (Tls(good.certificate, other), "do not belong together"),
        (Tls(nonsense, good.key), "not PEM"),
        (Tls(good.certificate), "not PEM"),
    ]:
        with pytest.raises(OSError, match=words) as caught:
            tls.context()
        assert str(tls.certificate) in str(caught.value)
