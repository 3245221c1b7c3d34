"""Process groups. Checked against OTP's ``pg``."""

from __future__ import annotations

import pytest
from trio.testing import wait_all_tasks_blocked

from regrow.actors import (
    KILL,
    KILLED,
    AlreadyStartedError,
    Down,
    GroupScope,
    Joined,
    Left,
    NotAProcessError,
    Ref,
    UnknownScopeError,
    exit_signal,
    monitor,
    open_node,
    self_,
    spawn,
    trap_exit,
)
from regrow.supervisors import ChildSpec, Supervisor
from tests.support.assertions import mailbox
from tests.support.registries import bystander
from tests.support.trio_test import trio_test

chat = GroupScope("chat")


@trio_test
async def test_a_process_is_a_member_as_often_as_it_has_joined() -> None:
    async with open_node():
        await chat.start_link()
        me, other = self_(), bystander()
        chat.join("g", me, other)
        chat.join("g", me)

        assert sorted(chat.members("g")) == sorted(chat.local_members("g")) == [me, me, other]
        assert chat.leave("g", me)
        assert sorted(chat.members("g")) == [me, other]
        assert chat.leave("g", me)
        assert not chat.leave("g", me)
        assert chat.members("g") == [other]


@trio_test
async def test_leave_is_false_only_if_none_was_a_member() -> None:
    async with open_node():
        await chat.start_link()
        me, other = self_(), bystander()
        assert not chat.leave("g", me)
        chat.join("g", me)
        assert chat.leave("g", other, me)
        assert not chat.leave("g", other, me)


@trio_test
async def test_a_group_is_there_for_as_long_as_it_has_members() -> None:
    async with open_node():
        await chat.start_link()
        chat.join("empty")
        assert chat.which_groups() == []
        chat.join("a", self_(), self_())
        chat.join(("b", 1), self_())
        assert chat.which_groups() == chat.which_local_groups() == ["a", ("b", 1)]
        chat.leave("a", self_(), self_())
        assert chat.which_groups() == [("b", 1)]
        assert chat.members("a") == []


@trio_test
async def test_scopes_know_nothing_of_each_other() -> None:
    async with open_node():
        await chat.start_link()
        await GroupScope().start_link()
        chat.join("g", self_())

        assert GroupScope("pg").members("g") == []
        with pytest.raises(AlreadyStartedError):
            await chat.start_link()


@trio_test
async def test_a_member_has_left_every_group_before_its_down() -> None:  # P-7
    async with open_node():
        await chat.start_link()
        other = bystander()
        chat.join("a", other, other)
        chat.join("b", other, self_())
        ref, groups = chat.monitor_scope()
        assert groups == {"a": [other, other], "b": [other, self_()]}
        down = monitor(other)
        exit_signal(other, KILL)

        assert chat.which_groups() == ["b"]
        assert chat.members("b") == [self_()]
        assert await mailbox() == [
            Left(ref, "a", (other, other)),
            Left(ref, "b", (other,)),
            Down(down, other, KILLED),
        ]


@trio_test
async def test_a_dead_process_does_not_join() -> None:
    async with open_node():
        await chat.start_link()
        dead = bystander()
        exit_signal(dead, KILL)
        ref, _members = chat.monitor("g")
        chat.join("g", dead)
        assert chat.which_groups() == await mailbox() == []
        chat.join("g", dead, self_())
        assert await mailbox() == [Joined(ref, "g", (self_(),))]


@trio_test
async def test_a_process_of_another_node_cannot_join_nor_those_named_with_it() -> None:
    async with open_node("one@localhost"):
        foreigner = bystander()
        async with open_node("two@localhost"):
            await chat.start_link()
            with pytest.raises(NotAProcessError, match="cannot join 'g'"):
                chat.join("g", self_(), foreigner)
            assert chat.members("g") == []
        exit_signal(foreigner, KILL)


@trio_test
async def test_who_monitors_a_group_is_told_of_it_and_of_no_other() -> None:
    async with open_node():
        await chat.start_link()
        me = self_()
        chat.join("g", me)
        ref, members = chat.monitor("g")
        assert members == [me]
        chat.join("g", me, me)
        chat.join("h", me)
        chat.leave("h", me)
        other = bystander()
        chat.leave("g", me, other, me)

        assert await mailbox() == [Joined(ref, "g", (me, me)), Left(ref, "g", (me, me))]


@trio_test
async def test_each_monitor_is_told_once() -> None:
    async with open_node():
        await chat.start_link()
        everything, _groups = chat.monitor_scope()
        one, _members = chat.monitor("g")
        two, _members = chat.monitor("g")
        chat.join("g", self_())

        assert [message.ref for message in await mailbox()] == [everything, one, two]


@trio_test
async def test_after_demonitor_nothing_comes_and_what_came_stays() -> None:  # M-3
    async with open_node():
        await chat.start_link()
        ref, _members = chat.monitor("g")
        whole, _groups = chat.monitor_scope()
        chat.join("g", self_())
        assert chat.demonitor(ref)
        assert chat.demonitor(whole)
        assert not chat.demonitor(ref)
        assert not chat.demonitor(Ref())
        chat.leave("g", self_())

        assert len(await mailbox()) == 2


@trio_test
async def test_a_monitor_ends_with_its_process() -> None:
    async with open_node():
        pid = await chat.start_link()
        watcher = spawn(chat.monitor, "g")
        await wait_all_tasks_blocked()
        assert not watcher.is_alive
        assert pid.process is not None
        assert not vars(pid.process.server)["_watches"]
        chat.join("g", self_())


@trio_test
async def test_neither_member_nor_watcher_is_held_any_more() -> None:
    async with open_node():
        await chat.start_link()
        process = self_().process
        assert process is not None
        ref, _members = chat.monitor("g")
        chat.join("g", self_())
        assert process.holdings
        chat.leave("g", self_())
        assert process.holdings
        chat.demonitor(ref)
        assert not process.holdings
        ref, _members = chat.monitor("g")
        chat.join("g", self_())
        chat.demonitor(ref)
        assert process.holdings
        chat.leave("g", self_())
        assert not process.holdings


@trio_test
async def test_members_survive_their_scope_and_are_members_no_more() -> None:
    async with open_node():
        trap_exit()
        first = await chat.start_link()
        other = bystander()
        chat.join("g", other, self_())
        exit_signal(first, KILL)

        assert other.is_alive
        assert chat.members("g") == []
        process = self_().process
        assert process is not None
        assert not process.holdings
        await chat.start_link()
        assert chat.which_groups() == []


@trio_test
async def test_a_scope_that_does_not_run_has_no_members_and_is_unknown_otherwise() -> None:
    async with open_node():
        assert chat.members("g") == chat.local_members("g") == []
        for operation in (
            chat.which_groups,
            chat.monitor_scope,
            lambda: chat.join("g", self_()),
            lambda: chat.leave("g", self_()),
            lambda: chat.monitor("g"),
            lambda: chat.demonitor(Ref()),
        ):
            with pytest.raises(UnknownScopeError, match="no scope 'chat' of process groups runs on"):
                operation()


@trio_test
async def test_a_scope_is_started_by_its_supervisor() -> None:
    async with open_node() as node:
        await Supervisor.start_link([ChildSpec("chat", chat.start_link)])
        chat.join("g", self_())
        me = self_()
        node.scheduler.context.run(lambda: chat.members("g") == [me] or pytest.fail("a port sees the members"))
