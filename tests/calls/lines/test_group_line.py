import warnings

import pytest

from tests.call_process import NativeCrash, Scenario, run_in_process
from tests.calls.lines import group_line_scenarios as scenarios


@pytest.mark.parametrize(
    "scenario",
    [
        scenarios.talk_both_ways,
        scenarios.refusals,
        scenarios.ended_between_look_up_and_join,
        scenarios.ended_as_the_join_completes,
        scenarios.dropped_closed_and_removed,
        scenarios.taken_over_by_another_device,
        scenarios.somebody_removed_from_another_device,
        scenarios.muted_and_allowed_to_speak,
        scenarios.dead_media,
        scenarios.cancelled_while_joining,
        scenarios.participants_lost_and_found,
        scenarios.versions_that_leave_a_gap_have_the_list_read_again,
        scenarios.wrong_frames_never_reach_the_native_library,
    ],
    ids=lambda scenario: str(scenario.__name__),
)
def test_the_group_line(scenario: Scenario) -> None:
    run_in_process(scenario)


def test_a_join_given_up_at_any_moment_of_its_connecting_does_not_end_the_process() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error", NativeCrash)
        run_in_process(scenarios.cancelled_while_connecting)
