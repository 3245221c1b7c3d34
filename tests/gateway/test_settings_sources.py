"""Settings from a file, the environment and the command line: which counts, and what is said of wrong ones."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regrow.gateway import AnyOrigin, GatewayError, OneOf, SameHost, Settings, SettingsError, load_settings
from regrow.gateway._settings._catalogue import catalogue
from regrow.gateway._settings._reading import read, shown


def toml(folder: Path, text: str) -> Path:
    path = folder / "regrow.toml"
    path.write_text(text)
    return path


def test_without_sources_settings_are_the_defaults() -> None:
    assert load_settings() == Settings()


def test_each_source_goes_over_the_one_before(tmp_path: Path) -> None:
    file = toml(tmp_path, "max_channels = 2\npartitions = 2\nmax_fragments = 2")
    settings = load_settings(
        Settings(max_channels=1, partitions=1, max_fragments=1, outbox_limit=1),
        toml=file,
        environ={"REGROW_PARTITIONS": "3", "REGROW_MAX_FRAGMENTS": "3"},
        options=["max_fragments=4"],
    )
    assert settings == Settings(outbox_limit=1, max_channels=2, partitions=3, max_fragments=4)


def test_of_two_options_for_one_setting_the_later_counts() -> None:
    assert load_settings(options=["max_channels=1", "max-channels = 2"]).max_channels == 2


VALUES = [
    ("max_message_size", "1000", "1000", 1000),
    ("max_connections", "inf", "inf", math.inf),
    ("message_rate", "2.5", "2.5", 2.5),
    ("message_rate", "3", "3", 3.0),
    ("origins", '"same-host"', "same-host", SameHost()),
    ("origins", '"any"', "any", AnyOrigin()),
    ("origins", '["https://a.b", "http://c"]', "https://a.b,http://c", OneOf(frozenset(("https://a.b", "http://c")))),
    ("trusted_proxies", '["10.0.0.0/8", "unix"]', "10.0.0.0/8, unix", ("10.0.0.0/8", "unix")),
    ("trusted_proxies", "[]", "", ()),
    ("proxy_header", '"forwarded"', "forwarded", "forwarded"),
]


@pytest.mark.parametrize(("name", "in_toml", "in_text", "value"), VALUES)
def test_a_value_means_the_same_wherever_it_is_written(
    name: str, in_toml: str, in_text: str, value: object, tmp_path: Path
) -> None:
    for settings in (
        load_settings(toml=toml(tmp_path, f"{name} = {in_toml}")),
        load_settings(environ={f"REGROW_{name.upper()}": in_text}),
        load_settings(options=[f"{name}={in_text}"]),
    ):
        assert getattr(settings, name) == value


@given(st.data())
def test_every_setting_can_be_given_as_it_is_shown(data: st.DataObject) -> None:
    setting = data.draw(st.sampled_from(list(catalogue().values())))
    numbers: dict[Any, st.SearchStrategy[Any]] = {
        int: st.integers(1, 9 if setting.name == "compression_level" else 10**9),
        float: st.floats(0.001, allow_nan=False).map(lambda number: max(1.0, number)),
    }
    value = data.draw(numbers.get(setting.kind, st.just(setting.default)))
    assert getattr(load_settings(options=[f"{setting.name}={shown(value)}"]), setting.name) == value


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("max_mesage_size = 5", "max_mesage_size: there is no such setting; did you mean max_message_size?"),
        ("zzz = 5", "zzz: there is no such setting; `regrow settings` lists them all"),
        ("max_channels = 2.5", "max_channels = 2.5: must be a whole number"),
        ("max_channels = true", "max_channels = True: must be a whole number"),
        ("max_channels = [1]", "max_channels = [1]: must be a whole number"),
        ("message_rate = 'often'", "message_rate = 'often': must be a number, or inf for no limit"),
        ("message_rate = nan", "message_rate = nan: must be more than 0"),
        ("max_channels = 0", "max_channels = 0: must be at least 1"),
        ("origins = 5", "origins = 5: must be same-host, any, or a list of origins like https://example.com"),
        ("origins = []", "origins = []: must be same-host, any, or a list of origins like https://example.com"),
        ("trusted_proxies = [5]", "trusted_proxies = [5]: must be a list of texts"),
        ("proxy_header = 'x-real-ip'", "proxy_header = 'x-real-ip': must be one of x-forwarded-for, forwarded"),
        ("max_channels = x", "is not a TOML file: Invalid value (at line 1, column 16)"),
    ],
)
def test_what_is_wrong_in_a_file_is_one_line_with_its_place(text: str, said: str, tmp_path: Path) -> None:
    file = toml(tmp_path, text)
    with pytest.raises(SettingsError) as caught:
        load_settings(toml=file)
    assert str(caught.value) == f"{file}: {said}"


def test_a_file_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"nowhere\.toml: cannot be read: No such file or directory$"):
        load_settings(toml=tmp_path / "nowhere.toml")


def test_a_file_that_is_no_text_is_one_line(tmp_path: Path) -> None:
    file = tmp_path / "regrow.toml"
    file.write_bytes(b"\xff\xfe")
    with pytest.raises(SettingsError, match="is not a TOML file"):
        load_settings(toml=file)


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        (
            "REGROW_MAX_CONNECTION",
            "5",
            "REGROW_MAX_CONNECTION: there is no such setting; did you mean REGROW_MAX_CONNECTIONS?",
        ),
        ("REGROW_MAX_CHANNELS", "many", "REGROW_MAX_CHANNELS = 'many': must be a whole number"),
        ("REGROW_MAX_CHANNELS", "", "REGROW_MAX_CHANNELS = '': must be a whole number"),
        ("REGROW_MAX_CHANNELS", "-1", "REGROW_MAX_CHANNELS = -1: must be at least 1"),
    ],
)
def test_what_is_wrong_in_the_environment_is_named(name: str, value: str, said: str) -> None:
    with pytest.raises(SettingsError) as caught:
        load_settings(environ={name: value})
    assert str(caught.value) == said


def test_variables_of_others_are_left_alone() -> None:
    environ = {
        "PATH": "/bin",
        "regrow_max_channels": "1",
        "REGROW_TOKEN_SECRET": "x",
        "REGROW_SERVICE_HOST": "10.0.0.1",
        "REGROW_SERVICE_PORT_HTTP": "80",
        "REGROW_PORT": "tcp://10.0.0.1:80",
        "REGROW_PORT_80_TCP_ADDR": "10.0.0.1",
    }
    assert load_settings(environ=environ) == Settings()


@pytest.mark.parametrize(
    ("option", "said"),
    [
        ("max_channels", "--set max_channels: must be NAME=VALUE, for example --set max_message_size=65536"),
        ("max_chanels=1", "--set max_chanels: there is no such setting; did you mean max_channels?"),
        ("max_channels=1.5", "--set max_channels = '1.5': must be a whole number"),
    ],
)
def test_what_is_wrong_in_an_option_is_named(option: str, said: str) -> None:
    with pytest.raises(SettingsError) as caught:
        load_settings(options=[option])
    assert str(caught.value) == said


@given(st.text(), st.text())
def test_whatever_is_given_is_taken_or_refused_in_one_line(name: str, value: str) -> None:
    for given_name in (name, "max_channels", "origins", "trusted_proxies", "message_rate", "proxy_header"):
        said = ""
        try:
            load_settings(options=[f"{given_name}={value}"])
        except GatewayError as error:
            said = str(error)
        assert said.isprintable()


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        (bool, "true", True),
        (bool, "0", False),
        (str, "5", "5"),
        (int | None, "5", 5),
        (Path, "a/b", Path("a/b")),
        (Literal["a", "b"], "b", "b"),
        (frozenset[str], "a,b", frozenset(("a", "b"))),
    ],
)
def test_a_field_of_any_type_can_be_given_as_text(kind: Any, text: str, value: object) -> None:
    assert read(kind, text) == value
