"""pykka thread actors as they are found in the wild, none of which knows of processes."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import pykka

if TYPE_CHECKING:
    from tests.support.thread_test import Gate


class ThreadPuppet(pykka.ThreadingActor):
    """An actor that does what the message says, and writes down what happened to it, and in which thread."""

    def __init__(self, log: list[object]) -> None:
        super().__init__()
        self.log = log
        self.threads = [threading.get_ident()]

    def on_start(self) -> None:
        self.threads.append(threading.get_ident())
        self.log.append("on_start")

    def on_receive(self, message: Any) -> Any:
        if isinstance(message, BaseException):
            raise message
        if callable(message):
            return message(self)
        self.log.append(message)
        return f"did {message}"

    def on_stop(self) -> None:
        self.threads.append(threading.get_ident())
        self.log.append("on_stop")

    def on_failure(self, exception_type: Any, exception_value: Any, traceback: Any) -> None:
        self.log.append(("on_failure", exception_type))

    def shout(self, word: str) -> str:
        return word.upper()

    def leave(self) -> None:
        self.stop()


class BornBroken(pykka.ThreadingActor):
    """An actor whose constructor raises."""

    def __init__(self, error: BaseException) -> None:
        super().__init__()
        raise error


class FailsOnStart(ThreadPuppet):
    """An actor that fails on start, when pykka would only log it."""

    def on_start(self) -> None:
        raise ValueError("bad")


class FailsOnStop(ThreadPuppet):
    """An actor that fails while it stops."""

    def on_stop(self) -> None:
        raise ArithmeticError("on_stop failed")


class NeverInitialised(pykka.ThreadingActor):
    """An actor that forgets its base."""

    def __init__(self) -> None:
        pass


class BlocksOnStart(ThreadPuppet):
    """An actor that takes long to start."""

    def __init__(self, log: list[object], gate: Gate) -> None:
        super().__init__(log)
        self.gate = gate

    def on_start(self) -> None:
        self.gate.block()
        super().on_start()
