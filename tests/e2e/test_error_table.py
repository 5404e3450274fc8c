"""Every row of the table of failures, provoked on the loopback Telegram with the whole of Parley."""

from __future__ import annotations

import json

import pytest
from pytgcalls import exceptions as library
from telethon import errors as telegram

from calls import errors
from handlers import wording
from tests.call_process import run_in_process
from tests.e2e import error_table_scenarios as scenarios

AT_A_TIME = 10
BATCH_WITHIN_S = 200
PRIVATE_CALLS = [
    library.CallBusy(1),
    library.CallDeclined(1),
    library.CallDiscarded(1),
    library.TimedOutAnswer(),
    telegram.UserPrivacyRestrictedError(None),
]
NO_RPC_FAILURE = {errors.CONNECTION_LOST.key, errors.BROKEN_OFF.key, "call_error.not_connected"}
"""What no answer of Telegram brings about: tests/calls/test_call_errors.py and the outages show them."""


@pytest.fixture(scope="module")
def verdicts() -> dict[str, str]:
    """What went wrong with each row."""
    names = list(scenarios.ROWS)
    found: dict[str, str] = {}
    for start in range(0, len(names), AT_A_TIME):
        output = run_in_process(scenarios.play_all, *names[start : start + AT_A_TIME], timeout_s=BATCH_WITHIN_S)
        found |= json.loads(output.splitlines()[-1])
    return found


@pytest.mark.timeout(BATCH_WITHIN_S * (len(scenarios.ROWS) // AT_A_TIME + 1))
@pytest.mark.parametrize("name", scenarios.ROWS)
def test_a_failure_is_told_and_acted_on(verdicts: dict[str, str], name: str) -> None:
    assert verdicts[name] == ""


@pytest.mark.parametrize("error", PRIVATE_CALLS, ids=lambda error: type(error).__name__)
def test_a_private_call_that_fails_is_told_in_a_plain_sentence_and_not_retried(error: Exception) -> None:
    told = errors.explain(error)
    assert told.remedy is errors.Remedy.NONE
    assert wording.of_error("en", told) == wording.say("en", told.key) != ""


def test_no_row_of_the_table_is_untested() -> None:
    named = {value.key for value in vars(errors).values() if isinstance(value, errors.Failure)}
    rows = {failure.key for _, failure in errors.TABLE}
    shown = {key for row in scenarios.ROWS.values() for key in row.keys} | {errors.explain(error).key for error in PRIVATE_CALLS}
    assert (named | rows) - NO_RPC_FAILURE == shown - {"call_error.flood", "call_error.scheduled"}
    assert {"call_error.flood", "call_error.scheduled"} <= shown
