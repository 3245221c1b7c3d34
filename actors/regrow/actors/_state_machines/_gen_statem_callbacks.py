"""The callbacks of a state machine, with what they do unless they are overridden."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from regrow.actors._servers._server_state import checkpoint, replace, snapshot
from regrow.actors._state_machines._gen_statem_machine import RefusedError

if TYPE_CHECKING:
    from collections.abc import Callable

    from regrow.actors._processes._exit import ExitReason
    from regrow.actors._processes._pid import Pid
    from regrow.actors._state_machines._gen_statem_events import Event
    from regrow.actors._state_machines._gen_statem_machine import Machine
    from regrow.actors._state_machines._gen_statem_states import State
    from regrow.actors._system._system_status import Status

__all__ = ["CALLBACKS", "StatemCallbacks"]

CALLBACKS = ("init", "handle_event", "terminate", "code_change")
"""Those that may wait, beside the states: if one of them is a coroutine function the machine is a task."""

RUNTIMES_OWN = frozenset(("pid", "_parent", "_machine", "_debugging", "_arrived", "_settle"))
"""Attributes of a machine that are not its data."""


class StatemCallbacks:
    """The callbacks of `GenStatem`."""

    pid: Pid
    """This process. Set before ``init`` runs."""
    state_enter: ClassVar[bool] = False
    """Whether a state is given `Enter` when it is entered: at the start, from another state, and after `Repeat`.

    The outcome may neither change the state, nor postpone, nor insert events. See: OTP ``state_enter``.
    """
    _states: ClassVar[dict[str, State]] = {}
    _machine: Machine

    def init(self, *args: Any, **kwargs: Any) -> Any:
        """Set up the data from the arguments of `start_link`. `Next` with the first state.

        Or `IGNORE`, `Fail` or `Stop` not to begin. `POSTPONE` does nothing here. The signature is the widest there
        is, so that an override may name its own parameters.
        """
        raise NotImplementedError(f"{type(self).__qualname__} defines no init to say in which state it begins")

    def handle_event(self, event: Event, state: Any, /) -> Any:
        """Handle every event, in any state. By default the state handles it.

        A class without methods declared with `state` overrides it: its states are any values, compared with
        ``==``. A class with such methods may override it for what is the same in all states, and leave the rest to
        ``super().handle_event(event, state)``.

        See: OTP ``gen_statem`` callback mode ``handle_event_function``.
        """
        return self._states[state].function(self, event)

    def terminate(self, reason: ExitReason, state: Any, /) -> Any:
        """Clean up. Runs after `Stop`, a crash, `stop`, and the parent's exit if the process traps exits.

        It does not run when ``init`` failed, when an exit signal ends a process that does not trap exits, nor
        on kill. What it raises replaces the reason.
        """

    # What `sys` asks for.

    def code_change(self, old_version: Any, state: Any, extra: Any, /) -> Any:
        """Convert the data to the code of this class, which has just been put in the place of ``old_version``'s.

        Runs while the process is suspended. Return None to stay in the state, or `Next`, without actions, to say
        what it is called now; nothing is entered. If this raises or returns anything else, or the state is none of
        this class, all is put back as it was, and whoever asked hears of it (rule Y-3).

        See: OTP ``gen_statem:code_change/4``.
        """

    def format_status(self, status: Status, /) -> Status:
        """Make presentable what `sys.get_status` and the report of a crash show: leave out secrets, cut short.

        ``status.state`` is what `system_get_state` returns. If this raises, a note stands for it (rule G-16).

        See: OTP ``gen_statem:format_status/1``.
        """
        return status

    def system_get_state(self) -> tuple[Any, Any]:
        """The state and the data as `sys.get_state` shows them: the data are the attributes by name.

        See: OTP ``{State, Data}`` of ``sys:get_state/1``.
        """
        return self._machine.state, snapshot(self, RUNTIMES_OWN)

    def system_replace_state(self, function: Callable[[Any], Any], /) -> Any:
        """Set state and data to what ``function`` makes of them, all or none. That is no transition.

        Override it together with `system_get_state`. See: OTP ``system_replace_state/2``.
        """
        new = function(self.system_get_state())
        state, data = new
        self._check_state(state)
        replace(self, data, RUNTIMES_OWN)
        self._machine.state = self._machine.acting = state
        return new

    def system_checkpoint(self) -> Callable[[], None]:
        """What puts class, state and data back as they are now."""
        restore_data = checkpoint(self, RUNTIMES_OWN)
        state = self._machine.state

        def restore() -> None:
            restore_data()
            self._machine.state = self._machine.acting = state
            self._machine.enters = self.state_enter

        return restore

    def _check_state(self, state: Any) -> None:
        """Refuse a state that this machine cannot be in: those of a class that declares states are these."""
        if self._states and not (isinstance(state, str) and state in self._states):
            names = ", ".join(repr(str(known)) for known in self._states.values())
            raise RefusedError(f"a state of {type(self).__qualname__}, which are {names}")
