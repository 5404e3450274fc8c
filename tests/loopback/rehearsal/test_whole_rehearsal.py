from pathlib import Path

from tests.call_process import run_in_process
from tests.loopback.rehearsal import rehearsal_scenarios as scenarios


def test_a_conversation_is_heard_measured_and_reported(tmp_path: Path) -> None:
    shown = run_in_process(scenarios.a_conversation_is_heard_measured_and_reported, str(tmp_path))
    assert "Ann      types    /joincall" in shown
    assert "Parley   writes   ✅ Joined" in shown
    assert shown.count("Ann      waited") == 2


def test_a_bot_that_ends_in_the_middle_fails_the_rehearsal() -> None:
    run_in_process(scenarios.a_bot_that_ends_in_the_middle_fails_the_rehearsal)


def test_a_rehearsal_that_takes_too_long_is_ended() -> None:
    run_in_process(scenarios.a_rehearsal_that_takes_too_long_is_ended)
