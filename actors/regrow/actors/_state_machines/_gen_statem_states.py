"""States of a machine that are methods: what `state` makes of a method, and which states a class has."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, final

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from regrow.actors._state_machines._gen_statem_events import Event

__all__ = ["State", "state", "states_of"]


@final
class State(str):
    """A state of a machine: its name, which is equal to any string that spells it, and the code that acts in it."""

    __slots__ = ("function",)

    function: Callable[[Any, Any], Any]
    """The method: takes the machine and an event."""

    def __new__(cls, function: Callable[[Any, Any], Any]) -> State:
        made = super().__new__(cls, function.__name__)
        made.function = function
        return made

    def __call__(self, machine: Any, event: Event) -> Any:
        """What the state makes of an event; for a state that leaves events to another."""
        return self.function(machine, event)

    def __reduce__(self) -> tuple[type[str], tuple[str]]:
        return str, (str(self),)


def state(method: Callable[[Any, Any], Any]) -> State:
    """Declare that a method is a state of a `GenStatem`.

    ``self.locked`` is then the state ``locked``: what `Next` goes to, ``terminate`` and `Enter` name, and a
    misspelling of which is an AttributeError.

    See: OTP ``gen_statem`` callback mode ``state_functions``.
    """
    return State(method)


def states_of(machine: type) -> dict[str, State]:
    """The states among the attributes of a class, by name.

    Raises:
        TypeError: a state is not found under its own name.
    """
    found: dict[str, State] = {}
    for ancestor in reversed(machine.__mro__):
        members: Mapping[str, object] = vars(ancestor)
        for name, member in members.items():
            if not isinstance(member, State):
                found.pop(name, None)
                continue
            if member != name:
                raise TypeError(f"the state {member!r} of {machine.__qualname__} is bound to another name: {name!r}")
            found[name] = member
    return found
