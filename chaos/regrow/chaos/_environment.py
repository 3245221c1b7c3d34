"""Where a figure was taken, without which it means little."""

import os
import platform
from importlib.metadata import version


def environment() -> dict[str, str | int]:
    """Return what a reader needs to compare this machine's figures with another's."""
    return {
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "platform": platform.platform(),
        "cores": os.cpu_count() or 0,
        "trio": version("trio"),
        "trio_websocket": version("trio-websocket"),
    }
