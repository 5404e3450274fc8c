"""What is told of private calls that fail: a plain sentence each, the same in every language's catalogue."""

from __future__ import annotations

import pytest
from telethon import errors as telegram
from telethon.tl import types

from calls import phone_errors, private_calls
from calls.errors import Failure, Remedy
from handlers.wording import say


@pytest.mark.parametrize(
    ("error", "key"),
    [
        (telegram.UserPrivacyRestrictedError(None), "call_error.privacy"),
        (telegram.UserIsBlockedError(None), "phone.blocked"),
        (telegram.ParticipantVersionOutdatedError(None), "phone.too_old"),
        (telegram.RPCError(None, "CALL_PROTOCOL_COMPAT_LAYER_INVALID", 406), "phone.too_old"),
        (telegram.RPCError(None, "CALL_NOT_ACTIVE", 400), "call_error.discarded"),
        (telegram.UserIdInvalidError(None), "phone.nobody"),
        (telegram.InputUserDeactivatedError(None), "phone.nobody"),
        (telegram.CallAlreadyDeclinedError(None), "call_error.discarded"),
        (telegram.ServerError(None, "CALL_OCCUPY_FAILED"), "phone.server"),
        (telegram.PeerFloodError(None), "call_error.spam"),
        (telegram.AuthKeyUnregisteredError(None), "call_error.dead_session"),
        (telegram.FloodWaitError(None, 40), "phone.flood"),
        (ConnectionError(), "phone.not_connected"),
        (RuntimeError("?"), "phone.unknown"),
    ],
)
def test_telegrams_errors(error: Exception, key: str) -> None:
    told = phone_errors.explain(error)
    assert told.key == key
    assert "/joincall" not in str(told), "that is about voice chats"


@pytest.mark.parametrize(
    ("reason", "answered", "key"),
    [
        (types.PhoneCallDiscardReasonBusy(), False, "call_error.busy"),
        (types.PhoneCallDiscardReasonHangup(), False, "call_error.declined"),
        (None, False, "call_error.declined"),
        (types.PhoneCallDiscardReasonMissed(), False, "call_error.no_answer"),
        (types.PhoneCallDiscardReasonHangup(), True, "call_error.discarded"),
        (types.PhoneCallDiscardReasonDisconnect(), False, "call_error.discarded"),
        (types.PhoneCallDiscardReasonMigrateConferenceCall("slug"), True, "phone.migrated"),
    ],
)
def test_why_a_call_did_not_come_about(reason: object, answered: bool, key: str) -> None:
    assert phone_errors.of_discard(reason, answered=answered).key == key


def failures() -> list[Failure]:
    rows = [failure for _, failure in phone_errors.TABLE]
    named = [each for module in (phone_errors, private_calls) for each in vars(module).values() if isinstance(each, Failure)]
    return [each for each in [*rows, *named] if each.key.startswith("phone.")]


@pytest.mark.parametrize("failure", failures(), ids=lambda failure: str(failure.key))
def test_the_english_catalogue_says_the_same(failure: Failure) -> None:
    assert say("en", failure.key) == f"{failure.what} {failure.next_step}".strip()
    assert isinstance(failure.remedy, Remedy)
