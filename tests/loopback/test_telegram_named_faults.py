"""The errors of Telegram by name, as an unmodified Telethon raises them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from math import inf
from typing import Any

import pytest
from telethon import TelegramClient, errors, functions, types, utils
from telethon.tl.functions import phone

from loopback.world.group_call import GroupCall
from loopback.world.named_faults import NAMED_FAULTS
from tests.loopback.conftest import Town
from tests.loopback.test_telegram_group_calls import join, named

Doing = Callable[[TelegramClient, Town, GroupCall], Awaitable[Any]]


async def joining(client: TelegramClient, town: Town, call: GroupCall) -> None:
    await join(client, call)


async def checking(client: TelegramClient, town: Town, call: GroupCall) -> None:
    await client(phone.CheckGroupCallRequest(named(call), [1]))


async def muting(client: TelegramClient, town: Town, call: GroupCall) -> None:
    await client(phone.EditGroupCallParticipantRequest(named(call), types.InputPeerSelf(), muted=True))


async def writing(client: TelegramClient, town: Town, call: GroupCall) -> None:
    await client(functions.messages.SendMessageRequest(await client.get_input_entity(town.group.dialog_id), "hello"))


async def editing(client: TelegramClient, town: Town, call: GroupCall) -> None:
    await client(functions.messages.EditMessageRequest(await client.get_input_entity(town.group.dialog_id), 1, message="hello"))


async def sending_a_file(client: TelegramClient, town: Town, call: GroupCall) -> None:
    await client.send_file(town.group.dialog_id, b"sound", voice_note=True)


async def fetching(client: TelegramClient, town: Town, call: GroupCall) -> None:
    town.telegram.send_voice_note(town.group, town.ann, b"sound", 1)
    note = (await client.get_messages(town.group.dialog_id, limit=1))[0]
    _, location = utils.get_input_location(note.media)
    await client(functions.upload.GetFileRequest(location, 0, 4096))


async def looking(client: TelegramClient, town: Town, call: GroupCall) -> None:
    await client(functions.channels.GetFullChannelRequest(await client.get_input_entity(town.group.dialog_id)))


CASES: dict[str, tuple[Doing, type[Exception]]] = {
    "call_forbidden": (joining, errors.GroupcallForbiddenError),
    "call_invalid": (joining, errors.GroupcallInvalidError),
    "ssrc_taken": (joining, errors.GroupcallSsrcDuplicateMuchError),
    "join_missing": (checking, errors.GroupcallJoinMissingError),
    "participant_missing": (muting, errors.ParticipantJoinMissingError),
    "not_participant": (joining, errors.UserNotParticipantError),
    "admin_required": (joining, errors.ChatAdminRequiredError),
    "join_as_refused": (joining, errors.JoinAsPeerInvalidError),
    "flood": (joining, errors.FloodWaitError),
    "premium_flood": (fetching, errors.FloodPremiumWaitError),
    "edit_flood": (editing, errors.FloodWaitError),
    "slow_mode": (writing, errors.SlowModeWaitError),
    "peer_flood": (writing, errors.PeerFloodError),
    "frozen": (writing, errors.FrozenMethodInvalidError),
    "write_forbidden": (writing, errors.ChatWriteForbiddenError),
    "write_banned": (writing, errors.UserBannedInChannelError),
    "voice_forbidden": (sending_a_file, errors.ChatSendVoicesForbiddenError),
    "voice_refused": (sending_a_file, errors.VoiceMessagesForbiddenError),
    "channel_private": (looking, errors.ChannelPrivateError),
    "reply_gone": (writing, errors.BadRequestError),
    "file_gone": (fetching, errors.FileReferenceExpiredError),
    "server_error": (joining, errors.ServerError),
    "timeout": (joining, errors.TimedOutError),
    "duplicate": (writing, errors.ServerError),
    "session_ended": (looking, errors.AuthKeyUnregisteredError),
    "session_revoked": (looking, errors.SessionRevokedError),
    "session_expired": (looking, errors.SessionExpiredError),
    "session_duplicated": (looking, errors.AuthKeyDuplicatedError),
    "account_deleted": (looking, errors.UserDeactivatedError),
    "account_banned": (looking, errors.UserDeactivatedBanError),
}


def test_every_fault_is_tried() -> None:
    assert set(CASES) == set(NAMED_FAULTS)


@pytest.mark.parametrize("name", CASES)
async def test_a_fault_arrives_by_its_name(town: Town, name: str) -> None:
    doing, kind = CASES[name]
    call = town.telegram.start_voice_chat(town.group, town.ann)
    bob = await town.client(town.bob, flood_sleep_threshold=0, request_retries=0, raise_last_call_error=True)
    town.telegram.fault(name, account=town.bob, chat=town.group if name == "channel_private" else None, times=inf)
    with pytest.raises(kind):
        await doing(bob, town, call)


async def test_a_file_whose_reference_has_expired_is_found_again(town: Town) -> None:
    bob = await town.client(town.bob)
    town.telegram.send_voice_note(town.group, town.ann, b"sound", 1)
    note = (await bob.get_messages(town.group.dialog_id, limit=1))[0]
    town.telegram.fault("file_gone")
    assert await note.download_media(bytes) == b"sound"


async def test_a_persistent_refusal_lasts_until_it_is_lifted(town: Town) -> None:
    call = town.telegram.start_voice_chat(town.group, town.ann)
    bob, ann = await town.client(town.bob), await town.client(town.ann)
    town.telegram.fault("call_forbidden", account=town.bob)
    for _ in range(3):
        with pytest.raises(errors.GroupcallForbiddenError):
            await join(bob, call)
    await join(ann, call, 7)
    town.telegram.lift("call_forbidden")
    await join(bob, call, 8)


async def test_a_fault_may_be_about_one_chat_and_its_voice_chat(town: Town) -> None:
    other = town.telegram.add_group("Chess", town.ann, members=[town.bob])
    here, there = town.telegram.start_voice_chat(town.group, town.ann), town.telegram.start_voice_chat(other, town.ann)
    bob = await town.client(town.bob)
    town.telegram.fault("channel_private", chat=town.group)
    for doing in (joining, looking, writing):
        with pytest.raises(errors.ChannelPrivateError):
            await doing(bob, town, here)
    await join(bob, there)
    await bob.send_message(other.dialog_id, "hello")
    town.telegram.lift()
    await join(bob, here)


async def test_a_fault_may_be_about_a_basic_group(town: Town) -> None:
    chess = town.telegram.add_basic_group("Chess", town.ann, members=[town.bob])
    bob = await town.client(town.bob)
    town.telegram.fault("write_forbidden", chat=chess)
    with pytest.raises(errors.ChatWriteForbiddenError):
        await bob.send_message(chess.dialog_id, "hello")
    await bob.send_message(town.group.dialog_id, "hello")


async def test_method_times_and_seconds_may_be_given(town: Town) -> None:
    bob = await town.client(town.bob, flood_sleep_threshold=0)
    town.telegram.fault("flood", seconds=77, method="messages.SendMessage")
    town.telegram.fault("peer_flood", times=inf, account=town.ann)
    for _ in range(2):
        with pytest.raises(errors.FloodWaitError) as flood:
            await bob.send_message(town.group.dialog_id, "hello")
        assert 40 <= flood.value.seconds <= 77
    await bob(phone.GetGroupCallJoinAsRequest(await bob.get_input_entity(town.group.dialog_id)))
