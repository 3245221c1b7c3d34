"""Loading the new version of a module into the objects of the old one.

The source is run anew in the module's namespace, as `importlib.reload` does. Then each class and each function that was
there before is made to do what its new version does (see `_code_objects`), and takes the new version's place wherever
the new source put it: in the namespace, in containers, defaults and closures. Other values of the module are new.

See: Erlang ``code:load_file/1``.
"""

from __future__ import annotations

import enum
import gc
import linecache
from importlib.util import decode_source
from types import CellType, FunctionType, ModuleType
from typing import TYPE_CHECKING, Any, cast, final

from regrow.actors._code._code_objects import Journal, fill_class, fill_function, fill_functions, is_fillable, why_not
from regrow.actors._errors import ReloadError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import CodeType

__all__ = ["ModuleLoad", "compiled"]


def compiled(module: ModuleType) -> CodeType:
    """The source of a module as it is on disk now, compiled.

    Raises:
        ReloadError: it has no source, the source cannot be read, or it is no Python.
    """
    loader: Any = module.__spec__.loader if module.__spec__ is not None else None
    path = getattr(module, "__file__", None)
    if path is None or not hasattr(loader, "get_data"):
        raise ReloadError(module.__name__, "it was not loaded from a source file")
    try:
        source = decode_source(loader.get_data(path))
        code: CodeType = compile(source, path, "exec", dont_inherit=True)
    except (OSError, SyntaxError, ValueError) as error:
        raise ReloadError(module.__name__, f"{type(error).__name__}: {error}") from error
    linecache.checkcache(path)
    return code


@final
class ModuleLoad:
    """One module being loaded anew. `run` it once; `undo` puts everything back."""

    def __init__(self, module: ModuleType, code: CodeType, is_live: Callable[[type], bool]) -> None:
        self.module = module
        self.updated: list[str] = []
        """Classes and functions that do what their new version does."""
        self.added: list[str] = []
        """Classes and functions there were none of before."""
        self.removed: list[str] = []
        """Classes and functions the new source has no more; who holds them goes on with them."""
        self.replaced: dict[str, str] = {}
        """Those that are new objects, with the reason why; who holds the old one goes on with that."""
        self.classes: list[type] = []
        """The classes of `updated`."""
        self._code = code
        self._is_live = is_live
        self._journal = Journal()
        self._twins: dict[int, tuple[Any, Any]] = {}
        """From the id of each new object to it and to the old object that takes its place."""

    def run(self) -> None:
        """Load the module. If this raises, call `undo`.

        Raises:
            ReloadError: a class with live instances cannot become what it is in the new source.
            Exception: what the new source raised.
        """
        namespace = vars(self.module)
        before = dict(namespace)
        self._journal.on_undo(_restore, namespace, before)
        for name in [name for name, value in before.items() if not _stays(self.module, name, value)]:
            del namespace[name]
        young = self._executed(namespace)
        old, new = dict(self._defined(before)), dict(self._defined(namespace))
        self.added = sorted(new.keys() - old.keys())
        self.removed = sorted(old.keys() - new.keys())
        for name in sorted(new.keys() & old.keys()):
            self._pair(name, old[name], new[name])
        self._put_old_for_new(namespace, young)
        for theirs, ours in list(self._twins.values()):
            self._fill(ours, theirs)

    def undo(self) -> None:
        """Put everything back as it was."""
        self._journal.undo()

    def _executed(self, namespace: dict[str, Any]) -> list[Any]:
        """Run the source; the objects it made that may hold others."""
        was_enabled = gc.isenabled()
        gc.collect(0)
        gc.disable()  # what is made from here on stays in the youngest generation
        try:
            exec(self._code, namespace)  # noqa: S102 - it is what loading a module is
            return gc.get_objects(generation=0)
        finally:
            if was_enabled:
                gc.enable()

    def _defined(self, namespace: dict[str, Any]) -> Iterator[tuple[str, Any]]:
        """The classes and functions a namespace of this module defines, rather than imports, by qualified name."""
        for name, value in namespace.items():
            if isinstance(value, (type, FunctionType)) and value.__module__ == self.module.__name__:
                yield name, value
                if isinstance(value, type):
                    yield from self._nested(value)

    def _nested(self, outer: type) -> Iterator[tuple[str, Any]]:
        for value in list(vars(outer).values()):
            if isinstance(value, type) and value.__qualname__.startswith(f"{outer.__qualname__}."):
                yield value.__qualname__, value
                yield from self._nested(value)

    # Which old object takes the place of which new one.

    def _pair(self, name: str, old: Any, new: Any) -> None:
        obstacle = self._obstacle(old, new)
        if obstacle is None:
            self._twins[id(new)] = new, old
            if isinstance(new, enum.EnumMeta):
                for member in cast("type[enum.Enum]", new):
                    self._twins[id(member)] = member, old[member.name]
            self.updated.append(name)
            if isinstance(old, type):
                self.classes.append(old)
            return
        if isinstance(old, type) and self._is_live(old):
            raise ReloadError(self.module.__name__, f"{name} has live instances and {obstacle}: restart them instead")
        self.replaced[name] = obstacle

    def _obstacle(self, old: Any, new: Any) -> str | None:
        if isinstance(old, FunctionType) and isinstance(new, FunctionType):
            return None if is_fillable(old, new) else "it is another kind of function, or closes over other variables"
        if isinstance(old, enum.EnumMeta) and isinstance(new, enum.EnumMeta):
            return None if _members(old) == _members(new) else "it is an enumeration with other members"
        if isinstance(old, type) and isinstance(new, type):
            return why_not(old, new)
        return "it was a function and is a class" if isinstance(new, type) else "it was a class and is a function"

    def _fill(self, old: Any, new: Any) -> None:
        if isinstance(old, FunctionType):
            fill_function(old, new, self._journal)
        elif isinstance(old, enum.EnumMeta):
            fill_functions(old, new, self._journal)
        elif isinstance(old, type):
            bases: tuple[type, ...] = tuple(self._twin(base) for base in new.__bases__)
            try:
                fill_class(old, new, bases, self._journal)
            except TypeError as error:
                raise ReloadError(self.module.__name__, f"{old.__qualname__}: {error}") from error

    def _twin(self, value: Any) -> Any:
        return self._twins.get(id(value), (None, value))[1]

    # Wherever the new source put a new object the old one takes its place.

    def _put_old_for_new(self, namespace: dict[str, Any], young: list[Any]) -> None:
        _swap_in_dict(namespace, self._twins)
        for holder in young:
            kind = cast("type[object]", type(holder))
            if kind is dict:
                _swap_in_dict(holder, self._twins)
            elif kind is list:
                holder[:] = [self._twin(item) for item in holder]
            elif kind is set:
                if any(id(item) in self._twins for item in holder):
                    items = {self._twin(item) for item in holder}
                    holder.clear()
                    holder.update(items)
            elif kind is CellType:
                self._swap_in_cell(holder)
            elif kind is FunctionType:
                holder.__defaults__ = holder.__defaults__ and tuple(self._twin(value) for value in holder.__defaults__)
            elif id(kind) in self._twins:
                holder.__class__ = self._twin(kind)

    def _swap_in_cell(self, cell: CellType) -> None:
        try:
            contents = cell.cell_contents
        except ValueError:  # it is empty
            return
        if id(contents) in self._twins:
            cell.cell_contents = self._twin(contents)


def _swap_in_dict(mapping: dict[Any, Any], twins: dict[int, tuple[Any, Any]]) -> None:
    for key, value in list(mapping.items()):
        if id(value) in twins:
            mapping[key] = twins[id(value)][1]
        if id(key) in twins:
            mapping[twins[id(key)][1]] = mapping.pop(key)


def _stays(module: ModuleType, name: str, value: object) -> bool:
    """Whether a name is part of what a module is rather than of what its source says."""
    if name.startswith("__") and name.endswith("__"):
        return name not in {"__all__", "__annotations__", "__doc__"}
    return isinstance(value, ModuleType) and value.__name__ == f"{module.__name__}.{name}"


def _members(enumeration: enum.EnumMeta) -> dict[str, Any]:
    return {name: member.value for name, member in cast("type[enum.Enum]", enumeration).__members__.items()}


def _restore(namespace: dict[str, Any], before: dict[str, Any]) -> None:
    namespace.clear()
    namespace.update(before)
