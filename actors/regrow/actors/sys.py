"""Looking into running processes, and stopping them in their tracks. See: OTP ``sys``.

::

    from regrow.actors import sys

    await sys.suspend(pid)
    print(await sys.get_state(pid))
    await sys.replace_state(pid, lambda state: state | {"count": 0})
    await sys.resume(pid)

Every `GenServer`, and whatever else answers system messages, can be asked, whether its callbacks wait or not.
"""

from __future__ import annotations

from ._servers._special import Special
from ._system._sys_control import change_code, get_state, get_status, replace_state, resume, suspend, terminate
from ._system._sys_debug import get_log, get_statistics, install, log, no_debug, remove, statistics, trace
from ._system._system import serve_system_message, take_system_message
from ._system._system_events import DONE, Event, Hook, In, Install, Log, NoReply, Option, Out, Statistics, Totals, Trace
from ._system._system_messages import SystemMessage
from ._system._system_status import Mode, ProcessStatus, Status

__all__ = [
    "DONE",
    "Event",
    "Hook",
    "In",
    "Install",
    "Log",
    "Mode",
    "NoReply",
    "Option",
    "Out",
    "ProcessStatus",
    "Special",
    "Statistics",
    "Status",
    "SystemMessage",
    "Totals",
    "Trace",
    "change_code",
    "get_log",
    "get_state",
    "get_statistics",
    "get_status",
    "install",
    "log",
    "no_debug",
    "remove",
    "replace_state",
    "resume",
    "serve_system_message",
    "statistics",
    "suspend",
    "take_system_message",
    "terminate",
    "trace",
]
