"""Processes of the program under its gateway: there before the first client, restarted alone, gone with the gateway."""

from __future__ import annotations

from functools import partial
from typing import ClassVar

import pytest
import trio

from regrow.actors import KILL, GenServer, current_node, exit_signal, open_node, trap_exit, whereis
from regrow.gateway import Connection, Gateway, Handler, open_gateway
from regrow.supervisors import ChildSpec
from tests.support.serving import serving
from tests.support.socket_test import socket_test


class Counter(GenServer):
    """Says when it is stopped, and who is connected then."""

    log: ClassVar[list[str]] = []

    def init(self) -> None:
        trap_exit()

    def terminate(self, reason: object) -> None:
        self.log.append("child")


class Leaving(Handler):
    """Says when its client is gone for good."""

    @classmethod
    def ended(cls, connection: Connection) -> None:
        Counter.log.append("client")


class Found(Handler):
    """Tells its client whether there was a process of that name when the client came."""

    def open(self) -> None:
        self.send(str(whereis("counter") is not None))


class Failing(GenServer):
    """Does not start."""

    def init(self) -> None:
        raise RuntimeError("no disk")


COUNTER = ChildSpec("counter", partial(Counter.start_link, name="counter"))


@socket_test
async def test_a_child_runs_when_the_first_client_comes() -> None:
    async with serving({"/found": Found}, children=[COUNTER]) as served:
        assert await (await served.client("/found")).text() == "True"


@socket_test
async def test_a_child_that_dies_is_restarted_and_no_client_notices() -> None:
    async with serving(children=[COUNTER]) as served:
        client = await served.client()
        before = whereis("counter")
        assert before is not None
        exit_signal(before, KILL)
        await served.settle()
        assert whereis("counter") not in (before, None)
        assert await client.echoes()


@socket_test
async def test_children_that_die_too_often_take_no_socket_along() -> None:
    async with serving(children=[COUNTER]) as served:
        client = await served.client()
        for _ in range(2):  # one restart in five seconds is granted
            pid = whereis("counter")
            assert pid is not None
            exit_signal(pid, KILL)
            await served.settle()
        assert whereis("counter") is not None
        assert await client.echoes()


@socket_test
async def test_a_gateway_whose_child_does_not_start_does_not_start() -> None:
    async with open_node():
        before = len(current_node().processes)
        with pytest.raises(BaseException, match="no disk"):
            async with open_gateway(Gateway(children=[ChildSpec("x", Failing.start_link)], routes={}), port=0):
                raise AssertionError("it started")
        await trio.lowlevel.checkpoint()
        assert len(current_node().processes) == before


@socket_test
async def test_children_are_stopped_when_the_last_client_is_gone() -> None:
    Counter.log.clear()
    async with serving({"/leaving": Leaving}, children=[COUNTER]) as served:
        await served.client("/leaving")
        await served.settle()
    assert Counter.log == ["client", "child"]
