"""Hot code reload: changing the code of a node while it runs. See: OTP ``code`` and "Release Handling".

::

    from regrow.actors import code

    print(await code.reload("chat.rooms"))     # the new version of the module, in every process that runs it

A `Watcher` does so whenever a source file changes; it is for development.
"""

from __future__ import annotations

from ._code._code_reload import Reloaded, reload
from ._code._code_watch import Watcher

__all__ = ["Reloaded", "Watcher", "reload"]
