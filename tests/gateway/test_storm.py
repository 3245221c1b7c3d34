"""A gateway as a process of its own, in a storm of clients and without descriptors."""

from __future__ import annotations

import resource

import trio

from tests.support.command import run_command
from tests.support.phoenix_client import PATH, PhoenixClient, join, message, ok
from tests.support.raw_client import RawClient, upgrade_request

JOINED = 10
STORM = 300


async def _joined(port: int) -> list[PhoenixClient]:
    clients: list[PhoenixClient] = []
    for _ in range(JOINED):
        client = PhoenixClient(await RawClient.connect(port))
        await client.raw.upgrade(PATH)
        reply = await client.ask(join("1", "room:1"))
        assert reply.payload["status"] == "ok"
        clients.append(client)
    return clients


async def _chat(clients: list[PhoenixClient], ref: str) -> None:
    """Each of them asks and is answered."""
    for client in clients:
        assert await client.ask(message("1", ref, "room:1", "ping")) == ok("1", ref, "room:1")


async def _storm(port: int, statuses: list[int], clients: list[RawClient], number: int) -> None:
    client = await RawClient.connect(port, source=f"127.0.0.{number % 8 + 1}")
    clients.append(client)
    await client.send(upgrade_request(PATH))
    head = await client.head()
    statuses.append(int(head.split(" ", 2)[1]))
    assert statuses[-1] == 101 or "\r\nRetry-After: " in head


def test_in_a_storm_nobody_who_has_joined_is_dropped_and_everyone_gets_in_or_is_told_when_to_come_back() -> None:
    async def run() -> None:
        options = ("--set", "accept_rate=1", "--set", "accept_burst=100", "--set", "max_connections_per_address=1000")
        async with run_command("serve", "--port", "0", *options) as command:
            port = await command.port()
            joined = await _joined(port)
            statuses: list[int] = []
            storm: list[RawClient] = []
            async with trio.open_nursery() as nursery:
                for number in range(STORM):
                    nursery.start_soon(_storm, port, statuses, storm, number)
                await _chat(joined, "in the storm")
            assert len(statuses) == STORM
            assert set(statuses) == {101, 503}
            await _chat(joined, "behind it")
            for client in (*storm, *(one.raw for one in joined)):
                await client.aclose()

    trio.run(run)


def test_without_descriptors_a_server_keeps_who_has_joined_and_recovers() -> None:
    async def run() -> None:
        async with run_command("serve", "--port", "0", "--set", "max_connections_per_address=1000") as command:
            port = await command.port()
            joined = await _joined(port)
            resource.prlimit(command.process.pid, resource.RLIMIT_NOFILE, (200, 200))
            idle = [await RawClient.connect(port, source="127.0.0.2") for _ in range(STORM)]
            await _chat(joined, "without descriptors")
            for client in idle[-20:]:  # those who came last found none
                assert (await client.rest()).startswith(b"HTTP/1.1 503 ")
            for client in idle:
                await client.reset()
            await _chat(joined, "with descriptors")
            statuses: list[int] = []
            while 101 not in statuses:
                again: list[RawClient] = []
                await _storm(port, statuses, again, 1)
                await again[0].aclose()
            for one in joined:
                await one.raw.aclose()
            assert "Traceback" not in command.said

    trio.run(run)
