"""Hot code reload: a running node gets the new version of its modules, all of it or nothing.

A node is single-threaded, so code and the processes that are no trio tasks change in one step, between two messages of
each. A task may wait in the middle of a callback; if its class converts its state, it is suspended first, and resumed
when all is done, as OTP's release handler does with every process.

See: OTP ``sys:change_code/4``; OTP design principles, chapter "Release Handling"; rule Y-3.
"""

from __future__ import annotations

import importlib
import sys as python
import time
from collections import defaultdict
from dataclasses import dataclass
from types import CodeType, ModuleType
from typing import TYPE_CHECKING, Any, Protocol, cast, final, runtime_checkable

import trio

from regrow.actors._code._code_module import ModuleLoad, compiled
from regrow.actors._code._code_objects import Journal
from regrow.actors._errors import CallbackFailedError, CallError, NotSuspendedError, ReloadError
from regrow.actors._processes._context import current, current_node
from regrow.actors._processes._exit import CRASHES, bad_return, reason_of
from regrow.actors._processes._inline import InlineProcess
from regrow.actors._processes._task import TaskProcess
from regrow.actors._servers._call import From
from regrow.actors._system._sys_control import change_code, get_status, suspend
from regrow.actors._system._system_messages import Resume, SystemMessage
from regrow.actors._system._system_status import Mode

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from regrow.actors._processes._node import Node
    from regrow.actors._processes._pid import Pid
    from regrow.actors._processes._process import Process

__all__ = ["Reloaded", "reload"]


@final
@dataclass(frozen=True, slots=True)
class Reloaded:
    """What a reload did."""

    modules: tuple[str, ...]
    """The modules, in the order in which they were loaded."""
    updated: tuple[str, ...]
    """Classes and functions, as ``module:name``, that run their new code wherever they are held."""
    added: tuple[str, ...]
    """Classes and functions there were none of before."""
    removed: tuple[str, ...]
    """Classes and functions the new source has no more; what still holds them goes on with them."""
    replaced: dict[str, str]
    """Those that could not be updated and are new objects, with the reason why."""
    instances: int
    """Living processes that run updated code."""
    converted: int
    """Those of them whose `code_change` has run."""
    seconds: float
    """How long it took altogether."""
    longest_stall: float
    """Seconds for which nothing else could run."""

    def __str__(self) -> str:
        text = (
            f"reloaded {', '.join(self.modules)}: {len(self.updated)} updated, {len(self.added)} added, "
            f"{len(self.removed)} removed; {self.instances} processes run new code, {self.converted} were converted; "
            f"{self.seconds * 1e3:.1f} ms, longest stall {self.longest_stall * 1e3:.1f} ms"
        )
        return text + "".join(f"; {name} is a new object: {why}" for name, why in self.replaced.items())


_OURS = "regrow.actors."


@final
class _Nobody(From):
    """Who waits for an answer that nobody waits for."""

    __slots__ = ()

    def answer(self, value: object) -> None:
        pass


@runtime_checkable
class _Convertible(Protocol):
    """What a behaviour must have for its state to be converted: see `_system.Special`."""

    def system_checkpoint(self) -> Callable[[], None]: ...

    def system_code_change(self, actor: type | None, old_version: Any, extra: Any, /) -> Any: ...


async def reload(*modules: ModuleType | str, extra: Any = None, timeout: float = 5.0) -> Reloaded:
    """Load the new versions of modules, in this order, and have all live processes run them.

    Classes and functions stay the objects they are and get new contents, so instances, child specs, subclasses, bound
    methods and names imported elsewhere all run the new code from their next call on. A class that defines
    ``code_change`` converts the state of each live process with ``code_change(old_version, extra)``, where
    ``old_version`` is the ``__version__`` its module had, or None. Other values of a module are made anew.

    Only processes of this node are converted. Tasks whose class converts are suspended meanwhile, each within
    ``timeout`` seconds. If anything fails, or this is cancelled, code and state are put back as they were; state is put
    back attribute by attribute, so what ``code_change`` altered inside a value stays altered.

    Raises:
        ReloadError: a module has no source or a faulty one, running it raised, ``code_change`` raised, a task was not
            suspended in time, or a class with live instances cannot become what it is now: its ``__slots__`` or its
            driver differ. The message says which; the cause is chained.
        CannotWaitError: the running process is inline.
        NotAProcessError: the caller is not a process.
    """
    started = time.perf_counter()
    upgrade = _Upgrade(current_node(), [_module(module) for module in modules], extra, timeout)
    await upgrade.run()
    return upgrade.report(time.perf_counter() - started)


def _module(module: ModuleType | str) -> ModuleType:
    if isinstance(module, ModuleType):
        return module
    loaded = python.modules.get(module)
    return loaded if loaded is not None else importlib.import_module(module)


@final
class _Upgrade:
    """One reload under way."""

    def __init__(self, node: Node, modules: list[ModuleType], extra: Any, timeout: float) -> None:
        self._node = node
        self._modules = modules
        self._extra = extra
        self._timeout = timeout
        self._versions = {module.__name__: getattr(module, "__version__", None) for module in modules}
        self._loads: list[ModuleLoad] = []
        self._journal = Journal()
        self._suspended: list[Pid] = []
        self._moved: list[type] = []
        self._instances = 0
        self._converted = 0
        self._stall = 0.0

    def report(self, seconds: float) -> Reloaded:
        """What was done."""

        def names(kind: Callable[[ModuleLoad], Iterable[str]]) -> tuple[str, ...]:
            return tuple(f"{load.module.__name__}:{name}" for load in self._loads for name in kind(load))

        return Reloaded(
            modules=tuple(self._versions),
            updated=names(lambda load: load.updated),
            added=names(lambda load: load.added),
            removed=names(lambda load: load.removed),
            replaced={
                f"{load.module.__name__}:{name}": why for load in self._loads for name, why in load.replaced.items()
            },
            instances=self._instances,
            converted=self._converted,
            seconds=seconds,
            longest_stall=self._stall,
        )

    async def run(self) -> None:
        """Do all of it, or nothing."""
        began = time.perf_counter()
        codes = [(module, compiled(module)) for module in self._modules]
        running = _by_actor(self._node.processes)
        affected = [actor for actor in running if any(base.__module__ in self._versions for base in actor.__mro__)]
        may_convert = any(_mentions_conversion(code) for _, code in codes) or any(map(_converts, affected))
        try:
            if may_convert and any(isinstance(running[actor][0], TaskProcess) for actor in affected):
                self._stall = time.perf_counter() - began
                await self._suspend([process for actor in affected for process in running[actor]])
                began = time.perf_counter()
                running = _by_actor(self._node.processes)
            self._load(codes, running)
            tasks = self._convert_inline(running)
            self._stall = max(self._stall, time.perf_counter() - began)
            for process in tasks:
                await self._convert_task(process)
        except BaseException:
            self._undo()
            raise
        finally:
            self._resume()

    def _undo(self) -> None:
        self._journal.undo()
        for load in reversed(self._loads):
            load.undo()

    # Processes that are to be converted while they wait in a callback are stopped before, and go on afterwards.

    async def _suspend(self, processes: list[Process]) -> None:
        if current() in processes:
            raise self._error("the process that reloads runs code of it: have a task reload")
        try:
            async with trio.open_nursery() as nursery:
                for process in processes:
                    if issubclass(type(process.server), _Convertible):
                        nursery.start_soon(self._suspend_one, process.pid)
        except BaseExceptionGroup as errors:
            refused = errors.subgroup(CallError)
            if refused is None or errors.split(CallError)[1] is not None:
                raise
            raise self._error(f"a process could not be suspended: {_first(refused)}") from refused

    async def _suspend_one(self, pid: Pid) -> None:
        try:
            if (await get_status(pid, timeout=self._timeout)).mode is Mode.SUSPENDED:
                return
            self._suspended.append(pid)
            await suspend(pid, timeout=self._timeout)
        except CallError as error:
            if pid.is_alive:
                raise
            del error

    def _resume(self) -> None:
        for pid in self._suspended:
            if pid.process is not None:
                pid.process.post(SystemMessage(Resume(), _Nobody()))

    # The step in which nothing else runs.

    def _load(self, codes: list[tuple[ModuleType, CodeType]], running: dict[type, list[Process]]) -> None:
        live = {base for actor in running for base in actor.__mro__}
        drivers = {actor: getattr(actor, "_inline", None) for actor in running}
        for module, code in codes:
            load = ModuleLoad(module, code, live.__contains__)
            self._loads.append(load)
            try:
                load.run()
            except ReloadError:
                raise
            except CRASHES as error:
                raise ReloadError(module.__name__, str(reason_of(error))) from error
        updated = {actor for load in self._loads for actor in load.classes}
        self._choose_drivers(updated)
        self._moved = [actor for actor in running if not updated.isdisjoint(actor.__mro__)]
        self._instances = sum(len(running[actor]) for actor in self._moved)
        for actor in self._moved:
            if getattr(actor, "_inline", None) is not drivers[actor]:
                raise self._error(
                    f"{actor.__qualname__} has live instances, and its callbacks change from plain functions to "
                    "coroutine functions or back: restart them instead"
                )

    def _choose_drivers(self, updated: set[type]) -> None:
        """Subclasses in other modules run their inherited callbacks by another driver if those have changed."""
        for actor in updated:
            for heir in _heirs(actor):
                if heir not in updated and "_inline" in vars(heir):
                    self._journal.on_undo(setattr, heir, "_inline", vars(heir)["_inline"])
                    super(heir, heir).__init_subclass__()  # type: ignore[arg-type]  # a class is a type object

    def _convert_inline(self, running: dict[type, list[Process]]) -> list[Process]:
        """Convert the inline processes; the tasks that are to be converted too."""
        tasks: list[Process] = []
        for actor in self._moved:
            if not _converts(actor) or not issubclass(actor, _Convertible):
                continue
            version = self._old_version(actor)
            for process in running[actor]:
                if isinstance(process, InlineProcess):
                    self._convert(process, version)
                else:
                    tasks.append(process)
        return tasks

    def _convert(self, process: InlineProcess, version: object) -> None:
        server = cast("_Convertible", process.server)
        self._journal.on_undo(server.system_checkpoint())
        try:
            outcome: object = process.scheduler.call_as(process, server.system_code_change, None, version, self._extra)
        except CRASHES as error:
            raise self._failed(process, reason_of(error)) from error
        if outcome is not None:
            raise self._failed(process, bad_return(server.system_code_change, outcome, "None"))
        self._converted += 1

    async def _convert_task(self, process: Process) -> None:
        if not process.pid.is_alive:
            return
        server = cast("_Convertible", process.server)
        self._journal.on_undo(server.system_checkpoint())
        try:
            await change_code(process.pid, None, self._old_version(type(server)), self._extra, timeout=self._timeout)
        except (CallbackFailedError, NotSuspendedError, CallError) as error:
            if process.pid.is_alive:
                raise self._failed(process, error) from error
        else:
            self._converted += 1

    def _old_version(self, actor: type) -> Any:
        modules = (base.__module__ for base in actor.__mro__)
        return next((self._versions[name] for name in modules if name in self._versions), None)

    def _failed(self, process: Process, why: object) -> ReloadError:
        return self._error(f"code_change of {process} failed: {why}")

    def _error(self, why: str) -> ReloadError:
        return ReloadError(", ".join(self._versions), why)


def _by_actor(processes: Iterable[Process]) -> dict[type, list[Process]]:
    """Processes by the class whose callbacks they run."""
    running: dict[type, list[Process]] = defaultdict(list)
    for process in processes:
        running[type(process.server)].append(process)
    return running


def _heirs(actor: type) -> Iterator[type]:
    heirs: list[type] = actor.__subclasses__()
    for heir in heirs:
        yield heir
        yield from _heirs(heir)


def _converts(actor: type) -> bool:
    """Whether a class says how to convert its state, rather than inherit that there is nothing to do."""
    return any("code_change" in vars(base) and not base.__module__.startswith(_OURS) for base in actor.__mro__)


def _mentions_conversion(code: CodeType) -> bool:
    """Whether a source may define a ``code_change``."""
    return "code_change" in code.co_names or any(
        _mentions_conversion(part) for part in code.co_consts if isinstance(part, CodeType)
    )


def _first(group: BaseException) -> BaseException:
    while isinstance(group, BaseExceptionGroup):
        group = cast("BaseExceptionGroup[BaseException]", group).exceptions[0]
    return group
