"""The media server with real native clients."""

from __future__ import annotations

from concurrent.futures import Future

import pytest

from tests.call_process import Scenario
from tests.loopback.media import media_scenarios


@pytest.mark.timeout(900)
@pytest.mark.parametrize(
    "scenario",
    [
        media_scenarios.everybody_hears_everybody,
        media_scenarios.muted_is_not_heard,
        media_scenarios.rejoining_is_heard_again,
        media_scenarios.lost_packets_are_concealed,
        media_scenarios.black_hole_swallows_and_gives_back,
        media_scenarios.stalled_network_recovers,
        media_scenarios.dead_server_never_connects,
    ],
    ids=lambda scenario: scenario.__name__,
)
def test_media(scenario: Scenario, running: dict[Scenario, Future[str]]) -> None:
    print(running[scenario].result())
