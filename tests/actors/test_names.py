"""Names (rules N-1, N-2)."""

from __future__ import annotations

import pytest

from regrow.actors import (
    KILL,
    NameTakenError,
    NotAProcessError,
    UnknownNameError,
    exit_signal,
    open_node,
    register,
    registered,
    self_,
    spawn,
    unregister,
    whereis,
)
from tests.support.misbehaving import wait_forever
from tests.support.trio_test import trio_test


@trio_test
async def test_a_name_is_held_by_one_process_at_most() -> None:  # N-1
    async with open_node():
        register("it", self_())

        with pytest.raises(NameTakenError, match="'it' is held by"):
            register("it", spawn(wait_forever))


@trio_test
async def test_a_process_has_one_name_at_most() -> None:  # N-1
    async with open_node():
        register("one", self_())

        with pytest.raises(NameTakenError, match="has a name already: 'one'"):
            register("two", self_())
        assert registered() == ["one"]


@trio_test
async def test_a_dead_process_cannot_be_named() -> None:  # N-1
    async with open_node():
        dead = spawn(wait_forever)
        exit_signal(dead, KILL)

        with pytest.raises(NotAProcessError):
            register("it", dead)


@trio_test
async def test_an_unknown_name_cannot_be_unregistered() -> None:  # N-1
    async with open_node():
        with pytest.raises(UnknownNameError):
            unregister("it")


@trio_test
async def test_a_name_is_free_after_unregister_and_after_death() -> None:  # N-1
    async with open_node():
        one, two = spawn(wait_forever), spawn(wait_forever)
        register("it", one)
        unregister("it")
        register("it", two)
        exit_signal(two, KILL)

        assert whereis("it") is None
        register("it", one)
        assert whereis("it") is one  # N-2


@trio_test
async def test_a_process_of_another_node_cannot_be_named() -> None:
    async with open_node("one@localhost"):
        foreigner = spawn(wait_forever)
        async with open_node("two@localhost"):
            with pytest.raises(NotAProcessError, match="two@localhost"):
                register("it", foreigner)
            assert registered() == []
        exit_signal(foreigner, KILL)
