"""Scripted people in voice chats of the loopback Telegram."""

from __future__ import annotations

from concurrent.futures import Future

import pytest

from tests.call_process import Scenario
from tests.loopback.people import call_scenarios


@pytest.mark.timeout(900)
@pytest.mark.parametrize(
    "scenario",
    [
        call_scenarios.two_people_talk,
        call_scenarios.muted_person_is_not_heard,
        call_scenarios.rejoining_keeps_the_ear,
        call_scenarios.lost_media_ends_in_removal_and_a_new_start,
        call_scenarios.closed_call_cuts_people_off,
        call_scenarios.dead_media_times_out_and_leaves_nothing_behind,
        call_scenarios.refused_join_says_why,
        call_scenarios.lossy_network_is_still_understood,
        call_scenarios.interrupting_after_so_much_sound,
        call_scenarios.typing_reading_and_voice_notes,
    ],
    ids=lambda scenario: scenario.__name__,
)
def test_people(scenario: Scenario, running: dict[Scenario, Future[str]]) -> None:
    print(running[scenario].result())
