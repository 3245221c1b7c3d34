"""What both kinds of supervisor do with a request, whatever it asks."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any, ClassVar, final

from regrow.actors import From, GenServer, Reply

from ._asking import ask
from ._errors import BadOptionError, SupervisorError
from ._requests import StartChild, Upgrade

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from regrow.actors import Destination, Stop

__all__ = ["AnsweringServer", "TryAgain", "change"]


@final
class TryAgain:
    """A supervisor's note to itself: the restart of this child failed (rule U-14)."""

    __slots__ = ("child",)

    def __init__(self, child: Any) -> None:
        self.child = child


class AnsweringServer(GenServer):
    """A server whose answers are values or `SupervisorError` values, and whose options can be changed."""

    _changeable: ClassVar[frozenset[str]]
    """The options of ``start_link`` that `_configure` takes."""
    _configure: Callable[..., None]
    """Changes options, all of them or, raising, none."""

    async def handle_call(self, request: object, _caller: From) -> Reply:
        """Answer a request; errors are values, raised by the function that asked."""
        try:
            return Reply(await self._answer(request))
        except SupervisorError as error:
            return Reply(error.with_traceback(None))

    async def handle_cast(self, request: object) -> Stop | None:
        """Start a child for somebody who does not wait for the answer; a failure has been reported."""
        if isinstance(request, StartChild):
            with contextlib.suppress(SupervisorError):
                await self._answer(request)
        else:
            GenServer.handle_cast(self, request)
        return None

    def code_change(self, _old_version: object, extra: Mapping[str, Any] | None = None, /) -> None:
        """Change options in a code upgrade: ``extra`` holds those of ``upgrade``. If it raises, nothing changed.

        See: OTP ``supervisor``, which runs its callback module's ``init`` again.
        """
        self._change(extra or {})

    async def _answer(self, request: object) -> Any:
        """The answer to a request that every supervisor understands."""
        if not isinstance(request, Upgrade):
            raise NotImplementedError(f"a {type(self).__name__} does not know the request {request!r}")
        self._change(request.options)

    def _change(self, options: Mapping[str, Any]) -> None:
        for option, value in options.items():
            if option not in self._changeable:
                raise BadOptionError(option, value, f"left out: a {type(self).__name__} has no such option to change")
        self._configure(**options)


async def change(supervisor: Destination, **options: Any) -> None:
    """Ask a supervisor to change the options that are not None."""
    await ask(supervisor, Upgrade({option: value for option, value in options.items() if value is not None}))
