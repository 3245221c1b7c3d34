"""Process groups: processes found by what they have joined, and told of who joins and leaves.

::

    groups = GroupScope("chat")
    await Supervisor.start_link([ChildSpec("chat", groups.start_link)])
    groups.join("admins", self_())
    for pid in groups.members("admins"):
        send(pid, "hello")

See: OTP ``pg``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, final

from regrow.actors._errors import NotAProcessError, UnknownScopeError
from regrow.actors._processes._context import current_node
from regrow.actors._registries._group_server import EVERY_GROUP, GroupServer

if TYPE_CHECKING:
    from collections.abc import Hashable

    from regrow.actors._processes._pid import Pid, Ref

__all__ = ["GroupScope"]


@final
@dataclass(frozen=True, slots=True)
class GroupScope:
    """A scope of process groups by its name: a value to keep in a module, whether or not the scope runs.

    Scopes know nothing of each other. A group exists while it has members and is named by anything hashable. A
    process may join many groups, and one group many times: it must then leave as often. When it dies it has left
    before anyone hears of its death (rule P-7). Members are not linked to the scope; when the scope dies they are
    members no more, and watchers are told nothing: monitor the scope's process to rejoin.

    All operations are immediate; those that only look work in ports and timers too.

    Raises:
        UnknownScopeError: from every operation but `start_link`, `members` and `local_members`: no scope of this
            name runs on the node of the caller.

    See: OTP ``pg``.
    """

    name: str = "pg"
    """The name of its process. The default is that of OTP's default scope; nobody starts it for you."""

    async def start_link(self) -> Pid:
        """Start the scope, linked to the running process: what a `ChildSpec` starts.

        Raises:
            AlreadyStartedError: the name is held.

        See: OTP ``pg:start_link/1``.
        """
        pid = await GroupServer.start_link(name=self.name)
        assert pid is not None
        return pid

    def join(self, group: Hashable, *pids: Pid) -> None:
        """Make processes of this node members of a group, each once for each time it is named.

        A dead process does not join, which is no error.

        Raises:
            NotAProcessError: one of them lives on another node; none has joined.

        See: OTP ``pg:join/3``.
        """
        server = self._server()
        node = current_node()
        for pid in pids:
            if pid.process is not None and pid.process.node is not node:
                raise NotAProcessError(f"{pid} is no process of {node} and cannot join {group!r} there")
        server.join(group, pids)

    def leave(self, group: Hashable, *pids: Pid) -> bool:
        """Take processes out of a group, each once for each time it is named; False if none of them was in it.

        See: OTP ``pg:leave/3``, ``not_joined``.
        """
        return self._server().leave(group, pids)

    def members(self, group: Hashable) -> list[Pid]:
        """The members of a group on all nodes, each as often as it has joined, in no particular order.

        Empty if there are none, or no such scope runs. A node is alone today: these are the local members.

        See: OTP ``pg:get_members/2``.
        """
        return self.local_members(group)

    def local_members(self, group: Hashable) -> list[Pid]:
        """The members of a group that live on this node. See: OTP ``pg:get_local_members/2``."""
        server = self._running()
        return [] if server is None else server.members(group)

    def which_groups(self) -> list[Any]:
        """The groups that have members. See: OTP ``pg:which_groups/1``."""
        return self.which_local_groups()

    def which_local_groups(self) -> list[Any]:
        """The groups that have members on this node. See: OTP ``pg:which_local_groups/1``."""
        return self._server().groups()

    def monitor(self, group: Hashable) -> tuple[Ref, list[Pid]]:
        """Get `Joined` and `Left` with the returned ref for one group from now on; also the members it has now.

        See: OTP ``pg:monitor/2``.
        """
        ref = self._server().watch(group)
        return ref, self.members(group)

    def monitor_scope(self) -> tuple[Ref, dict[Any, list[Pid]]]:
        """Get `Joined` and `Left` with the returned ref for every group; also all groups and members there are now.

        See: OTP ``pg:monitor_scope/1``.
        """
        ref = self._server().watch(EVERY_GROUP)
        return ref, {group: self.members(group) for group in self.which_groups()}

    def demonitor(self, ref: Ref) -> bool:
        """Undo `monitor` or `monitor_scope`; whether it was still active. What is in the mailbox stays (rule M-3).

        See: OTP ``pg:demonitor/2``, which flushes.
        """
        return self._server().unwatch(ref)

    def _server(self) -> GroupServer:
        server = self._running()
        if server is None:
            raise UnknownScopeError(self.name, current_node())
        return server

    def _running(self) -> GroupServer | None:
        process = current_node().names.find(self.name)
        server = None if process is None else process.server
        return server if isinstance(server, GroupServer) else None
