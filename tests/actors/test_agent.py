"""Agent: a process around a value (after Elixir's Agent)."""

from __future__ import annotations

import operator
from functools import partial

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from regrow.actors import (
    NORMAL,
    SHUTDOWN,
    Agent,
    AgentFunctionError,
    AlreadyStartedError,
    BadReturn,
    CallError,
    Crash,
    Failure,
    InitFailedError,
    Pid,
    call,
    cast,
    exit_,
    monitor,
    open_node,
    self_,
    trap_exit,
    whereis,
)
from tests.support.assertions import death_of
from tests.support.trio_test import trio_test


async def counter() -> Pid:
    return await Agent.start(int)


@trio_test
async def test_get_update_and_both_at_once() -> None:
    async with open_node():
        agent = await counter()

        assert await Agent.get(agent, lambda n: n) == 0
        await Agent.update(agent, lambda n: n + 5)
        assert await Agent.get_and_update(agent, lambda n: (n, n * 2)) == 5
        Agent.cast(agent, lambda n: n + 1)
        assert await Agent.get(agent, lambda n: n) == 11


@trio_test
async def test_functions_run_in_the_agent() -> None:
    async with open_node():
        agent = await Agent.start_link(self_)

        assert await Agent.get(agent, lambda first: (first, self_())) == (agent, agent)


@trio_test
async def test_an_agent_can_have_a_name() -> None:
    async with open_node():
        agent = await Agent.start_link(dict, name="settings")

        assert whereis("settings") is agent
        assert await Agent.get("settings", len) == 0
        with pytest.raises(AlreadyStartedError):
            await Agent.start(dict, name="settings")


@trio_test
async def test_a_function_that_raises_ends_the_agent_and_the_caller_learns_why() -> None:
    async with open_node():
        agent = await counter()
        ref = monitor(agent)

        with pytest.raises(CallError) as caught:
            await Agent.get(agent, lambda n: 1 / n)

        assert isinstance(caught.value.reason, Crash)
        assert caught.value.reason.type == "ZeroDivisionError"
        assert await death_of(ref) == caught.value.reason


@trio_test
async def test_a_function_that_raises_in_a_cast_ends_the_agent() -> None:
    async with open_node():
        agent = await counter()
        ref = monitor(agent)
        Agent.cast(agent, lambda _n: exit_(Failure("enough")))

        assert await death_of(ref) == Failure("enough")


@trio_test
async def test_what_is_no_pair_ends_the_agent() -> None:
    async with open_node():
        for answer in (5, (1, 2, 3), [1, 2]):
            agent = await counter()

            def no_pair(_n: object, answer: object = answer) -> object:
                return answer

            with pytest.raises(CallError) as caught:
                await Agent.get_and_update(agent, no_pair)
            assert isinstance(caught.value.reason, BadReturn)
            assert "a pair" in str(caught.value.reason)


@trio_test
async def test_a_first_value_that_cannot_be_computed_fails_the_start() -> None:
    async with open_node():
        trap_exit()
        with pytest.raises(InitFailedError):
            await Agent.start_link(lambda: 1 / 0)


@trio_test
async def test_a_coroutine_function_is_refused_in_the_caller() -> None:
    async with open_node():
        agent = await counter()

        with pytest.raises(AgentFunctionError):
            await Agent.start_link(trio.lowlevel.checkpoint)
        for ask in (Agent.get, Agent.update, Agent.get_and_update, Agent.cast):
            with pytest.raises(AgentFunctionError, match="Task"):
                ask(agent, trio.sleep)
        assert await Agent.get(agent, lambda n: n) == 0


@trio_test
async def test_an_unknown_request_crashes_it_like_any_server() -> None:
    async with open_node():
        agent = await counter()
        ref = monitor(agent)
        with pytest.raises(CallError):
            await call(agent, "what is it?")
        assert isinstance(await death_of(ref), Crash)

        agent = await counter()
        ref = monitor(agent)
        cast(agent, "what is it?")
        assert isinstance(await death_of(ref), Crash)


@trio_test
async def test_stop_ends_it_with_a_reason() -> None:
    async with open_node():
        for reason in (NORMAL, SHUTDOWN):
            agent = await counter()
            ref = monitor(agent)
            await Agent.stop(agent, reason)
            assert await death_of(ref) is reason


@trio_test
async def test_an_agent_that_is_gone_fails_the_call_and_not_the_cast() -> None:
    async with open_node():
        agent = await counter()
        await Agent.stop(agent)

        Agent.cast(agent, lambda n: n + 1)
        with pytest.raises(CallError):
            await Agent.get(agent, lambda n: n)


@trio_test
async def test_partial_objects_are_functions_too() -> None:
    async with open_node():
        agent = await Agent.start(partial(int, "7"))
        await wait_all_tasks_blocked()

        assert await Agent.get(agent, partial(operator.add, 1)) == 8
