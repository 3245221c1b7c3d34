"""The BEAM process in Python: isolated actors with mailboxes, links, monitors and exit reasons.

Open a node, and the block is its first process::

    async with open_node() as node:
        pid = await Counter.start_link(0)
        print(await call(pid, "increment"))
"""

from __future__ import annotations

from ._actor import Actor
from ._call import Answer, Call, Cast, From, StopRequest, Unanswered, call, cast, reply, send_request
from ._callbacks import are_plain, resolved
from ._context import current_node, self_
from ._errors import (
    ActorDiedError,
    ActorError,
    AlreadyStartedError,
    CallError,
    CannotWaitError,
    InitFailedError,
    MainExitError,
    NameTakenError,
    NodeStoppedError,
    NoProcessError,
    NotAProcessError,
    ReceiveTimeoutError,
    UnknownNameError,
)
from ._exit import (
    CALLING_SELF,
    KILL,
    KILLED,
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
    Shutdown,
    reason_of,
)
from ._future import ActorFuture
from ._gen_server import GenServer
from ._intercept import intercept
from ._links import exit_, exit_signal, link, trap_exit, unlink
from ._monitors import demonitor, monitor
from ._names import Name, Via, register, registered, unregister, whereis
from ._node import Node, open_node
from ._outcomes import NoReply, Ok, Reply, Stop
from ._pid import Pid, Ref
from ._process import PortOwner
from ._reports import CrashReport, Report, ZombieReport
from ._scheduler import Port
from ._send import Destination, send
from ._signals import Down, Exit, TimerFired
from ._spawn import spawn, spawn_link, spawn_monitor
from ._start import IGNORE, Ack, Ignore, start_inline, start_task
from ._stop import stop
from ._task import receive
from ._timers import Timer, send_after, start_timer

__all__ = [
    "CALLING_SELF",
    "IGNORE",
    "KILL",
    "KILLED",
    "NOPROC",
    "NORMAL",
    "SHUTDOWN",
    "TIMEOUT",
    "Ack",
    "Actor",
    "ActorDiedError",
    "ActorError",
    "ActorFuture",
    "AlreadyStartedError",
    "Answer",
    "BadReturn",
    "Call",
    "CallError",
    "CallFailed",
    "CannotWaitError",
    "Cast",
    "Crash",
    "CrashReport",
    "Destination",
    "Down",
    "Exit",
    "ExitProcess",
    "ExitReason",
    "Failure",
    "Frame",
    "From",
    "GenServer",
    "Ignore",
    "InitFailedError",
    "MainExitError",
    "Name",
    "NameTakenError",
    "NoProcessError",
    "NoReply",
    "Node",
    "NodeStoppedError",
    "NotAProcessError",
    "Ok",
    "Pid",
    "Port",
    "PortOwner",
    "ReceiveTimeoutError",
    "Ref",
    "Reply",
    "Report",
    "Shutdown",
    "Stop",
    "StopRequest",
    "Timer",
    "TimerFired",
    "Unanswered",
    "UnknownNameError",
    "Via",
    "ZombieReport",
    "are_plain",
    "call",
    "cast",
    "current_node",
    "demonitor",
    "exit_",
    "exit_signal",
    "intercept",
    "link",
    "monitor",
    "open_node",
    "reason_of",
    "receive",
    "register",
    "registered",
    "reply",
    "resolved",
    "self_",
    "send",
    "send_after",
    "send_request",
    "spawn",
    "spawn_link",
    "spawn_monitor",
    "start_inline",
    "start_task",
    "start_timer",
    "stop",
    "trap_exit",
    "unlink",
    "unregister",
    "whereis",
]
