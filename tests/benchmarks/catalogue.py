"""The benchmarks: for each its work, how it is run, what is read off, and what is promised. Pure values."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

from tests.benchmarks.figures import AtLeast, AtMost, Target, TimesReference

Sample: TypeAlias = Mapping[str, float]
"""The numbers that one run printed."""


@dataclass(frozen=True, slots=True)
class Server:
    """How our side of a load is started."""

    arguments: tuple[str, ...]
    """Of the interpreter; the port comes behind them."""


RAW: Final = Server(("tests/benchmarks/raw_server.py",))
"""The raw protocol; the reference server speaks it too."""


def gateway(*arguments: str) -> Server:
    """``regrow serve``, without an argument the lobby, in Phoenix Channels V2."""
    return Server(("-m", "regrow.gateway", "serve", "--unlimited", *arguments, "--port"))


LOBBY: Final = gateway()


@dataclass(frozen=True, slots=True)
class Load:
    """A run of the load generator against a server."""

    served: Server
    flags: tuple[str, ...]
    reference: tuple[str, ...] | None = None
    """The flags of the run against the reference server that it is compared with; None if with none."""


@dataclass(frozen=True, slots=True)
class Program:
    """A run of a module that measures without sockets and prints its figures as JSON."""

    module: str
    arguments: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Quantity:
    """One figure of a benchmark."""

    label: str
    read: Callable[[Sample], float]
    target: Target | None = None


@dataclass(frozen=True, slots=True)
class Benchmark:
    """One row of the table, or a few that come from the same run."""

    name: str
    """What ``--only`` calls it."""
    work: str
    run: Load | Program
    quantities: tuple[Quantity, ...]


def _field(name: str, scale: float = 1.0) -> Callable[[Sample], float]:
    return lambda sample: sample[name] * scale


def _flags(line: str) -> tuple[str, ...]:
    return tuple(line.split())


_KIB: Final = 1 / 1024
_MILLISECONDS: Final = 1e-3
"""Per microsecond, which is what the generator prints."""

_BUSY_RATE: Final = 3_000_000
"""20 senders x 1,500 messages/s x 100 subscribers."""
_CHANNEL_BUSY_RATE: Final = 2_000_000
"""20 senders x 1,000 messages/s x 100 members."""
_BUSY_SECONDS: Final = 3.0

_SOCKET: Final = ("--path", "/socket/websocket?vsn=2.0.0")
_JOINED: Final = (
    *_SOCKET,
    *("--join", '["1","1","room:lobby","phx_join",{}]', "--join-expect", "phx_reply"),
)
_JOIN_NAMED: Final = '["1","1","room:lobby","phx_join",{"name":"client {id}"}]'
_HIGH_LIMITS: Final = tuple(
    part
    for name in ("message_rate", "message_burst", "join_rate", "join_burst", "accept_rate", "accept_burst")
    for part in ("--set", f"{name}=1000000000")
)
_PING: Final = '["1","{ref}","room:lobby","ping",{"ts":{ts},"body":"{pad}"}]'
_COUNT: Final = '["1",null,"room:lobby","count",{"body":"{pad}"}]'
_ASK: Final = '["1","{ref}","room:lobby","counted",{}]'
_HEARTBEAT: Final = '[null,"{ref}","phoenix","heartbeat",{}]'
_SAY: Final = '["1","{ref}","room:lobby","new_msg",{"ts":{ts},"body":"{pad}"}]'

_IDLE: Final = "connect --conns 10000 --concurrency 200 --hold 2"
_ECHO_32: Final = "echo --conns 100 --size 32 --time 1.5 --warmup 0.4"
_LOCKSTEP: Final = "--size 64 --time 1.5 --warmup 0.4 --lockstep"

_DELIVERIES: Final = _field("deliveries_per_s")
_P50: Final = Quantity("p50 ms", _field("p50_us", _MILLISECONDS))
_P99: Final = Quantity("p99 ms", _field("p99_us", _MILLISECONDS))


def _raw_flags(line: str) -> tuple[str, ...]:
    return (*_flags(line), "--path", "/ws")


def _raw(line: str) -> Load:
    return Load(RAW, _raw_flags(line), _raw_flags(line))


def _channels(line: str, *more: str, served: Server = LOBBY) -> Load:
    return Load(served, (*_flags(line), *_JOINED, *more))


def _named(line: str) -> Load:
    """Clients that join with a name, and so are shown to each other."""
    return Load(LOBBY, (*_flags(line), *_SOCKET, "--join", _JOIN_NAMED, "--join-expect", "phx_reply"))


def _channels_beside_raw(line: str, *more: str) -> Load:
    """Channels here, beside the raw protocol there: what the channel protocol costs on top."""
    return Load(LOBBY, (*_flags(line), *_JOINED, *more), _raw_flags(line))


def _busy(rate: float) -> tuple[Quantity, ...]:
    return (
        # The generator may stop a message of each sender early: a thousandth is granted.
        Quantity("deliveries/s", lambda sample: sample["deliveries"] / _BUSY_SECONDS, AtLeast(0.999 * rate)),
        Quantity("lost", lambda sample: sample["expected"] - sample["deliveries"], AtMost(0)),
        _P50,
        Quantity("p99 ms", _field("p99_us", _MILLISECONDS), AtMost(20)),
    )


def _prices(*variants: tuple[str, str, Server]) -> Iterator[Benchmark]:
    """The work of the lobby again, with one thing switched on: to be read beside the rows without it."""
    for name, what, served in variants:
        yield Benchmark(
            f"price-echo-{name}",
            f"channel echo with {what}",
            _channels(_ECHO_32, "--msg", _PING, "--match", "phx_reply", served=served),
            (Quantity("messages/s", _field("msgs_per_s")), _P99),
        )
        yield Benchmark(
            f"price-broadcast-{name}",
            f"channel broadcast to 100 members with {what}",
            _channels(f"fanout --conns 100 {_LOCKSTEP}", "--msg", _SAY, served=served),
            (Quantity("deliveries/s", _DELIVERIES), _P99),
        )


def _children(kind: str, text: str) -> Benchmark:
    return Benchmark(
        f"children-{kind}",
        f"start 100,000 {text} one by one, then stop them",
        Program("tests.benchmarks.children", (kind,)),
        (
            Quantity("µs to start one", _field("start_us")),
            Quantity("times that as one of 10,000", _field("start_ratio"), AtMost(2)),
            Quantity("µs to stop one", _field("stop_us")),
            Quantity("times that as one of 10,000", _field("stop_ratio"), AtMost(2)),
        ),
    )


BENCHMARKS: Final = (
    Benchmark(
        "echo-32",
        "echo, 100 connections, 32 B",
        _raw(_ECHO_32),
        (Quantity("messages/s", _field("msgs_per_s"), TimesReference(0.7)), _P99),
    ),
    Benchmark(
        "echo-1k",
        "echo, 100 connections, 1 KiB",
        _raw("echo --conns 100 --size 1024 --time 1.5 --warmup 0.4"),
        (Quantity("messages/s", _field("msgs_per_s"), TimesReference(0.7)), _P99),
    ),
    Benchmark(
        "flood",
        "flood, 100 connections, 64 B, counted",
        _raw("flood --conns 100 --size 64 --time 1.5 --drain 30 --stats /stats"),
        (
            Quantity("messages/s", _field("msgs_per_s"), AtLeast(800_000)),
            Quantity("lost", lambda sample: sample["server_expected"] - sample["server_counted"], AtMost(0)),
        ),
    ),
    Benchmark(
        "fanout-1k",
        "fan-out to 1,000 subscribers, lockstep",
        _raw(f"fanout --conns 1000 {_LOCKSTEP}"),
        (Quantity("deliveries/s", _DELIVERIES, TimesReference(0.75)), _P99),
    ),
    Benchmark(
        "fanout-10k",
        "fan-out to 10,000 subscribers, lockstep",
        _raw(f"fanout --conns 10000 {_LOCKSTEP} --concurrency 200"),
        (Quantity("deliveries/s", _DELIVERIES, TimesReference(0.75)), _P99),
    ),
    Benchmark(
        "busy",
        "busy room, 20 senders x 1,500/s, 100 subscribers",
        _raw(f"fanout --conns 100 --senders 20 --rate 1500 --size 64 --time {_BUSY_SECONDS}"),
        _busy(_BUSY_RATE),
    ),
    Benchmark(
        "idle",
        "10,000 idle raw connections",
        _raw(_IDLE),
        (
            Quantity("KiB of RSS each", _field("rss_per_conn_bytes", _KIB), AtMost(1.5)),
            Quantity("connects/s", _field("conn_per_s")),
        ),
    ),
    Benchmark(
        "idle-joined",
        "10,000 idle connections, one channel joined",
        _channels(_IDLE),
        (
            Quantity("KiB of RSS each", _field("rss_per_conn_bytes", _KIB), AtMost(4)),
            Quantity("connects and joins/s", _field("conn_per_s"), AtLeast(6_000)),
        ),
    ),
    Benchmark(
        "channel-echo",
        "channel echo (ping, reply), 100 connections, 32 B",
        _channels_beside_raw(_ECHO_32, "--msg", _PING, "--match", "phx_reply"),
        (Quantity("messages/s", _field("msgs_per_s"), TimesReference(0.5)), _P99),
    ),
    Benchmark(
        "channel-100",
        "channel broadcast to 100 members, lockstep",
        _channels(f"fanout --conns 100 {_LOCKSTEP}", "--msg", _SAY),
        (Quantity("deliveries/s", _DELIVERIES), _P99),
    ),
    Benchmark(
        "channel-1k",
        "channel broadcast to 1,000 members, lockstep",
        _channels_beside_raw(f"fanout --conns 1000 {_LOCKSTEP}", "--msg", _SAY),
        (Quantity("deliveries/s", _DELIVERIES, TimesReference(0.7)), _P99),
    ),
    Benchmark(
        "channel-10k",
        "channel broadcast to 10,000 members, lockstep",
        _channels_beside_raw(f"fanout --conns 10000 {_LOCKSTEP} --concurrency 200", "--msg", _SAY),
        (Quantity("deliveries/s", _DELIVERIES, TimesReference(0.7)), _P99),
    ),
    Benchmark(
        "channel-busy",
        "channel busy room, 20 senders x 1,000/s, 100 members",
        _channels(f"fanout --conns 100 --senders 20 --rate 1000 --size 64 --time {_BUSY_SECONDS}", "--msg", _SAY),
        _busy(_CHANNEL_BUSY_RATE),
    ),
    Benchmark(
        "channel-flood",
        "flood of messages a channel only counts, 100 connections, 64 B",
        _channels(
            "flood --conns 100 --size 64 --time 1.5 --drain 30",
            *("--msg", _COUNT, "--barrier", _ASK, "--barrier-match", "phx_reply", "--stats", "/stats"),
            served=gateway("tests.benchmarks.counting:app"),
        ),
        (
            Quantity("messages/s", _field("msgs_per_s"), AtLeast(350_000)),
            Quantity("lost", lambda sample: sample["server_expected"] - sample["server_counted"], AtMost(0)),
        ),
    ),
    Benchmark(
        "channel-idle",
        "15,000 joined connections, a heartbeat each every 30 s",
        _channels(
            "connect --conns 15000 --concurrency 200 --hold 31",
            *("--heartbeat", _HEARTBEAT, "--heartbeat-every", "30"),
        ),
        (Quantity("% of a core", _field("server_cpu", 100), AtMost(5)),),
    ),
    *_prices(
        ("limits", "limits on, none reached", gateway(*_HIGH_LIMITS)),
        ("compression", "compression offered, not asked for", gateway("--set", "compression_level=1")),
        ("memory-history", "history in memory", gateway("tests.benchmarks.history:memory")),
        ("sqlite-history", "history in SQLite", gateway("tests.benchmarks.history:sqlite")),
        ("tasks-transport", "the transport of tasks", gateway("--transport", "tasks")),
    ),
    Benchmark(
        "presence",
        "join with a name: presence of 1,000 in one room",
        _named("connect --conns 1000 --concurrency 50 --hold 1"),
        (
            Quantity("connects and joins/s", _field("conn_per_s")),
            Quantity("KiB of RSS each", _field("rss_per_conn_bytes", _KIB)),
        ),
    ),
    Benchmark(
        "actors",
        "inline actor",
        Program("tests.benchmarks.inline_actors"),
        (
            Quantity("µs to spawn", _field("spawn_us"), AtMost(10)),
            Quantity("KiB of RSS each", _field("resident_bytes_each", _KIB), AtMost(1)),
            Quantity("µs to send and handle", _field("message_us"), AtMost(2)),
        ),
    ),
    Benchmark(
        "calls",
        "20,000 calls from a task, one after the other",
        Program("tests.benchmarks.calls"),
        (
            Quantity("µs to an inline process, median", _field("to_inline_us"), AtMost(30)),
            Quantity("µs to an inline process, p99", _field("to_inline_p99_us")),
            Quantity("µs to a task, median", _field("to_task_us"), AtMost(60)),
            Quantity("µs to a task, p99", _field("to_task_p99_us")),
        ),
    ),
    Benchmark(
        "supervisors",
        "10,000 inline children, 30 % crash in one tick",
        Program("tests.benchmarks.supervisors"),
        (
            Quantity("ms until all answer again", _field("recovery_ms"), AtMost(100)),
            Quantity("µs to start a child", _field("start_child_us_each")),
        ),
    ),
    _children("inline", "inline children"),
    _children("task", "children that are tasks"),
    Benchmark(
        "code-reload",
        "reload the class of 100,000 living inline actors",
        Program("tests.benchmarks.code_reload"),
        (
            Quantity("ms", _field("reload_ms"), AtMost(120)),
            Quantity("ms of longest stall", _field("stall_ms")),
            Quantity("ms with code_change", _field("converting_ms")),
            Quantity("ms of longest stall with code_change", _field("converting_stall_ms")),
        ),
    ),
    Benchmark(
        "preemption",
        "an endless loop on a node with a budget of 1 s",
        Program("tests.benchmarks.preemption"),
        (
            Quantity("% of a core, idle", _field("idle_cpu_percent")),
            Quantity("% of a core, idle, without a budget", _field("idle_cpu_percent_without")),
            Quantity("ms after the budget, inline", _field("inline_late_ms")),
            Quantity("ms after the budget, task", _field("task_late_ms")),
            Quantity("budgets a neighbour waits, inline", _field("inline_neighbour_budgets"), AtMost(1)),
            Quantity("budgets a neighbour waits, task", _field("task_neighbour_budgets"), AtMost(1)),
        ),
    ),
)


def chosen(names: tuple[str, ...]) -> tuple[Benchmark, ...]:
    """The benchmarks whose names begin with one of ``names``; all if there is none.

    Raises:
        ValueError: a name fits no benchmark.
    """
    for name in names:
        if not any(benchmark.name.startswith(name) for benchmark in BENCHMARKS):
            raise ValueError(f"no benchmark is called {name!r}: there are {', '.join(b.name for b in BENCHMARKS)}")
    return tuple(b for b in BENCHMARKS if not names or any(b.name.startswith(name) for name in names))
