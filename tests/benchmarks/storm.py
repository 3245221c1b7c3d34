"""Ten thousand clients come at once: ``python -m tests.benchmarks.storm WSLOAD [--clients N]``.

A room of 100 members talks by the clock, first alone, then while the crowd connects and joins another room as fast as
it can, on ``regrow serve`` with its default limits but for the one on connections from one address. What the members
wait for each other's messages is what a storm costs them. The figures are printed as JSON.
"""

# ruff: noqa: S603, T201
# It runs the program its user names, and speaks through print.

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from typing import Final

import msgspec

from tests.benchmarks.cores import pinned, raise_descriptor_limit, two_cores
from tests.benchmarks.errors import CannotRunError, RunFailedError
from tests.benchmarks.server import free_port, serving

_PATH: Final = ("--path", "/socket/websocket?vsn=2.0.0", "--join-expect", "phx_reply", "--src", "8")
_SAY: Final = '["1","{ref}","room:talk","new_msg",{"ts":{ts},"body":"{pad}"}]'
_TALK: Final = (
    *("fanout", "--conns", "100", "--senders", "10", "--rate", "10", "--size", "64", "--msg", _SAY),
    *("--join", '["1","1","room:talk","phx_join",{}]'),
)
_CROWD: Final = ("connect", "--hold", "1", "--conn-timeout", "60", "--join", '["1","1","room:crowd","phx_join",{}]')
_CALM: Final = 4
_LONG: Final = 20
"""Seconds the room talks alone, and together with the storm."""
_TIMEOUT: Final = 120.0

_SERVER: Final = (
    *("-m", "regrow.gateway", "serve", "--log-level", "warning", "--set", "history_path=off"),
    *("--set", "max_connections_per_address=inf", "--port"),
)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.storm")
    parser.add_argument("wsload", help="the built load generator")
    parser.add_argument("--clients", type=int, default=10_000, help="how many come at once (default: %(default)s)")
    options = parser.parse_args()
    try:
        print(json.dumps(storm(options.wsload, options.clients), indent=1))
    except (CannotRunError, RunFailedError) as error:
        print(f"storm: {error}", file=sys.stderr)
        return 2
    return 0


def storm(wsload: str, clients: int) -> dict[str, float]:
    """Run it once."""
    raise_descriptor_limit()
    cores = two_cores()
    port = free_port()
    with serving([sys.executable, *_SERVER, str(port)], port, cores.server), pinned(cores.generator):
        target = (*_PATH, "--port", str(port))
        calm = _figures(_start([wsload, *_TALK, "--time", str(_CALM), *target]))
        talking = _start([wsload, *_TALK, "--time", str(_LONG), *target])
        time.sleep(2)  # the room is talking by then
        crowd = _figures(_start([wsload, *_CROWD, "--conns", str(clients), "--concurrency", str(clients), *target]))
        stormy = _figures(talking)
    return {
        "came": crowd["conns"],
        "joined": crowd["achieved"],
        "turned_away": crowd["failed"],
        "seconds_until_the_last_had_joined": crowd["connect_s"],
        "calm_p50_ms": calm["p50_us"] / 1000,
        "calm_p99_ms": calm["p99_us"] / 1000,
        "calm_max_ms": calm["max_us"] / 1000,
        "storm_p50_ms": stormy["p50_us"] / 1000,
        "storm_p99_ms": stormy["p99_us"] / 1000,
        "storm_max_ms": stormy["max_us"] / 1000,
        "members_dropped": stormy["closed_by_server"],
        "messages_lost": stormy["expected"] - stormy["deliveries"],
    }


def _start(command: list[str]) -> subprocess.Popen[str]:
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def _figures(process: subprocess.Popen[str]) -> dict[str, float]:
    """What a run of the generator prints."""
    try:
        said, complained = process.communicate(timeout=_TIMEOUT)
    except BaseException:
        process.kill()
        process.wait()
        raise
    try:
        fields = msgspec.json.decode(said, type=dict[str, object])
    except msgspec.DecodeError:
        raise RunFailedError(f"the generator said: {(said + complained)[-500:].strip()}") from None
    return {name: float(value) for name, value in fields.items() if isinstance(value, int | float)}


if __name__ == "__main__":
    sys.exit(main())
