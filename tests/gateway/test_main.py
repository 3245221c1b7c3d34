"""``python -m regrow.gateway serve``, as a process of its own."""

from __future__ import annotations

import functools
import signal
import socket
import sys
from importlib.metadata import EntryPoint
from typing import TYPE_CHECKING, ParamSpec

import pytest
import trio
from typer.testing import CliRunner

from regrow.gateway import Tokens
from regrow.gateway.__main__ import _add_commands, app
from regrow.gateway._settings._catalogue import catalogue
from tests.support.command import run_command
from tests.support.phoenix_client import PATH, PhoenixClient, join
from tests.support.raw_client import RawClient
from tests.support.tls import TlsClient, server_tls

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

P = ParamSpec("P")

APP = """
from regrow.gateway import Echo, Gateway, Settings

gateway = Gateway(routes={"/mine": Echo})
hasty = Gateway(routes={"/mine": Echo}, settings=Settings(close_timeout=0.1))
number = 42
"""


def command_test(test: Callable[P, Awaitable[None]]) -> Callable[P, None]:
    """Make a test of an async function, under trio's own clock: the command has its own too."""

    @functools.wraps(test)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        trio.run(functools.partial(test, *args, **kwargs))

    return run


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@command_test
async def test_the_lobby_is_served_until_a_signal_which_closes_with_1012_and_exits_0(
    number: signal.Signals, tmp_path: Path
) -> None:
    async with run_command("serve", "--port", "0", cwd=tmp_path) as command:
        client = PhoenixClient(await RawClient.connect(await command.port()))
        await client.raw.upgrade(PATH)
        assert (await client.ask(join("1", "room:tea"))).payload["status"] == "ok"
        command.process.send_signal(number)
        assert (await client.goodbye()).code == 1012
        await client.raw.say_goodbye(1012)
        assert await client.raw.is_ended()
        await client.raw.aclose()
        assert await command.exit_status() == 0
        assert "Traceback" not in command.said


@command_test
async def test_a_client_that_does_not_answer_delays_the_end_by_the_close_timeout_at_most(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(APP)
    async with run_command("serve", "app:hasty", "--port", "0", cwd=tmp_path) as command:
        client = await RawClient.connect(await command.port())
        await client.upgrade("/mine")
        command.process.send_signal(signal.SIGTERM)
        assert await client.close_code() == 1012
        with trio.fail_after(5):
            assert await command.exit_status() == 0
        await client.aclose()


@command_test
async def test_a_second_signal_leaves_at_once(tmp_path: Path) -> None:
    async with run_command("serve", "--port", "0", cwd=tmp_path) as command:
        client = await RawClient.connect(await command.port())
        phoenix = PhoenixClient(await RawClient.connect(await command.port()))
        await client.upgrade()
        await phoenix.raw.upgrade(PATH)
        assert (await phoenix.ask(join("1", "room:tea"))).payload["status"] == "ok"
        command.process.send_signal(signal.SIGTERM)
        assert await client.close_code() == 1012
        command.process.send_signal(signal.SIGTERM)
        with trio.fail_after(4):  # less than the five seconds that clients have to say goodbye
            assert await command.exit_status() == 0
        assert "Traceback" not in command.said
        assert "crashed" not in command.said
        for one in (client, phoenix.raw):
            await one.aclose()


@command_test
async def test_a_gateway_of_ones_own_is_served_from_the_current_folder(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(APP)
    async with run_command("serve", "app:gateway", "--port", "0", cwd=tmp_path) as command:
        client = await RawClient.connect(await command.port())
        await client.upgrade("/mine")
        assert await client.echoes()
        await client.aclose()


@pytest.mark.parametrize(
    ("target", "words"),
    [
        ("nosuch:app", "cannot import 'nosuch'"),
        ("app", "is not of the form MODULE:APP"),
        ("app:", "is not of the form MODULE:APP"),
        (":gateway", "is not of the form MODULE:APP"),
        ("app:nosuch", "'app' has no attribute 'nosuch'"),
        ("app:number", "app:number is int, not a regrow.gateway.Gateway"),
    ],
)
@command_test
async def test_a_target_that_is_no_gateway_is_one_line_and_a_failure(target: str, words: str, tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(APP)
    async with run_command("serve", target, "--port", "0", cwd=tmp_path) as command:
        assert await command.exit_status() == 1
        (line,) = command.said.splitlines()
        assert line.startswith("regrow: ")
        assert words in line


@command_test
async def test_a_port_that_is_taken_is_one_line_and_a_failure() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        async with run_command("serve", "--port", str(port)) as command:
            assert await command.exit_status() == 1
            assert command.said == f"regrow: cannot listen on 127.0.0.1:{port}: Address already in use\n"


@command_test
async def test_it_listens_on_every_address_that_is_given(tmp_path: Path) -> None:
    tls, path = server_tls(tmp_path), tmp_path / "socket"
    files = ("--certificate", str(tls.certificate), "--key", str(tls.key))
    listen = ("--listen", "127.0.0.1:0", "--listen", "https://127.0.0.1:0", "--listen", f"unix:{path}")
    async with run_command("serve", *listen, *files) as command:
        assert (await command.line_with("unix:")).endswith(f"listening on unix:{path}")
        secure = int((await command.line_with("https:")).rpartition(":")[2])
        clients = [await RawClient.connect(await command.port()), await TlsClient.to(secure)]
        for client in clients:
            await client.upgrade()
            assert await client.echoes()
            await client.reset()
        command.process.send_signal(signal.SIGTERM)
        assert await command.exit_status() == 0
        assert not path.exists()


@command_test
async def test_a_certificate_without_addresses_makes_the_usual_one_https(tmp_path: Path) -> None:
    tls = server_tls(tmp_path)
    command_line = ("serve", "--port", "0", "--certificate", str(tls.certificate), "--key", str(tls.key))
    async with run_command(*command_line, "--transport", "tasks") as command:
        assert "https://127.0.0.1:" in await command.line_with("listening on")
        client = await TlsClient.to(await command.port())
        await client.upgrade()
        assert await client.echoes()
        await client.reset()


@pytest.mark.parametrize(
    ("options", "line"),
    [
        (["--listen", "nowhere"], "--listen: 'nowhere' is not an address: write 127.0.0.1:4000, "),
        (
            ["--listen", "https://127.0.0.1:0"],
            "--listen: 'https://127.0.0.1:0' needs a certificate: give --certificate",
        ),
        (
            ["--listen", "127.0.0.1:0", "--certificate", "c.pem"],
            "--certificate: no --listen address begins with https:",
        ),
        (["--key", "k.pem"], "--key: needs --certificate"),
        (["--certificate", "c.pem"], "cannot listen on 127.0.0.1:4000: certificate c.pem: No such file or directory"),
        (["--listen", "unix:/no/such/folder/s"], "cannot listen on unix:/no/such/folder/s: No such file or directory"),
    ],
)
@command_test
async def test_an_address_that_cannot_be_is_one_line_and_a_failure(options: list[str], line: str) -> None:
    async with run_command("serve", *options) as command:
        assert await command.exit_status() == 1
        (said,) = command.said.splitlines()
        assert said.startswith(f"regrow: {line}")


@command_test
async def test_a_path_that_is_taken_is_one_line_and_a_failure(tmp_path: Path) -> None:
    path = tmp_path / "socket"
    with socket.socket(socket.AF_UNIX) as taken:
        taken.bind(str(path))
        taken.listen()
        async with run_command("serve", "--listen", f"unix:{path}") as command:
            assert await command.exit_status() == 1
            assert command.said == f"regrow: cannot listen on unix:{path}: Address already in use\n"


@command_test
async def test_a_transport_that_is_none_is_a_usage_error() -> None:
    async with run_command("serve", "--transport", "pigeons") as command:
        assert await command.exit_status() == 2
        assert "'readiness'" in command.said


@command_test
async def test_without_limits_it_warns_and_serves() -> None:
    async with run_command("serve", "--port", "0", "--unlimited") as command:
        port = await command.port()
        assert command.said.startswith("WARNING: --unlimited")
        client = await RawClient.connect(port)
        await client.upgrade()
        for _ in range(3):
            await client.send_text(*map(str, range(50)))
            assert [await client.text() for _ in range(50)] == list(map(str, range(50)))
        await client.aclose()


SECRET = {"REGROW_TOKEN_SECRET": "s" * 32}


@command_test
async def test_settings_of_a_file_the_environment_and_options_are_served(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(APP)
    (tmp_path / "regrow.toml").write_text("max_message_size = 10\nmax_fragments = 3\n")
    options = ("--config", "regrow.toml", "--set", "max_message_size=20")
    async with run_command("serve", "app:gateway", "--port", "0", *options, cwd=tmp_path) as command:
        client = await RawClient.connect(await command.port())
        await client.upgrade("/mine")
        assert await client.echoes("x" * 20)
        await client.send_text("x" * 21)
        assert await client.close_code() == 1009
        await client.aclose()


@pytest.mark.parametrize("name", ["serve", "settings"])
@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--set", "max_chanels=1"), "--set max_chanels: there is no such setting; did you mean max_channels?"),
        (("--set", "max_channels=x"), "--set max_channels = 'x': must be a whole number"),
        (("--config", "nowhere.toml"), "nowhere.toml: cannot be read: No such file or directory"),
        (("nosuch:app",), "cannot import 'nosuch': No module named 'nosuch'"),
    ],
)
def test_a_wrong_setting_is_one_line_and_a_failure(name: str, options: tuple[str, ...], said: str) -> None:
    result = CliRunner().invoke(app, [name, *options])
    assert (result.exit_code, result.output) == (1, f"regrow: {said}\n")


def test_a_wrong_variable_is_one_line_and_a_failure() -> None:
    result = CliRunner(env={"REGROW_MAX_CHANELS": "1"}).invoke(app, ["serve"])
    said = "regrow: REGROW_MAX_CHANELS: there is no such setting; did you mean REGROW_MAX_CHANNELS?\n"
    assert (result.exit_code, result.output) == (1, said)


def test_settings_are_shown_with_value_source_default_and_meaning() -> None:
    runner = CliRunner(env={"REGROW_PARTITIONS": "3"})
    result = runner.invoke(app, ["settings", "--set", "max_channels=7"])
    assert result.exit_code == 0
    rows = {name: rest for name, *rest in (line.split("\t") for line in result.output.splitlines())}
    assert rows["setting"] == ["value", "from", "default", "meaning"]
    assert rows["max_channels"] == ["7", "--set", "100", "Topics joined through one socket."]
    assert rows["partitions"][:3] == ["3", "REGROW_PARTITIONS", "8"]
    assert rows["max_fragments"][:3] == ["1024", "", "1024"]
    assert rows.keys() - {"setting"} == catalogue().keys()


def test_the_settings_of_a_gateway_are_shown_as_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "frugal.py").write_text(
        "from regrow.gateway import Gateway, Settings\napp = Gateway(routes={}, settings=Settings(max_channels=7))\n"
    )
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    result = CliRunner().invoke(app, ["settings", "frugal:app"])
    assert "max_channels\t7\tthe gateway\t100\t" in result.output


def test_a_token_is_printed_that_the_gateway_verifies() -> None:
    result = CliRunner(env=SECRET).invoke(app, ["token", "ann", "--claim", 'rooms=["tea"]', "--claim", "color=red"])
    claims = Tokens(secrets=("s" * 32,)).verify(result.output.strip())
    assert (claims.subject, claims.more) == ("ann", {"rooms": ["tea"], "color": "red"})


@pytest.mark.parametrize(
    ("env", "options", "said"),
    [
        ({}, (), "no secret: set REGROW_TOKEN_SECRET to the one your gateway verifies with"),
        (SECRET, ("--claim", "x"), "--claim x: must be NAME=VALUE, for example --claim room=tea"),
        (SECRET, ("--claim", "exp=1"), "exp: is written by sign itself"),
        (SECRET, ("--max-age", "0"), "max_age=0.0: must be more than 0"),
    ],
)
def test_a_token_that_cannot_be_made_is_one_line_and_a_failure(
    env: dict[str, str], options: tuple[str, ...], said: str
) -> None:
    result = CliRunner(env=env).invoke(app, ["token", "ann", *options])
    assert (result.exit_code, result.output) == (1, f"regrow: {said}\n")


@pytest.mark.parametrize("port", ["-1", "65536", "x"])
@command_test
async def test_a_port_that_is_none_is_a_usage_error(port: str) -> None:
    async with run_command("serve", "--port", port) as command:
        assert await command.exit_status() == 2
        assert "Traceback" not in command.said


def test_a_command_whose_extra_is_not_installed_says_which_one_it_needs() -> None:
    _add_commands([EntryPoint("absent", "no_such_package:commands", "regrow.commands")])
    result = CliRunner().invoke(app, ["absent", "run", "anything", "--json", "file"])
    assert result.exit_code == 1
    assert result.output == (
        "regrow: the command 'absent' needs the extra regrow[absent]: No module named 'no_such_package'\n"
    )
