"""How a static supervisor supervises, as a value, and which children may live under it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, final

from ._auto_shutdown import AutoShutdown
from ._child_spec import ChildSpec
from ._errors import BadCombinationError, BadOptionError, DuplicateChildError
from ._intensity import RestartLimit
from ._strategy import Strategy

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable

__all__ = ["Flags", "by_id", "check_childspecs"]


@final
@dataclass(frozen=True, slots=True)
class Flags:
    """What holds for all children of one supervisor. See: OTP ``supervisor:sup_flags()``.

    Raises:
        BadOptionError: a field is outside its contract (rule U-4).
    """

    strategy: Strategy
    limit: RestartLimit
    auto_shutdown: AutoShutdown

    def __post_init__(self) -> None:
        """Check the contract for those who do not run a type checker."""
        for option, kind, expected in _CONTRACT:
            value = getattr(self, option)
            if not isinstance(value, kind):
                raise BadOptionError(option, value, expected)

    def changed(
        self,
        *,
        strategy: Strategy | None = None,
        intensity: int | None = None,
        period: int | None = None,
        auto_shutdown: AutoShutdown | None = None,
    ) -> Flags:
        """The same but for what is not None."""
        return Flags(
            self.strategy if strategy is None else strategy,
            self.limit.changed(intensity=intensity, period=period),
            self.auto_shutdown if auto_shutdown is None else auto_shutdown,
        )

    def check(self, spec: ChildSpec) -> None:
        """See whether a child may live under these flags.

        Raises:
            BadCombinationError: it is significant, and its supervisor never shuts down by itself.
        """
        if spec.significant and self.auto_shutdown is AutoShutdown.NEVER:
            raise BadCombinationError(
                spec.id, "its supervisor has auto_shutdown=NEVER: choose ANY_SIGNIFICANT or ALL_SIGNIFICANT"
            )


_CONTRACT = (("strategy", Strategy, "a Strategy"), ("auto_shutdown", AutoShutdown, "an AutoShutdown"))
"""What the fields must hold; the limit has been checked as a value of its own."""


def check_childspecs(children: Iterable[ChildSpec], *, auto_shutdown: AutoShutdown | None = None) -> None:
    """See whether a supervisor would take these children, without starting anything.

    The fields of each spec were checked when it was made. ``auto_shutdown``: the one of the supervisor; None leaves
    open which.

    Raises:
        BadCombinationError: a child is significant, and ``auto_shutdown`` is `AutoShutdown.NEVER`.
        BadOptionError: something in ``children`` is no `ChildSpec`, or ``auto_shutdown`` no `AutoShutdown`.
        DuplicateChildError: two children have the same id.

    See: OTP ``supervisor:check_childspecs/2``.
    """
    specs = by_id(children)
    if auto_shutdown is not None:
        flags = Flags(Strategy.ONE_FOR_ONE, RestartLimit(1, 5), auto_shutdown)
        for spec in specs.values():
            flags.check(spec)


def by_id(children: Iterable[ChildSpec]) -> dict[Hashable, ChildSpec]:
    """The specs under their ids, in order.

    Raises:
        BadOptionError: something is no `ChildSpec`.
        DuplicateChildError: two have the same id.
    """
    specs: dict[Hashable, ChildSpec] = {}
    for spec in children:
        if not isinstance(spec, ChildSpec):  # pyright: ignore[reportUnnecessaryIsInstance] - not all run a checker
            raise BadOptionError("children", spec, "ChildSpecs")
        if spec.id in specs:
            raise DuplicateChildError(spec.id)
        specs[spec.id] = spec
    return specs
