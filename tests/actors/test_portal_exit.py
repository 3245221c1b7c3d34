"""Portals and thread actors at the end of a program, and on both sides of a fork: in real processes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.support.command import PATIENCE, ROOT, SOURCES

if TYPE_CHECKING:
    from collections.abc import Callable

PRELUDE = """
import os, sys, threading, time
import pykka, trio
from regrow.actors import *
from regrow.supervisors import ChildSpec, Supervisor

class Worker(pykka.ThreadingActor):
    def on_receive(self, message):
        if callable(message):
            message()
        return message

    def on_stop(self):
        print("stopped", flush=True)

class Server(GenServer):
    def handle_call(self, request, caller):
        return NoReply() if request == "wait" else Reply(request)

    def handle_info(self, message):
        message()

def tree(portal):
    children = [ChildSpec("worker", ThreadActor(Worker).start_link), ChildSpec("server", start_server)]
    return portal.start(Supervisor.start_link, children)

async def start_server():
    return await Server.start_link(name="server")
"""


def ended(
    script: str, *options: str, while_it_runs: Callable[[subprocess.Popen[str]], object] = lambda _process: None
) -> tuple[int, str, str]:
    """Run a program to its end: its exit status, and what it said."""
    with subprocess.Popen(  # noqa: S603 - our own Python and our own words
        [sys.executable, "-W", "error", *options, "-c", PRELUDE + script],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": SOURCES},
    ) as process:
        try:
            while_it_runs(process)
            output, errors = process.communicate(timeout=PATIENCE)
        finally:
            process.kill()
    return process.returncode, output, errors


def test_a_portal_nobody_closes_closes_itself() -> None:
    assert ended("portal = run_in_thread(); tree(portal); print(portal.call('server', 1))") == (0, "1\nstopped\n", "")


def test_a_portal_nobody_keeps_closes_itself() -> None:
    assert ended("tree(run_in_thread())") == (0, "stopped\n", "")


def test_the_exit_status_is_the_programs_own() -> None:
    assert ended("tree(run_in_thread()); sys.exit(3)") == (3, "stopped\n", "")


def test_an_exception_of_the_program_is_all_that_is_said() -> None:
    status, output, errors = ended("tree(run_in_thread()); raise ValueError('mine')")
    assert (status, output) == (1, "stopped\n")
    assert errors.count("Traceback") == 1
    assert errors.endswith("ValueError: mine\n")


def test_threads_of_the_program_may_use_it_to_their_end() -> None:
    script = """
portal = run_in_thread()
tree(portal)
def work():
    threading.main_thread().join()
    print(portal.call("server", "late"))
threading.Thread(target=work).start()
"""
    assert ended(script) == (0, "late\nstopped\n", "")


@pytest.mark.parametrize("opened", ["with run_in_thread() as portal:", "portal = run_in_thread()\nif True:"])
def test_ctrl_c_in_a_call_stops_everything_in_order(opened: str) -> None:
    script = f"""
{opened}
    tree(portal)
    print("ready", flush=True)
    portal.call("server", "wait", timeout=60)
"""

    def interrupt(process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.send_signal(signal.SIGINT)

    status, output, errors = ended(script, while_it_runs=interrupt)
    assert (status, output) == (-signal.SIGINT, "stopped\n")
    assert errors.count("Traceback") == 1
    assert errors.endswith("KeyboardInterrupt\n")


@pytest.mark.parametrize("ending", ["", "portal.close()"])
def test_actors_that_refuse_to_stop_do_not_keep_the_program(ending: str) -> None:
    script = f"""
portal = run_in_thread(shutdown_timeout=0.1)
busy = threading.Event()
def hang():
    busy.set()
    time.sleep(600)
pid = portal.start(ThreadActor(Worker).start)
portal.send(pid, hang)
busy.wait()
{ending}
"""
    status, output, errors = ended(script)
    assert (status, output) == (0, "")
    assert "its code is still unwinding" in errors
    assert "Traceback" not in errors


def test_a_node_that_hangs_does_not_keep_the_program() -> None:
    script = """
portal = run_in_thread(shutdown_timeout=0)
busy = threading.Event()
async def hang():
    busy.set()
    with trio.CancelScope(shield=True):
        await trio.sleep_forever()
portal.submit(hang)
busy.wait()
"""
    status, _output, errors = ended(script)
    assert status == 0
    assert "has not ended within 1.0 s" in errors
    assert "Traceback" not in errors


def test_a_node_that_died_unnoticed_is_logged_and_is_no_traceback_at_exit() -> None:
    script = """
portal = run_in_thread()
async def end():
    raise SystemExit(5)
try:
    portal.run(end)
except NodeStoppedError:
    pass
"""
    status, _output, errors = ended(script)
    assert status == 0
    assert errors == "regrow@localhost has died: SystemExit(5)\n"


def test_a_thread_that_hangs_does_not_keep_a_trio_program() -> None:
    script = """
async def main():
    busy = threading.Event()
    def hang():
        busy.set()
        time.sleep(600)
    async with open_node(shutdown_timeout=0):
        send(await ThreadActor(Worker).start(), hang)
        await trio.to_thread.run_sync(busy.wait)
trio.run(main)
print("over")
"""
    status, output, errors = ended(script)
    assert (status, output) == (0, "over\n")
    assert "its code is still unwinding" in errors


FORKING = """
portal = run_in_thread()
tree(portal)
pending = portal.submit(call, "server", "wait", timeout=60)
child = os.fork()
if child == 0:
    for use in (lambda: portal.call("server", 1), lambda: portal.cast("server", 1), lambda: tree(portal)):
        try:
            use()
        except PortalError as error:
            print(str(error)[:34])
    pending.cancel()
    portal.close()
    with run_in_thread() as own:
        print("own:", own.call(own.start(Server.start), 2))
    print("child over", flush=True)
    {leave}
print("status:", os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
print("parent:", portal.call("server", 3))
"""


@pytest.mark.parametrize("leave", ["sys.exit(7)", "os._exit(7)"])
def test_a_forked_child_is_told_to_open_its_own_and_the_parents_goes_on(leave: str) -> None:
    status, output, errors = ended(FORKING.replace("{leave}", leave), "-W", "ignore::DeprecationWarning")
    refusal = "<Portal to regrow@localhost> was op"[:34]
    assert output.splitlines() == [
        *[refusal] * 3, "own: 2", "child over", "status: 7", "parent: 3", "stopped",
    ]  # fmt: skip
    assert (status, errors) == (0, "")
