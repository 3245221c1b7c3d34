"""Breaking a gateway on purpose and measuring how it recovers."""

from ._commands import commands
from ._errors import ChaosError, LoadFailedError, NotSteadyError, UnknownExperimentError, UnsupportedError
from ._stamps import FaultStamps
from ._target import Target

__all__ = [
    "ChaosError",
    "FaultStamps",
    "LoadFailedError",
    "NotSteadyError",
    "Target",
    "UnknownExperimentError",
    "UnsupportedError",
    "commands",
]
