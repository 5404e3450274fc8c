import re
from typing import Any

import ntgcalls
import pytest
from pytgcalls import exceptions as library
from telethon import errors

from calls.errors import BROKEN_OFF, CONNECTION_LOST, NO_VOICE_CHAT, NOT_AS_CHANNEL, RTMP, TABLE, UNKNOWN, JoinRefused, Remedy, explain
from handlers.commands import all_commands
from scripts.write_commands import NOTHING


@pytest.mark.parametrize(
    ("error", "told", "remedy"),
    [
        (library.NoActiveGroupCall(), "No active voice chat. Start one and send /joincall again.", Remedy.NONE),
        (JoinRefused(), "Telegram refused to let me into the voice chat.", Remedy.RETRY_ONCE),
        (errors.GroupcallForbiddenError(None), "Telegram refused to let me into the voice chat.", Remedy.RETRY_ONCE),
        (errors.GroupcallJoinMissingError(None), "Telegram has put me out of the voice chat.", Remedy.RETRY),
        (library.CallBusy(1), "The line is busy.", Remedy.NONE),
        (library.CallDeclined(1), "The call was declined.", Remedy.NONE),
        (library.CallDiscarded(1), "The call was ended before it began.", Remedy.NONE),
        (library.TimedOutAnswer(), "Nobody answered the call.", Remedy.NONE),
        (errors.UserPrivacyRestrictedError(None), "This person's privacy settings do not let me call.", Remedy.NONE),
        (errors.GroupcallSsrcDuplicateMuchError(None), "Telegram found my sound source already in use.", Remedy.RETRY),
        (ntgcalls.RTMPStreamingUnsupported(""), "This is a livestream fed by streaming software", Remedy.NONE),
        (errors.ChannelPrivateError(None), "My account has no access to this chat. Add it to the chat again", Remedy.DISABLE_CHAT),
        (errors.UserNotParticipantError(None), "My account has no access to this chat.", Remedy.DISABLE_CHAT),
        (errors.ChatAdminRequiredError(None), "My account may not join voice chats here.", Remedy.NONE),
        (errors.PeerFloodError(None), "Telegram has limited my account", Remedy.STOP_ACCOUNT),
        (errors.FrozenMethodInvalidError(None), "Telegram has frozen my account.", Remedy.STOP_ACCOUNT),
        (errors.AuthKeyUnregisteredError(None), "My Telegram session is no longer valid.", Remedy.STOP_ACCOUNT),
        (errors.AuthKeyDuplicatedError(None), "My Telegram session is no longer valid.", Remedy.STOP_ACCOUNT),
        (ntgcalls.TelegramServerError(""), "The voice chat could not be joined: no sound connection came about in time.", Remedy.RETRY),
        (ntgcalls.TransportParseException(""), "The voice chat could not be joined", Remedy.RETRY),
        (TimeoutError(), "The voice chat could not be joined", Remedy.RETRY),
        (errors.ServerError(None, "INTERNAL"), "Telegram has problems just now.", Remedy.RETRY),
        (ConnectionError(), "I am not connected to Telegram just now.", Remedy.RETRY),
        (RuntimeError("?"), "Joining failed for a reason I do not know.", Remedy.RETRY),
    ],
)
def test_each_failure_is_told_and_has_a_remedy(error: BaseException, told: str, remedy: Remedy) -> None:
    explained = explain(error)
    assert str(explained).startswith(told)
    assert explained.next_step
    assert explained.remedy is remedy


def test_a34_each_failure_names_the_next_step() -> None:
    failures = {failure for _kinds, failure in TABLE} | {NO_VOICE_CHAT, RTMP, NOT_AS_CHANNEL, CONNECTION_LOST, BROKEN_OFF, UNKNOWN}
    commands = {command.name for command in all_commands(NOTHING)}
    for failure in failures:
        assert failure.next_step
        assert set(re.findall(r"/(\w+)", failure.next_step)) <= commands
    assert sum("/joincall" in failure.next_step for failure in failures) > 8


@pytest.mark.parametrize("kind", [errors.FloodWaitError, errors.FloodPremiumWaitError, errors.SlowModeWaitError])
def test_a_flood_wait_is_told_with_its_seconds_and_not_retried(kind: Any) -> None:
    explained = explain(kind(None, 38))
    assert str(explained) == "Telegram asks me to wait 38 seconds. Send /joincall again in 38 seconds."
    assert (explained.remedy, explained.retry_after_s) == (Remedy.WAIT, 38)


def test_an_explained_error_stays_what_it_is() -> None:
    explained = explain(TimeoutError())
    assert explain(explained) is explained
