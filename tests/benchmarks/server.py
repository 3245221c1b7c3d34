"""The server under load: started on a core of its own, stopped by its pid whatever happens."""

# ruff: noqa: S603
# It runs what its user names.

from __future__ import annotations

import socket
import subprocess
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final

from tests.benchmarks.cores import pinned
from tests.benchmarks.errors import RunFailedError

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

CHECKOUT: Final = Path(__file__).parents[2]

_STARTUP_TIMEOUT: Final = 20.0
"""Seconds until it must accept its first connection."""
_STOP_TIMEOUT: Final = 5.0
"""Seconds from asking to kill."""
_SETTLE: Final = 0.3
"""Seconds for it to finish starting, so that its memory is measured at rest."""


@contextmanager
def serving(command: Sequence[str], port: int, core: int) -> Generator[int]:
    """Run a server that listens on ``port`` while the block runs; its pid.

    Raises:
        RunFailedError: it does not accept connections.
    """
    with tempfile.TemporaryFile() as log:
        with pinned(core):
            # In a session of its own: Ctrl-C reaches the harness alone, which then stops it.
            process = subprocess.Popen(
                command, cwd=CHECKOUT, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )
        try:
            _until_accepting(process, port, log)
            time.sleep(_SETTLE)
            yield process.pid
        finally:
            _stop(process)


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def _until_accepting(process: subprocess.Popen[bytes], port: int, log: IO[bytes]) -> None:
    deadline = time.monotonic() + _STARTUP_TIMEOUT
    while time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), 1.0).close()
        except OSError:
            if process.poll() is not None:
                raise RunFailedError(f"the server exited with {process.returncode}: {_tail(log)}") from None
            time.sleep(0.05)
        else:
            return
    raise RunFailedError(f"the server did not open port {port} in {_STARTUP_TIMEOUT:g} s: {_tail(log)}")


def _tail(log: IO[bytes]) -> str:
    log.seek(0)
    return log.read().decode(errors="replace")[-500:].strip()


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(_STOP_TIMEOUT)
    except BaseException as error:  # a second Ctrl-C, too, must leave nobody behind
        process.kill()
        process.wait()
        if not isinstance(error, subprocess.TimeoutExpired):
            raise
