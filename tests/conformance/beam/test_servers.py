"""What the callbacks of a server return has the effect that it has on the BEAM."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .agreement import agree
from .server_scenarios import server_scenarios
from .servers import play

if TYPE_CHECKING:
    from .oracle import Oracle
    from .server_scenarios import ServerScenario


def _lines(_scenario: ServerScenario, answer: str) -> str:
    return answer.replace(" | ", "\n")


def test_servers_do_what_they_do_on_the_beam(oracle: Oracle) -> None:
    agree(oracle, "servers", server_scenarios(), play, _lines)
