"""Applications: trees that start and stop as one (otp.md 1.12, and what a real BEAM does)."""

from __future__ import annotations

import logging
from functools import partial
from typing import Any, ClassVar

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from regrow.actors import (
    KILL,
    KILLED,
    NORMAL,
    SHUTDOWN,
    BadReturn,
    Crash,
    CrashReport,
    Failure,
    GenServer,
    NodeStoppedError,
    Pid,
    Reply,
    Shutdown,
    call,
    cast,
    exit_,
    exit_signal,
    monitor,
    open_node,
    spawn,
    spawn_monitor,
    stop,
    whereis,
)
from regrow.supervisors import (
    Application,
    ApplicationAlreadyStartedError,
    ApplicationCallbackFailed,
    ApplicationDeadlockError,
    ApplicationExited,
    ApplicationExitedError,
    ApplicationInfo,
    ApplicationNotStartedError,
    ApplicationRestart,
    ApplicationStarted,
    ApplicationStartError,
    ApplicationStopped,
    BadApplicationError,
    BadOptionError,
    ChildSpec,
    ConfigChangeError,
    StartType,
    Supervisor,
    change_config,
    delete_env,
    ensure_all_started,
    get_all_env,
    get_application,
    get_env,
    put_env,
    start_application,
    stop_application,
    which_applications,
)
from tests.support.applications import Boundless, Broken, Dependent, Recorded, Storage, Web, diary
from tests.support.assertions import death_of
from tests.support.supervised import reports_of
from tests.support.trio_test import trio_test

PERMANENT, TRANSIENT, TEMPORARY = ApplicationRestart


@pytest.fixture(autouse=True)
def blank_diary() -> None:
    diary()


def running() -> list[type[Application]]:
    return [info.application for info in which_applications()]


def top_of(application: type[Application]) -> Pid:
    return next(info.supervisor for info in which_applications() if info.application is application)


async def ended(application: type[Application], reason: Any) -> None:
    """End the top supervisor of an application as if by itself."""
    await stop(top_of(application), reason)
    await wait_all_tasks_blocked()


# Starting.


@trio_test
async def test_an_application_runs_once_its_tree_does() -> None:
    async with open_node() as node:
        reports = reports_of(node)
        await start_application(Recorded)

        assert diary() == ["start normal args", "w+"]
        (info,) = which_applications()
        assert info == ApplicationInfo(Recorded, TEMPORARY, info.supervisor)
        assert info.supervisor.is_alive
        assert ApplicationStarted("Recorded") in reports


@trio_test
async def test_an_application_that_runs_cannot_be_started() -> None:
    async with open_node():
        await start_application(Recorded)
        with pytest.raises(ApplicationAlreadyStartedError) as error:
            await start_application(Recorded)
        assert error.value.application == "Recorded"


@trio_test
async def test_those_it_needs_must_run() -> None:
    async with open_node():
        with pytest.raises(ApplicationNotStartedError) as error:
            await start_application(Web)
        assert (error.value.application, error.value.wanted_by) == ("Storage", "Web")
        await start_application(Storage)
        await start_application(Web)
        assert running() == [Web, Storage]


@trio_test
async def test_one_that_has_exited_does_not_run_for_those_that_need_it() -> None:
    # A BEAM says {not_running, Dep} here.
    async with open_node():
        await start_application(Storage)
        await ended(Storage, SHUTDOWN)
        with pytest.raises(ApplicationNotStartedError):
            await start_application(Web)


@trio_test
async def test_one_that_has_exited_can_be_started_again() -> None:
    async with open_node():
        await start_application(Storage)
        await ended(Storage, SHUTDOWN)
        await start_application(Storage)
        assert running() == [Storage]


@trio_test
async def test_a_start_that_fails_says_why() -> None:
    async with open_node() as node:
        reports = reports_of(node)
        for reason in (Failure("nope"), SHUTDOWN, NORMAL):
            put_env(Broken, "start", partial(exit_, reason))
            with pytest.raises(ApplicationStartError) as error:
                await start_application(Broken)
            assert (error.value.application, error.value.reason) == ("Broken", reason)
        assert [report for report in reports if not isinstance(report, ApplicationStarted)] == [
            ApplicationExited("Broken", Failure("nope"), TEMPORARY),
            ApplicationExited("Broken", SHUTDOWN, TEMPORARY),
            ApplicationStopped("Broken", TEMPORARY),
        ]
        assert running() == []


@trio_test
async def test_a_crash_in_start_is_the_reason() -> None:
    def boom() -> None:
        raise RuntimeError("told to")

    async with open_node():
        put_env(Broken, "start", boom)
        with pytest.raises(ApplicationStartError) as error:
            await start_application(Broken)
        assert isinstance(error.value.reason, Crash)
        assert error.value.reason.message == "told to"


@trio_test
async def test_start_has_to_return_a_pid() -> None:
    async with open_node():
        put_env(Broken, "start", lambda: "hello")
        with pytest.raises(ApplicationStartError) as error:
            await start_application(Broken)
        assert error.value.reason == BadReturn("Broken.start", "'hello'", "the Pid of the top supervisor")


@trio_test
async def test_a_top_supervisor_that_fails_gives_its_reason() -> None:
    async def child() -> Pid:
        raise RuntimeError("told to")

    class Childish(Application):
        async def start(self, start_type: StartType, args: Any) -> Pid:
            return await Supervisor.start_link([ChildSpec("x", child)])

    async with open_node():
        with pytest.raises(ApplicationStartError) as error:
            await start_application(Childish)
        assert isinstance(error.value.reason, Shutdown)


@trio_test
async def test_who_asks_while_it_starts_gets_the_same_answer() -> None:
    gate = trio.Event()

    class Slow(Application):
        async def start(self, start_type: StartType, args: Any) -> Pid:
            await gate.wait()
            return await Supervisor.start_link([])

    async with open_node():
        _, first = spawn_monitor(start_application, Slow)
        _, second = spawn_monitor(start_application, Slow)
        await wait_all_tasks_blocked()
        assert running() == []
        gate.set()
        assert [await death_of(first), await death_of(second)] == [NORMAL, NORMAL]
        assert running() == [Slow]


@trio_test
async def test_start_may_ask_about_applications_and_start_others() -> None:
    seen: list[Any] = []

    class Curious(Application):
        env: ClassVar = {"depth": 3}

        async def start(self, start_type: StartType, args: Any) -> Pid:
            await ensure_all_started(Storage)
            seen.extend([running(), get_env(Curious, "depth"), get_application()])
            return await Supervisor.start_link([])

    async with open_node():
        await start_application(Curious)
        assert seen == [[Storage], 3, Curious]


@trio_test
async def test_an_application_that_waits_for_itself_is_told_so() -> None:
    class Navel(Application):
        async def start(self, start_type: StartType, args: Any) -> Pid:
            with pytest.raises(ApplicationDeadlockError):
                await start_application(Navel)
            return await Supervisor.start_link([])

        async def prep_stop(self) -> None:
            with pytest.raises(ApplicationDeadlockError):
                await stop_application(Navel)

    async with open_node() as node:
        reports = reports_of(node)
        await start_application(Navel)
        await stop_application(Navel)
        assert not [report for report in reports if isinstance(report, ApplicationCallbackFailed)]


@trio_test
async def test_phases_are_gone_through_in_order_when_the_tree_runs() -> None:
    class Phased(Recorded):
        start_phases = (("one", 1), ("two", 2))

    async with open_node():
        await start_application(Phased)
        assert diary() == ["start normal args", "w+", "phase one normal 1", "phase two normal 2"]


@trio_test
async def test_a_phase_that_fails_takes_the_tree_down() -> None:
    # A BEAM leaves the tree behind.
    class Phased(Recorded):
        start_phases = (("one", 1), ("two", "fail"), ("three", 3))

    async with open_node() as node:
        with pytest.raises(ApplicationStartError, match="no phase for two"):
            await start_application(Phased)
        assert diary() == ["start normal args", "w+", "phase one normal 1", "phase two normal fail", "w-"]
        assert node.pids() == [node.main, whereis("application_controller")]


@trio_test
async def test_two_applications_of_one_name_cannot_be() -> None:
    class Impostor(Application):
        name = "Storage"

    async with open_node():
        await start_application(Storage)
        with pytest.raises(BadApplicationError, match="name"):
            await start_application(Impostor)


@trio_test
async def test_bad_arguments_are_refused_before_anything_starts() -> None:
    async with open_node() as node:
        with pytest.raises(BadOptionError, match="application must be a subclass of Application"):
            await start_application("Storage")  # type: ignore[arg-type]
        with pytest.raises(BadOptionError, match="restart must be an ApplicationRestart"):
            await start_application(Storage, restart="always")  # type: ignore[arg-type]
        assert node.pids() == [node.main]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""),
        ("applications", [Storage]),
        ("applications", ("Storage",)),
        ("env", {1: 2}),
        ("env", None),
        ("start_phases", ("one",)),
        ("start_phases", ((1, 2),)),
    ],
)
def test_a_bad_field_is_refused_when_the_class_is_made(field: str, value: object) -> None:
    with pytest.raises(BadApplicationError, match=f"Bad.{field} must be"):
        type("Bad", (Application,), {field: value})


# Stopping.


@trio_test
async def test_on_request_it_prepares_then_its_tree_goes_then_it_cleans_up() -> None:
    async with open_node() as node:
        await start_application(Recorded)
        diary()
        reports = reports_of(node)
        await stop_application(Recorded)

        assert diary() == ["prep_stop", "w-", "stop"]
        assert reports == [ApplicationStopped("Recorded", TEMPORARY)]
        assert running() == []
        with pytest.raises(ApplicationNotStartedError):
            await stop_application(Recorded)


@trio_test
async def test_when_the_tree_ends_by_itself_it_prepares_and_cleans_up_all_the_same() -> None:
    async with open_node():
        await start_application(Recorded)
        diary()
        await ended(Recorded, SHUTDOWN)
        assert diary() == ["w-", "prep_stop", "stop"]


@trio_test
async def test_stopping_one_that_has_exited_is_no_error_once() -> None:
    async with open_node():
        await start_application(Storage)
        await ended(Storage, SHUTDOWN)
        await stop_application(Storage)
        with pytest.raises(ApplicationNotStartedError):
            await stop_application(Storage)


@trio_test
async def test_the_last_callbacks_may_fail() -> None:
    class Clumsy(Recorded):
        def prep_stop(self) -> None:
            raise RuntimeError("prepare")

        async def stop(self) -> None:
            raise RuntimeError("stop")

    async with open_node() as node:
        reports = reports_of(node)
        await start_application(Clumsy)
        await stop_application(Clumsy)
        assert diary() == ["start normal args", "w+", "w-"]
        failed = [report for report in reports if isinstance(report, ApplicationCallbackFailed)]
        assert [(report.application, report.callback) for report in failed] == [
            ("Clumsy", "prep_stop"),
            ("Clumsy", "stop"),
        ]


@trio_test
async def test_attributes_are_the_state_of_one_start() -> None:
    seen: list[int] = []

    class Counting(Application):
        started = 0

        async def start(self, start_type: StartType, args: Any) -> Pid:
            self.started += 1
            return await Supervisor.start_link([])

        def stop(self) -> None:
            seen.append(self.started)

    async with open_node():
        for _ in range(2):
            await start_application(Counting)
            await stop_application(Counting)
        assert seen == [1, 1]


@trio_test
async def test_what_its_processes_leave_behind_is_killed() -> None:
    async with open_node() as node:
        await start_application(Boundless)
        stray = node.whereis("stray")
        assert stray is not None
        assert get_application(stray) is Boundless
        ref = monitor(stray)
        await stop_application(Boundless)
        assert await death_of(ref) is KILLED


@trio_test
async def test_a_process_of_no_application_belongs_to_none() -> None:
    async with open_node() as node:
        assert get_application() is None
        await start_application(Storage)
        assert get_application(top_of(Storage)) is Storage
        assert get_application(node.main) is None


@trio_test
async def test_what_is_asked_while_it_stops_comes_after_that() -> None:
    gate = trio.Event()

    class Reluctant(Recorded):
        async def stop(self) -> None:
            await gate.wait()

    async with open_node():
        await start_application(Reluctant)
        _, stopping = spawn_monitor(stop_application, Reluctant)
        await wait_all_tasks_blocked()
        assert running() == []
        _, starting = spawn_monitor(start_application, Reluctant)
        await wait_all_tasks_blocked()
        assert running() == []
        gate.set()
        assert [await death_of(stopping), await death_of(starting)] == [NORMAL, NORMAL]
        assert running() == [Reluctant]


# What an end leads to.


@pytest.mark.parametrize("reason", [NORMAL, SHUTDOWN, Shutdown("x"), Failure("boom")], ids=str)
@pytest.mark.parametrize("restart", ApplicationRestart)
def test_the_node_ends_with_those_it_needs(restart: ApplicationRestart, reason: Any) -> None:
    # The table of section 1.12, each case run on OTP 25.
    node_ends = restart is PERMANENT or (restart is TRANSIENT and reason is not NORMAL)
    survived: list[bool] = []

    @trio_test
    async def run() -> None:
        async with open_node() as node:
            reports = reports_of(node)
            await start_application(Storage, restart=restart)
            await stop(top_of(Storage), reason)
            try:
                await trio.sleep(1)
                survived.append(True)
            finally:
                expected = (
                    ApplicationStopped("Storage", restart)
                    if reason is NORMAL
                    else ApplicationExited("Storage", reason, restart)
                )
                assert expected in reports

    if node_ends:
        with pytest.raises(ApplicationExitedError) as error:
            run()
        assert (error.value.application, error.value.reason) == ("Storage", reason)
        assert not survived
    else:
        run()
        assert survived


@pytest.mark.parametrize("restart", ApplicationRestart)
@trio_test
async def test_stopping_on_request_never_ends_the_node(restart: ApplicationRestart) -> None:
    async with open_node():
        await start_application(Storage, restart=restart)
        await stop_application(Storage)
        await trio.sleep(1)


@pytest.mark.parametrize("reason", [NORMAL, SHUTDOWN, Failure("boom")], ids=str)
@pytest.mark.parametrize("restart", ApplicationRestart)
def test_the_node_ends_when_one_it_needs_does_not_start(restart: ApplicationRestart, reason: Any) -> None:
    # As on OTP 25: {application_start_failure, App, Reason}.
    node_ends = restart is PERMANENT or (restart is TRANSIENT and reason is not NORMAL)
    survived: list[bool] = []

    @trio_test
    async def run() -> None:
        async with open_node():
            put_env(Broken, "start", lambda: exit_(reason))
            with pytest.raises((ApplicationStartError, trio.Cancelled)):
                await start_application(Broken, restart=restart)
            await trio.sleep(1)
            survived.append(True)

    if node_ends:
        with pytest.raises(ApplicationStartError):
            run()
        assert not survived
    else:
        run()
        assert survived


def test_a_supervisor_that_gives_up_ends_the_node_of_a_transient_application() -> None:
    @trio_test
    async def run() -> None:
        async with open_node():
            await start_application(Recorded, restart=TRANSIENT)
            for _ in range(2):
                worker = whereis("witness")
                assert worker is not None
                cast(worker, "crash")
                await wait_all_tasks_blocked()
            await trio.sleep(1)

    with pytest.raises(ApplicationExitedError) as error:
        run()
    assert error.value.reason is SHUTDOWN


def test_the_others_stop_in_order_when_one_ends_the_node() -> None:
    @trio_test
    async def run() -> None:
        async with open_node():
            await ensure_all_started(Dependent)
            await start_application(Storage, restart=PERMANENT)
            diary()
            exit_signal(top_of(Storage), KILL)
            await trio.sleep(1)

    with pytest.raises(ApplicationExitedError) as error:
        run()
    assert error.value.reason is KILLED
    assert diary() == ["prep_stop Dependent", "stop Dependent", "prep_stop Base", "stop Base"]


# Dependencies.


@trio_test
async def test_ensure_all_started_starts_what_is_needed_first() -> None:
    async with open_node():
        assert await ensure_all_started(Web) == [Storage, Web]
        assert await ensure_all_started(Web) == []
        assert {info.restart for info in which_applications()} == {TEMPORARY}


@trio_test
async def test_ensure_all_started_stops_again_what_it_started_if_one_fails() -> None:
    class Doomed(Application):
        applications = (Storage, Web, Broken)

    async with open_node():
        put_env(Broken, "start", lambda: exit_(Failure("nope")))
        await start_application(Storage)
        with pytest.raises(ApplicationStartError) as error:
            await ensure_all_started(Doomed)
        assert error.value.application == "Broken"
        assert running() == [Storage]


# The end of the node.


@trio_test
async def test_at_the_end_of_the_node_applications_stop_last_started_first() -> None:
    async with open_node():
        await ensure_all_started(Dependent)
        diary()
    assert diary() == ["prep_stop Dependent", "stop Dependent", "prep_stop Base", "stop Base"]


@trio_test
async def test_they_do_so_whoever_needed_the_controller_first() -> None:
    async def starter() -> None:
        await ensure_all_started(Dependent)
        await start_application(Recorded)

    async def grandparent() -> None:
        spawn(starter)
        await trio.sleep_forever()

    async with open_node():
        spawn(grandparent)
        await wait_all_tasks_blocked()
        assert len(running()) == 3
        diary()
    assert diary() == [
        "prep_stop",
        "w-",
        "stop",
        "prep_stop Dependent",
        "stop Dependent",
        "prep_stop Base",
        "stop Base",
    ]


@trio_test
async def test_one_that_is_starting_then_is_killed() -> None:
    class Endless(Application):
        async def start(self, start_type: StartType, args: Any) -> Pid:
            await trio.sleep_forever()
            raise AssertionError

    begun = trio.current_time()
    async with open_node() as node:
        await start_application(Recorded)
        spawn(start_application, Endless)
        await wait_all_tasks_blocked()
        diary()
    assert diary() == ["prep_stop", "w-", "stop"]
    assert not node.processes
    assert trio.current_time() == begun  # nobody waited until the grace was over


@trio_test
async def test_nothing_starts_when_the_node_ends() -> None:
    refused: list[type[Exception]] = []

    class Late(Application):
        async def start(self, start_type: StartType, args: Any) -> Pid:
            return await Supervisor.start_link([])

        async def stop(self) -> None:
            try:
                await start_application(Storage)
            except NodeStoppedError as error:
                refused.append(type(error))

    async with open_node():
        await start_application(Late)
    assert refused == [NodeStoppedError]


@trio_test
async def test_when_the_controller_is_killed_its_applications_end() -> None:
    async with open_node() as node:
        await start_application(Recorded, restart=PERMANENT)
        diary()
        controller = whereis("application_controller")
        assert controller is not None
        exit_signal(controller, KILL)
        await wait_all_tasks_blocked()
        assert diary() == ["prep_stop", "w-", "stop"]
        assert node.pids() == [node.main]
        await start_application(Recorded)


@trio_test
async def test_a_killed_master_counts_as_the_end_of_its_application() -> None:
    async with open_node() as node:
        reports = reports_of(node)
        await start_application(Recorded)
        top = top_of(Recorded)
        master = next(pid for pid in node.pids() if pid.number < top.number and get_application(pid) is Recorded)
        ref = monitor(top)
        exit_signal(master, KILL)
        assert await death_of(ref) is KILLED
        assert ApplicationExited("Recorded", KILLED, TEMPORARY) in reports


@trio_test
async def test_a_masters_end_is_no_crash_of_its_own() -> None:
    async with open_node() as node:
        reports = reports_of(node)
        await start_application(Storage)
        await ended(Storage, Failure("boom"))
        crashed = [report.process for report in reports if isinstance(report, CrashReport)]
        assert crashed == ["Supervisor"]


# The environment.


@trio_test
async def test_the_environment_is_what_the_class_says_until_somebody_changes_it() -> None:
    async with open_node():
        assert get_env(Web, "port") == 80
        assert get_env(Web, "host") is None
        assert get_env(Web, "host", "localhost") == "localhost"
        put_env(Web, "port", 8080)
        put_env(Web, "host", "example")
        assert get_all_env(Web) == {"port": 8080, "host": "example"}
        delete_env(Web, "port")
        delete_env(Web, "port")
        assert get_all_env(Web) == {"host": "example"}
        assert Web.env == {"port": 80}


@trio_test
async def test_the_environment_outlives_the_application() -> None:
    # As on OTP 25.
    async with open_node():
        put_env(Storage, "k", 5)
        await start_application(Storage)
        await stop_application(Storage)
        assert get_env(Storage, "k") == 5


@trio_test
async def test_the_environment_belongs_to_the_node() -> None:
    async with open_node():
        put_env(Web, "port", 1)
    async with open_node():
        assert get_env(Web, "port") == 80


class Reader(GenServer):
    """An inline process, which cannot wait."""

    def handle_call(self, request: Any, caller: object) -> Reply:
        put_env(Web, "port", request)
        return Reply((get_env(Web, "port"), which_applications()))


@trio_test
async def test_the_environment_can_be_read_and_written_where_nothing_can_wait() -> None:
    async with open_node() as node:
        pid = await Reader.start()
        assert pid is not None
        assert await call(pid, 99) == (99, [])
        seen: list[object] = []
        node.timers.after(1, lambda: seen.append(get_env(Web, "port")))
        await trio.sleep(2)
        assert seen == [99]


@trio_test
async def test_a_changed_configuration_is_told_to_an_application_that_runs() -> None:
    async with open_node():
        put_env(Recorded, "gone", 1)
        await start_application(Recorded)
        diary()
        await change_config(Recorded, {"a": 2, "c": 3})
        assert get_all_env(Recorded) == {"a": 2, "b": 1, "c": 3}
        assert diary() == ["config {'a': 2} {'c': 3} ['gone']"]
        await change_config(Recorded, {"a": 2, "c": 3})
        assert diary() == []
        await stop_application(Recorded)
        await change_config(Recorded, {})
        assert get_all_env(Recorded) == {"a": 1, "b": 1}
        assert diary() == ["prep_stop", "w-", "stop"]


@trio_test
async def test_a_configuration_that_is_not_taken_is_an_error() -> None:
    class Stubborn(Application):
        async def start(self, start_type: StartType, args: Any) -> Pid:
            return await Supervisor.start_link([])

        def config_change(self, changed: Any, new: Any, removed: Any) -> None:
            raise RuntimeError("no")

    async with open_node():
        await start_application(Stubborn)
        with pytest.raises(ConfigChangeError, match="RuntimeError: no"):
            await change_config(Stubborn, {"a": 1})
        assert running() == [Stubborn]


def test_ends_in_order_are_information_and_others_errors() -> None:
    assert ApplicationStarted.level == ApplicationStopped.level == logging.INFO
    assert ApplicationExited.level == logging.ERROR
    assert str(ApplicationExited("chat", SHUTDOWN, PERMANENT)) == "application chat (permanent) exited: SHUTDOWN"
