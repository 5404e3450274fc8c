import pytest

from tests.call_process import Scenario, run_in_process
from tests.e2e import private_call_scenarios as scenarios


@pytest.mark.timeout(240)
@pytest.mark.parametrize(
    "scenario",
    [
        scenarios.incoming_answered,
        scenarios.incoming_refused,
        scenarios.incoming_left_alone_or_decided_by_a_program,
        scenarios.conference_invitation_declined,
        scenarios.outgoing_answered,
        scenarios.outgoing_in_vain,
        scenarios.unanswered_without_a_ring,
        scenarios.dies_silently,
        scenarios.beside_a_group_call,
        scenarios.longest_call,
        scenarios.cannot_phone,
        scenarios.forged_key_is_refused,
        scenarios.leaves_with_a_word,
    ],
    ids=lambda scenario: str(scenario.__name__),
)
def test_private_calls(scenario: Scenario) -> None:
    run_in_process(scenario, timeout_s=110)
