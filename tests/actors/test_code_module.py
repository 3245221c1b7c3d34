"""Loading a module anew: classes and functions stay the objects they are and do what the new source says."""

from __future__ import annotations

from types import ModuleType
from typing import TYPE_CHECKING, Any

import pytest

from regrow.actors import ReloadError
from regrow.actors._code._code_module import ModuleLoad, compiled

if TYPE_CHECKING:
    from tests.support.reloadable import Sources


def load(module: ModuleType, *live: type) -> ModuleLoad:
    done = ModuleLoad(module, compiled(module), live.__contains__)
    try:
        done.run()
    except BaseException:
        done.undo()
        raise
    return done


def test_a_function_runs_its_new_code_wherever_it_is_held(sources: Sources) -> None:
    module = sources.module("def answer(n=1): return n")
    held = module.answer
    sources.write(module, "async def helper(): ...\ndef answer(n=2, *, by=10): return n * by")

    done = load(module)

    assert held() == 20
    assert held is module.answer
    assert (done.updated, done.added, done.removed) == (["answer"], ["helper"], [])


def test_instances_subclasses_and_names_imported_elsewhere_see_the_new_class(sources: Sources) -> None:
    module = sources.module("class Greeter:\n    word = 'hello'\n    def greet(self): return self.word")
    other = sources.module(f"from {module.__name__} import Greeter\nclass Loud(Greeter): pass")
    instance, loud = module.Greeter(), other.Loud()
    sources.write(module, "class Greeter:\n    def greet(self): return self.name()\n    def name(self): return 'you'")

    load(module)

    assert instance.greet() == loud.greet() == "you"
    assert type(instance) is module.Greeter is other.Greeter
    assert not hasattr(instance, "word")


def test_bound_methods_that_somebody_kept_run_the_new_code(sources: Sources) -> None:
    module = sources.module(
        """
        class Kept:
            def plain(self): return 1
            @classmethod
            def of_class(cls): return 1
            @staticmethod
            def static(): return 1
            @property
            def read(self): return 1
        """
    )
    instance = module.Kept()
    kept = [instance.plain, instance.of_class, module.Kept.static]
    sources.write(
        module,
        """
        class Kept:
            def plain(self): return 2
            @classmethod
            def of_class(cls): return cls
            @staticmethod
            def static(): return 2
            @property
            def read(self): return 2
        """,
    )

    load(module)

    assert [method() for method in kept] == [2, module.Kept, 2]
    assert instance.read == 2


def test_super_finds_the_class_that_stayed(sources: Sources) -> None:
    module = sources.module("class A:\n    def f(self): return 'a'\nclass B(A):\n    def f(self): return 'b'")
    instance = module.B()
    sources.write(
        module, "class A:\n    def f(self): return 'A'\nclass B(A):\n    def f(self): return super().f() + 'B'"
    )

    load(module)
    assert instance.f() == "AB"

    sources.write(
        module, "class A:\n    def f(self): return 'x'\nclass B(A):\n    def f(self): return 'y' + super().f()"
    )
    load(module)
    assert instance.f() == "yx"


def test_a_class_may_get_another_base(sources: Sources) -> None:
    module = sources.module("class A: pass\nclass B: word = 'b'\nclass C(A): pass")
    instance = module.C()
    sources.write(module, "class A: pass\nclass B: word = 'b!'\nclass C(B): pass")

    load(module)

    assert instance.word == "b!"
    assert module.C.__bases__ == (module.B,)


def test_nested_classes_are_updated_too(sources: Sources) -> None:
    module = sources.module("class Outer:\n    class Inner:\n        value = 1")
    inner = module.Outer.Inner()
    sources.write(module, "class Outer:\n    class Inner:\n        value = 2")

    done = load(module)

    assert inner.value == 2
    assert module.Outer.Inner is type(inner)
    assert done.updated == ["Outer", "Outer.Inner"]


def test_messages_in_flight_are_matched_by_the_new_code(sources: Sources) -> None:
    module = sources.module(
        "from dataclasses import dataclass\n@dataclass(frozen=True)\nclass Say:\n    text: str\n"
        "def read(m):\n    match m:\n        case Say(text): return text"
    )
    message = module.Say("hello")
    sources.write(
        module,
        "from dataclasses import dataclass\n@dataclass(frozen=True)\nclass Say:\n    text: str\n    loud: bool = 0\n"
        "def read(m):\n    match m:\n        case Say(text, loud): return text, loud",
    )

    load(module)

    assert module.read(message) == ("hello", 0)
    assert module.read(module.Say("hi", loud=True)) == ("hi", True)


def test_an_enumeration_with_the_same_members_stays(sources: Sources) -> None:
    source = "import enum\nclass Mood(enum.Enum):\n    OK = 1\n    def say(self): return {}\nDEFAULT = Mood.OK\n"
    module = sources.module(source.format("'before'"))
    mood = module.Mood.OK
    sources.write(module, source.format("'after'"))

    load(module)

    assert module.DEFAULT is mood is module.Mood.OK
    assert mood.say() == "after"


def test_an_enumeration_with_other_members_is_a_new_one(sources: Sources) -> None:
    module = sources.module("import enum\nclass Mood(enum.Enum):\n    OK = 1")
    sources.write(module, "import enum\nclass Mood(enum.Enum):\n    OK = 1\n    BAD = 2")

    done = load(module)

    assert module.Mood.BAD.value == 2
    assert done.replaced == {"Mood": "it is an enumeration with other members"}


def test_old_objects_take_the_place_of_new_ones_in_containers_defaults_closures_and_decorators(
    sources: Sources,
) -> None:
    source = """
        class A: value = {value}
        def plain(): return {value}
        TABLE = {{"a": A, A: plain}}
        ROW, POOL = [A, plain], {{A}}
        MADE = A()
        def default(kind=A, *, also=plain): return kind, also
        def outer():
            kind = A
            def inner(): return kind
            return inner
        INNER = outer()
        """
    module = sources.module(source.format(value=1))
    actor, plain = module.A, module.plain
    sources.write(module, source.format(value=2))

    load(module)

    assert {"a": actor, actor: plain} == module.TABLE
    assert [actor, plain] == module.ROW
    assert {actor} == module.POOL
    assert type(module.MADE) is actor
    assert module.default() == (actor, plain)
    assert module.INNER() is actor
    assert actor.value == plain() == 2


def test_decorated_functions_run_the_new_code(sources: Sources) -> None:
    source = """
        import functools
        def twice(f):
            @functools.wraps(f)
            def wrapper(*args): return f(*args) * 2
            return wrapper
        @twice
        def answer(): return {}
        """
    module = sources.module(source.format(1))
    held = module.answer
    sources.write(module, source.format(21))

    load(module)

    assert held() == 42


def test_other_values_are_made_anew_and_what_is_gone_is_gone(sources: Sources) -> None:
    module = sources.module("cache = {1: 2}\ngone = 1\ndef away(): pass")
    module.cache[3] = 4
    sources.write(module, "cache = {1: 2}")

    done = load(module)

    assert module.cache == {1: 2}
    assert not hasattr(module, "gone")
    assert done.removed == ["away"]


def test_a_class_without_live_instances_that_cannot_be_filled_is_replaced(sources: Sources) -> None:
    module = sources.module("class Point: __slots__ = ('x',)")
    old = module.Point
    sources.write(module, "class Point: __slots__ = ('x', 'y')")

    done = load(module)

    assert module.Point is not old
    assert done.replaced == {"Point": "its __slots__ differ"}


def test_slots_that_are_the_same_keep_their_values(sources: Sources) -> None:
    slots = "class Point:\n    __slots__ = ('x', '__y')\n"
    module = sources.module(slots + "    def __init__(self): self.x, self.__y = 1, 2")
    point = module.Point()
    sources.write(module, slots + "    def both(self): return self.x, self.__y")

    load(module)

    assert point.both() == (1, 2)


BROKEN: dict[str, tuple[str, str]] = {
    "a syntax error": ("def f(:", "SyntaxError"),
    "an error while it runs": ("class A:\n    def f(self): return 2\n1 / 0", "ZeroDivisionError"),
    "live instances with other slots": ("class A:\n    __slots__ = ('x',)", "__slots__ differ"),
    "live instances with a base of another layout": ("class A(dict): pass", "laid out otherwise"),
    "live instances with another metaclass": ("class M(type): pass\nclass A(metaclass=M): pass", "metaclass"),
    "a function in the place of live instances": ("def A(): pass", "was a class"),
}


@pytest.mark.parametrize("why", BROKEN)
def test_what_cannot_be_loaded_changes_nothing(sources: Sources, why: str) -> None:
    module = sources.module("class A:\n    def f(self): return 1\ndef g(): return 1\nstate = []\n")
    instance, state = module.A(), module.state
    names: dict[str, Any] = {**vars(module)}
    source, expected = BROKEN[why]
    sources.write(module, f"def g(): return 2\nstate = None\n{source}")

    with pytest.raises((ReloadError, ZeroDivisionError)) as caught:
        load(module, module.A)

    assert expected in f"{type(caught.value).__name__}: {caught.value}"
    assert instance.f() == module.g() == 1
    assert module.state is state
    assert {**vars(module)} == names


def test_undo_puts_everything_back(sources: Sources) -> None:
    source = """
        import enum
        class Mood(enum.Enum):
            OK = 1
            def say(self): return {value}
        class Base:
            word = {value}
            def f(self, n={value}): return n
        class Other: pass
        class Kind({base}):
            {extra} = 1
            def g(self): return {value}
        def h(n={value}): return n
        h.mark = {value}
        """
    module = sources.module(source.format(value=1, base="Base", extra="before"))
    instance = module.Kind()

    def look() -> list[Any]:
        kind = module.Kind
        return [
            instance.f(),
            instance.g(),
            instance.word,
            module.h(),
            module.h.mark,
            module.Mood.OK.say(),
            kind.__bases__,
            hasattr(kind, "before"),
            hasattr(kind, "after"),
        ]

    before = look()
    sources.write(module, source.format(value=2, base="Base, Other", extra="after"))
    done = load(module)
    assert look() != before

    done.undo()

    assert look() == before


def test_a_module_without_a_source_is_refused() -> None:
    with pytest.raises(ReloadError, match="not loaded from a source file"):
        compiled(ModuleType("made_by_hand"))
