"""The machine: what the figures were measured on."""

# ruff: noqa: S603
# It asks the interpreter that its user names.

from __future__ import annotations

import json
import os
import platform
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

_ASK = """
import json, platform, sysconfig, trio
variables = sysconfig.get_config_vars("CONFIG_ARGS", "PY_CORE_CFLAGS")
print(json.dumps([
    f"{platform.python_implementation()} {platform.python_version()}, {platform.python_compiler()}",
    " ".join(str(variable) for variable in variables),
    trio.__version__,
]))
"""


@dataclass(frozen=True, slots=True)
class Machine:
    """Everything about the surroundings that moves the figures."""

    processor: str
    cores: int
    kernel: str
    python: str
    optimisations: str
    trio: str
    when: str

    def __str__(self) -> str:
        return (
            f"{self.processor}, {self.cores} cores, {self.kernel}; {self.python} (its build flags name "
            f"{self.optimisations}), trio {self.trio}; {self.when}."
        )


def machine(python: str) -> Machine:
    """This machine, and the interpreter that runs our side.

    Raises:
        subprocess.CalledProcessError: the interpreter does not run, or has no trio.
    """
    answer = subprocess.run([python, "-c", _ASK], capture_output=True, check=True, text=True).stdout
    version, flags, trio = json.loads(answer)
    return Machine(
        processor=processor(Path("/proc/cpuinfo").read_text(encoding="utf-8")),
        cores=os.cpu_count() or 1,
        kernel=f"{platform.system()} {platform.release()}",
        python=version,
        optimisations=optimisations(flags),
        trio=trio,
        when=time.strftime("%Y-%m-%d"),
    )


def processor(cpuinfo: str) -> str:
    """The model that ``/proc/cpuinfo`` names first."""
    for line in cpuinfo.splitlines():
        key, _, value = line.partition(":")
        if key.strip() == "model name":
            return value.strip()
    return platform.machine()


def optimisations(flags: str) -> str:
    """What CPython's build flags say about PGO and LTO: together they are worth a fifth."""
    found = {
        "PGO": "--enable-optimizations" in flags or "-fprofile-use" in flags or "-fprofile-instr-use" in flags,
        "LTO": "--with-lto" in flags or "-flto" in flags,
    }
    return " and ".join(name for name, holds in found.items() if holds) or "neither PGO nor LTO"
