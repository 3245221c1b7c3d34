"""Why an experiment could not be run to a verdict.

::

    ChaosError
    ├── UnknownExperimentError   no experiment has this name
    ├── UnsupportedError         this machine cannot run it
    ├── NotSteadyError           the system was unwell before any fault
    └── LoadFailedError          the load process ended before its result
"""


class ChaosError(Exception):
    """Base of what `regrow.chaos` raises; its text is one line for a person."""


class UnknownExperimentError(ChaosError):
    """No experiment has this name; the text lists those that exist."""


class UnsupportedError(ChaosError):
    """This machine or configuration cannot run the experiment; nothing was harmed."""


class NotSteadyError(ChaosError):
    """The system did not answer as it should before any fault, so no fault was injected."""


class LoadFailedError(ChaosError):
    """The load process ended, or fell silent, before it gave its result."""
