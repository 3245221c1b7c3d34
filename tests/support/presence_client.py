"""What a client makes of presence messages: the rules of ``Presence`` in the npm package ``phoenix`` 1.8."""

from __future__ import annotations

from copy import deepcopy
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.support.phoenix_client import Heard

__all__ = ["PresenceClient", "everyone"]


class PresenceClient:
    """One client's list of a topic."""

    def __init__(self) -> None:
        self.state: dict[str, Any] = {}
        self.is_synced = False
        """Whether it was sent a state since it joined; until then diffs wait."""
        self.pending: list[Any] = []

    def rejoin(self) -> None:
        """The channel joins anew; the list is kept until the next state."""
        self.is_synced = False

    def hear(self, message: Heard) -> None:
        """Take a message of the server, of any event."""
        if message.event == "presence_state":
            self.hear_state(message.payload)
        elif message.event == "presence_diff":
            self.hear_diff(message.payload)

    def hear_state(self, state: Any) -> None:
        """Take a ``presence_state``."""
        self.is_synced = True
        self._sync_state(deepcopy(state))
        for diff in self.pending:
            self._sync_diff(diff)
        self.pending = []

    def hear_diff(self, diff: Any) -> None:
        """Take a ``presence_diff``."""
        if self.is_synced:
            self._sync_diff(deepcopy(diff))
        else:
            self.pending.append(deepcopy(diff))

    def _sync_state(self, new: dict[str, Any]) -> None:
        joins: dict[str, Any] = {}
        leaves = {key: presence for key, presence in self.state.items() if key not in new}
        for key, presence in new.items():
            current = self.state.get(key)
            if current is None:
                joins[key] = presence
                continue
            joined = _without(presence["metas"], current["metas"])
            left = _without(current["metas"], presence["metas"])
            if joined:
                joins[key] = {**presence, "metas": joined}
            if left:
                leaves[key] = {**current, "metas": left}
        self._sync_diff(deepcopy({"joins": joins, "leaves": leaves}))

    def _sync_diff(self, diff: dict[str, Any]) -> None:
        for key, joined in diff["joins"].items():
            current = self.state.get(key)
            self.state[key] = joined
            if current is not None:
                joined["metas"] = _without(current["metas"], joined["metas"]) + joined["metas"]
        for key, left in diff["leaves"].items():
            current = self.state.get(key)
            if current is None:
                continue
            current["metas"] = _without(current["metas"], left["metas"])
            if not current["metas"]:
                del self.state[key]


def _without(metas: list[Any], others: list[Any]) -> list[Any]:
    refs = {meta["phx_ref"] for meta in others}
    return [meta for meta in metas if meta["phx_ref"] not in refs]


def everyone(presences: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Every presence as a value that does not depend on an order: its metas by ``phx_ref``."""
    return {
        key: {**presence, "metas": {meta["phx_ref"]: meta for meta in presence["metas"]}}
        for key, presence in presences.items()
    }
