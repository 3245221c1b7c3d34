"""The BEAM process in Python: isolated actors with mailboxes, links, monitors and exit reasons.

Open a node, and the block is its first process::

    async with open_node() as node:
        pid = await Counter.start_link(0)
        print(await call(pid, "increment"))
"""

from __future__ import annotations

from ._errors import (
    ActorDiedError,
    ActorError,
    AgentFunctionError,
    AlreadyRegisteredError,
    AlreadyStartedError,
    CallbackFailedError,
    CallError,
    CannotWaitError,
    HandlerFailedError,
    InitFailedError,
    MailboxFullError,
    MainExitError,
    NameTakenError,
    NodeStoppedError,
    NoProcessError,
    NotAProcessError,
    NotOwnerError,
    NotRegisteredError,
    NotSuspendedError,
    PortalError,
    ReceiveTimeoutError,
    RegistryKeysError,
    ReloadError,
    TableAccessError,
    TableGoneError,
    UnknownHandlerError,
    UnknownNameError,
    UnknownRegistryError,
    UnknownScopeError,
)
from ._event_managers._gen_event_values import (
    MANAGER_STOPS,
    NO_HANDLER,
    REMOVE_HANDLER,
    HandlerCrashed,
    HandlerExit,
    HandlerId,
    HandlerReport,
    RemoveHandler,
    SwapHandler,
    Swapped,
)
from ._processes._alias import Alias, alias, unalias
from ._processes._bounded import Bounded, MailboxFullReport, Overflow
from ._processes._context import current_node, self_
from ._processes._exit import (
    CALLING_SELF,
    KILL,
    KILLED,
    MAILBOX_FULL,
    NOPROC,
    NORMAL,
    SHUTDOWN,
    TIMEOUT,
    BadReturn,
    CallFailed,
    Crash,
    ExitProcess,
    ExitReason,
    Failure,
    Frame,
    Runaway,
    Shutdown,
    reason_of,
)
from ._processes._hibernate import hibernate
from ._processes._intercept import intercept
from ._processes._label import ancestors, get_label, set_label
from ._processes._links import exit_, exit_signal, link, trap_exit, unlink
from ._processes._monitors import demonitor, monitor
from ._processes._names import Name, Via, register, registered, unregister, whereis
from ._processes._node import Node, open_node
from ._processes._pid import Pid, Ref
from ._processes._process import PortOwner
from ._processes._process_info import ProcessInfo, ProcessItem, ProcessStatus, process_info
from ._processes._reports import (
    CrashReport,
    LongSchedule,
    PreemptionOff,
    Report,
    ServerTerminated,
    StuckReport,
    ZombieReport,
)
from ._processes._scheduler import Port
from ._processes._send import Destination, send
from ._processes._signals import Down, Exit, Signal, TimerFired
from ._processes._spawn import spawn, spawn_link, spawn_monitor, spawn_opt
from ._processes._start import IGNORE, Ack, Ignore, start_inline, start_task, starter_of
from ._processes._task import receive
from ._processes._timers import Timer, send_after, start_timer
from ._pykka._actor import Actor
from ._pykka._future import ActorFuture
from ._pykka._thread_actor import ThreadActor, actor_ref
from ._registries._group_server import Joined, Left
from ._registries._groups import GroupScope
from ._registries._registry import Registry
from ._registries._registry_values import Registered, Registration, RegistryEntry, RegistryKeys, Unregistered
from ._servers._agent import Agent
from ._servers._call import Answer, Call, Cast, From, StopRequest, Unanswered, call, cast, reply, send_request
from ._servers._callbacks import are_plain, resolved
from ._servers._enter_loop import enter_loop
from ._servers._gen_server import GenServer
from ._servers._outcomes import HIBERNATE, Fail, Hibernate, NoReply, Ok, Reply, Stop
from ._servers._requests import Requests, Response, receive_response, wait_response
from ._servers._stop import stop
from ._tables._table import Table
from ._tables._table_bag import BagTable, DuplicateBagTable
from ._tables._table_names import whereis_table
from ._tables._table_set import OrderedSetTable, SetTable
from ._tables._table_values import END_OF_TABLE, EndOfTable, TableAccess, TableInfo, TableTransfer
from ._tasks._task_async import Task, TaskDone, TaskExited, assign_task, start_idle_task
from ._tasks._task_stream import OnTimeout, TaskStream, async_stream

__all__ = [
    "CALLING_SELF",
    "END_OF_TABLE",
    "HIBERNATE",
    "IGNORE",
    "KILL",
    "KILLED",
    "MAILBOX_FULL",
    "MANAGER_STOPS",
    "NOPROC",
    "NORMAL",
    "NO_HANDLER",
    "REMOVE_HANDLER",
    "SHUTDOWN",
    "TIMEOUT",
    "Ack",
    "Actor",
    "ActorDiedError",
    "ActorError",
    "ActorFuture",
    "Agent",
    "AgentFunctionError",
    "Alias",
    "AlreadyRegisteredError",
    "AlreadyStartedError",
    "Answer",
    "BadReturn",
    "BagTable",
    "Bounded",
    "Call",
    "CallError",
    "CallFailed",
    "CallbackFailedError",
    "CannotWaitError",
    "Cast",
    "Crash",
    "CrashReport",
    "Destination",
    "Down",
    "DuplicateBagTable",
    "EndOfTable",
    "Exit",
    "ExitProcess",
    "ExitReason",
    "Fail",
    "Failure",
    "Frame",
    "From",
    "GenServer",
    "GroupScope",
    "HandlerCrashed",
    "HandlerExit",
    "HandlerFailedError",
    "HandlerId",
    "HandlerReport",
    "Hibernate",
    "Ignore",
    "InitFailedError",
    "Joined",
    "Left",
    "LongSchedule",
    "MailboxFullError",
    "MailboxFullReport",
    "MainExitError",
    "Name",
    "NameTakenError",
    "NoProcessError",
    "NoReply",
    "Node",
    "NodeStoppedError",
    "NotAProcessError",
    "NotOwnerError",
    "NotRegisteredError",
    "NotSuspendedError",
    "Ok",
    "OnTimeout",
    "OrderedSetTable",
    "Overflow",
    "Pid",
    "Port",
    "PortOwner",
    "PortalError",
    "PreemptionOff",
    "ProcessInfo",
    "ProcessItem",
    "ProcessStatus",
    "ReceiveTimeoutError",
    "Ref",
    "Registered",
    "Registration",
    "Registry",
    "RegistryEntry",
    "RegistryKeys",
    "RegistryKeysError",
    "ReloadError",
    "RemoveHandler",
    "Reply",
    "Report",
    "Requests",
    "Response",
    "Runaway",
    "ServerTerminated",
    "SetTable",
    "Shutdown",
    "Signal",
    "Stop",
    "StopRequest",
    "StuckReport",
    "SwapHandler",
    "Swapped",
    "Table",
    "TableAccess",
    "TableAccessError",
    "TableGoneError",
    "TableInfo",
    "TableTransfer",
    "Task",
    "TaskDone",
    "TaskExited",
    "TaskStream",
    "ThreadActor",
    "Timer",
    "TimerFired",
    "Unanswered",
    "UnknownHandlerError",
    "UnknownNameError",
    "UnknownRegistryError",
    "UnknownScopeError",
    "Unregistered",
    "Via",
    "ZombieReport",
    "actor_ref",
    "alias",
    "ancestors",
    "are_plain",
    "assign_task",
    "async_stream",
    "call",
    "cast",
    "current_node",
    "demonitor",
    "enter_loop",
    "exit_",
    "exit_signal",
    "get_label",
    "hibernate",
    "intercept",
    "link",
    "monitor",
    "open_node",
    "process_info",
    "reason_of",
    "receive",
    "receive_response",
    "register",
    "registered",
    "reply",
    "resolved",
    "self_",
    "send",
    "send_after",
    "send_request",
    "set_label",
    "spawn",
    "spawn_link",
    "spawn_monitor",
    "spawn_opt",
    "start_idle_task",
    "start_inline",
    "start_task",
    "start_timer",
    "starter_of",
    "stop",
    "trap_exit",
    "unalias",
    "unlink",
    "unregister",
    "wait_response",
    "whereis",
    "whereis_table",
]
