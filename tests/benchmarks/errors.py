"""The errors of the harness."""


class CannotRunError(Exception):
    """There are no figures: something that the run needs is missing."""


class RunFailedError(Exception):
    """One run went wrong, which is a result too."""
