"""Scheduled voice chats, raised hands, recording, invitations and stream mode, by raw requests of an unmodified Telethon."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from telethon import errors, events, functions, types
from telethon.tl.functions import phone

from tests.loopback.conftest import Town, until
from tests.loopback.test_telegram_chatting import collect
from tests.loopback.test_telegram_group_calls import edit, join, named, only, payload, pushed


# --- scheduled ----------------------------------------------------------------------------------------------------
async def test_a_scheduled_voice_chat_is_shown_and_cannot_be_joined_before_it_starts(town: Town) -> None:
    parley, bob = await town.client(town.parley), await town.client(town.bob)
    seen, actions = await pushed(town, town.bob, bob), collect(bob, events.Raw(types.UpdateNewChannelMessage))
    group = await parley.get_input_entity(town.group.dialog_id)
    at = (datetime.now(UTC) + timedelta(minutes=5)).replace(microsecond=0)
    created = only((await parley(phone.CreateGroupCallRequest(group, schedule_date=at))).updates, types.UpdateGroupCall).call
    assert created.schedule_date == at
    await until(lambda: seen and actions)
    assert isinstance(actions[0].message.action, types.MessageActionGroupCallScheduled)
    assert (seen[0].call.id, seen[0].call.schedule_date) == (created.id, at)
    full = await bob(functions.channels.GetFullChannelRequest(await bob.get_input_entity(town.group.dialog_id)))
    assert full.full_chat.call.id == created.id
    call = town.telegram.voice_chat(town.group)
    assert (await bob(phone.GetGroupCallRequest(named(call), 3))).call.schedule_date == at
    with pytest.raises(errors.GroupcallForbiddenError):
        await join(bob, call)


async def test_an_admin_starts_it_and_all_are_told(town: Town) -> None:
    ann, bob = await town.client(town.ann), await town.client(town.bob)
    call = town.telegram.schedule_voice_chat(town.group, town.ann, in_s=30)
    subscribed = await bob(phone.ToggleGroupCallStartSubscriptionRequest(named(call), True))
    assert only(subscribed.updates, types.UpdateGroupCall).call.schedule_start_subscribed
    seen, heard = await pushed(town, town.bob, bob), collect(bob, events.NewMessage())
    with pytest.raises(errors.GroupcallForbiddenError):
        await bob(phone.StartScheduledGroupCallRequest(named(call)))
    await ann(phone.StartScheduledGroupCallRequest(named(call)))
    await until(lambda: seen and heard)
    assert (seen[0].call.id, seen[0].call.schedule_date) == (call.id, None)
    assert (heard[0].sender_id, heard[0].text) == (777_000, "The voice chat in Book club has started.")
    for again in (phone.StartScheduledGroupCallRequest(named(call)), phone.ToggleGroupCallStartSubscriptionRequest(named(call), True)):
        with pytest.raises(errors.GroupcallAlreadyStartedError):
            await ann(again)
    await join(bob, call)


@pytest.mark.parametrize("seconds", [-5, 5, 9 * 24 * 3600])
async def test_a_date_too_near_or_too_far_is_refused(town: Town, seconds: int) -> None:
    ann = await town.client(town.ann)
    group = await ann.get_input_entity(town.group.dialog_id)
    with pytest.raises(errors.ScheduleDateInvalidError):
        await ann(phone.CreateGroupCallRequest(group, schedule_date=datetime.now(UTC) + timedelta(seconds=seconds)))


def test_only_what_is_scheduled_can_be_started(town: Town) -> None:
    with pytest.raises(ValueError, match="Book club has no voice chat"):
        town.telegram.start_scheduled_voice_chat(town.group, town.ann)
    town.telegram.start_voice_chat(town.group, town.ann)
    with pytest.raises(ValueError, match="has started already"):
        town.telegram.start_scheduled_voice_chat(town.group, town.ann)


async def test_a_scheduled_voice_chat_may_be_called_off_or_started_by_a_test(town: Town) -> None:
    bob = await town.client(town.bob)
    call = town.telegram.schedule_voice_chat(town.group, town.ann, in_s=30)
    seen = await pushed(town, town.bob, bob)
    town.telegram.end_voice_chat(town.group, town.ann)
    await until(lambda: seen)
    assert (seen[0].call.id, type(seen[0].call)) == (call.id, types.GroupCallDiscarded)
    town.telegram.schedule_voice_chat(town.group, town.ann, in_s=30)
    call = town.telegram.start_scheduled_voice_chat(town.group, town.ann)
    await join(bob, call)


# --- hands --------------------------------------------------------------------------------------------------------
async def test_who_was_muted_may_ask_to_speak(town: Town) -> None:
    ann, bob = await town.client(town.ann), await town.client(town.bob)
    call = town.telegram.start_voice_chat(town.group, town.ann, join_muted=True)
    await join(bob, call)
    seen = await pushed(town, town.ann, ann)
    assert (await edit(bob, call, "me", raise_hand=True)).raise_hand_rating
    await until(lambda: seen)
    assert seen[0].participants[0].raise_hand_rating
    shown = await edit(ann, call, "bob", muted=False)
    assert (shown.raise_hand_rating, shown.muted, shown.can_self_unmute) == (None, True, True)
    with pytest.raises(errors.BadRequestError, match="RAISE_HAND_FORBIDDEN"):
        await edit(bob, call, "me", raise_hand=True)


async def test_a_hand_is_lowered_by_oneself_or_an_admin_and_raised_by_nobody_else(town: Town) -> None:
    ann, bob = await town.client(town.ann), await town.client(town.bob)
    dora = town.telegram.add_account("Dora", username="dora")
    town.telegram.add_member(town.group, dora, town.ann)
    other = await town.client(dora)
    call = town.telegram.start_voice_chat(town.group, town.ann, join_muted=True)
    await join(bob, call)
    for client, raised in ((ann, True), (other, False)):
        with pytest.raises(errors.BadRequestError, match="RAISE_HAND_FORBIDDEN"):
            await edit(client, call, "bob", raise_hand=raised)
    await edit(bob, call, "me", raise_hand=True)
    assert (await edit(ann, call, "bob", raise_hand=False)).raise_hand_rating is None


async def test_joining_again_keeps_what_an_admin_has_decided(town: Town) -> None:
    bob = await town.client(town.bob)
    call = town.telegram.start_voice_chat(town.group, town.ann)
    await join(bob, call, 7)
    town.telegram.mute_by_admin(town.group, town.bob)
    await join(bob, call, 8)
    assert call.participants[town.bob.id].muted_by_admin
    town.telegram.mute_by_admin(town.group, town.bob, muted=False)
    await join(bob, call, 9)
    assert not call.participants[town.bob.id].muted


# --- titles, recording, invitations, speaking ---------------------------------------------------------------------
async def test_titles_and_recording_are_shown_to_all(town: Town) -> None:
    ann, bob = await town.client(town.ann), await town.client(town.bob)
    call = town.telegram.start_voice_chat(town.group, town.ann)
    seen = await pushed(town, town.bob, bob)
    await ann(phone.EditGroupCallTitleRequest(named(call), "Evening"))
    await ann(phone.ToggleGroupCallRecordRequest(named(call), start=True, title="tape"))
    await until(lambda: len(seen) == 2)
    assert (seen[0].call.title, seen[0].call.record_start_date) == ("Evening", None)
    assert seen[1].call.record_start_date is not None
    for again in (phone.EditGroupCallTitleRequest(named(call), "Evening"), phone.ToggleGroupCallRecordRequest(named(call), start=True)):
        with pytest.raises(errors.GroupcallNotModifiedError):
            await ann(again)
        with pytest.raises(errors.GroupcallForbiddenError):
            await bob(again)
    await ann(phone.ToggleGroupCallRecordRequest(named(call)))
    assert call.recorded_since is None


async def test_invitations_are_service_messages(town: Town) -> None:
    ann, bob = await town.client(town.ann), await town.client(town.bob)
    eve = town.telegram.add_account("Eve", username="eve")
    call = town.telegram.start_voice_chat(town.group, town.ann)
    seen = collect(bob, events.Raw(types.UpdateNewChannelMessage))
    await ann(phone.InviteToGroupCallRequest(named(call), ["bob"]))
    await until(lambda: seen and isinstance(seen[-1].message.action, types.MessageActionInviteToGroupCall))
    assert seen[-1].message.action.users == [town.bob.id]
    await join(bob, call)
    with pytest.raises(errors.UserAlreadyInvitedError):
        await ann(phone.InviteToGroupCallRequest(named(call), ["bob"]))
    with pytest.raises(errors.UserNotParticipantError):
        await ann(phone.InviteToGroupCallRequest(named(call), [eve.username]))


async def test_speaking_is_shown_in_the_chat_by_those_in_the_call_alone(town: Town) -> None:
    ann, bob = await town.client(town.ann), await town.client(town.bob)
    call = town.telegram.start_voice_chat(town.group, town.ann)
    speaking = functions.messages.SetTypingRequest(town.group.dialog_id, types.SpeakingInGroupCallAction())
    with pytest.raises(errors.GroupcallForbiddenError):
        await bob(speaking)
    await join(bob, call)
    seen = collect(ann, events.Raw(types.UpdateChannelUserTyping))
    await bob(speaking)
    await until(lambda: seen)
    assert isinstance(seen[0].action, types.SpeakingInGroupCallAction)
    shown = (await ann(phone.GetGroupCallRequest(named(call), 3))).participants[0]
    assert shown.active_date is not None


# --- extras -------------------------------------------------------------------------------------------------------
async def test_extras_are_counted_and_never_time_out(town: Town) -> None:
    bob = await town.client(town.bob)
    call = town.telegram.start_voice_chat(town.group, town.ann)
    seen = await pushed(town, town.bob, bob)
    town.media.silence_s = None
    call.started_at -= 100
    town.telegram.crowd(town.group, 3)
    await until(lambda: len(seen) == 6)
    assert only([seen[-1]], types.UpdateGroupCall).call.participants_count == 3
    for participant in call.participants.values():
        participant.joined_at -= 100
    assert town.telegram.world.media_watch.sweep() == []
    town.telegram.crowd(town.group, 1)
    assert len(town.telegram.in_voice_chat(town.group)) == 1
    with pytest.raises(ValueError, match="Bob is not in the voice chat"):
        town.telegram.exit_voice_chat(town.group, town.bob)


async def test_who_does_not_check_may_be_dropped(town: Town) -> None:
    town.telegram.settings.check_timeout_s = 20.0
    bob = await town.client(town.bob)
    call = town.telegram.start_voice_chat(town.group, town.ann)
    await join(bob, call)
    place = call.participants[town.bob.id]
    place.checked_at -= 19.0
    assert town.telegram.world.media_watch.sweep() == []
    place.checked_at -= 2.0
    await bob(phone.CheckGroupCallRequest(named(call), [place.source]))
    assert town.telegram.world.media_watch.sweep() == []
    place.checked_at -= 21.0
    assert town.telegram.world.media_watch.sweep() == [town.bob]


# --- stream mode --------------------------------------------------------------------------------------------------
async def test_listeners_of_a_large_call_get_a_stream(town: Town) -> None:
    town.telegram.settings.stream_above_group = 2
    ann, bob = await town.client(town.ann), await town.client(town.bob, flood_sleep_threshold=0)
    call = town.telegram.start_voice_chat(town.group, town.ann, join_muted=True)
    town.telegram.crowd(town.group, 3)
    assert "transport" in json.loads(only(await join(ann, call, 7), types.UpdateGroupCallConnection).params.data)
    answer = json.loads(only(await join(bob, call, 8), types.UpdateGroupCallConnection).params.data)
    assert answer == {"stream": True}
    assert (call.id, town.bob.id) not in town.media.present
    assert (await bob(phone.GetGroupCallRequest(named(call), 3))).call.stream_dc_id == 2
    (channel,) = (await bob(phone.GetGroupCallStreamChannelsRequest(named(call)))).channels
    piece = types.InputGroupCallStream(named(call), channel.last_timestamp_ms, 0)
    assert (await bob(functions.upload.GetFileRequest(piece, 0, 1 << 20))).bytes.startswith(b"OggS")
    for moment, error in ((channel.last_timestamp_ms + 60_000, "TIME_TOO_BIG"), (0, "TIME_TOO_SMALL")):
        piece.time_ms = moment
        with pytest.raises(errors.BadRequestError, match=error):
            await bob(functions.upload.GetFileRequest(piece, 0, 1 << 20))


async def test_a_listener_who_may_speak_has_to_join_again(town: Town) -> None:
    town.telegram.settings.stream_above_group = 0
    bob = await town.client(town.bob)
    call = town.telegram.start_voice_chat(town.group, town.ann, join_muted=True)
    town.telegram.crowd(town.group, 1)
    await join(bob, call, 7)
    assert call.participants[town.bob.id].streams
    town.telegram.mute_by_admin(town.group, town.bob, muted=False)
    answer = json.loads(only(await join(bob, call, 8), types.UpdateGroupCallConnection).params.data)
    assert "transport" in answer
    assert not call.participants[town.bob.id].streams


async def test_a_listener_who_fetches_nothing_is_dropped(town: Town) -> None:
    town.telegram.settings.stream_above_group = 0
    bob = await town.client(town.bob)
    call = town.telegram.start_voice_chat(town.group, town.ann, join_muted=True)
    town.telegram.crowd(town.group, 1)
    await join(bob, call)
    place = call.participants[town.bob.id]
    place.fetched_at -= 44.0
    assert town.telegram.world.media_watch.sweep() == []
    await bob(phone.GetGroupCallStreamChannelsRequest(named(call)))
    place.fetched_at -= 46.0
    assert town.telegram.world.media_watch.sweep() == [town.bob]
    with pytest.raises(errors.GroupcallJoinMissingError):
        await bob(phone.GetGroupCallStreamChannelsRequest(named(call)))


async def test_a_livestream_fed_by_software_answers_so(town: Town) -> None:
    ann, bob = await town.client(town.ann), await town.client(town.bob)
    call = town.telegram.start_voice_chat(town.group, town.ann, rtmp=True)
    assert (await bob(phone.GetGroupCallRequest(named(call), 3))).call.rtmp_stream
    answer = await bob(phone.JoinGroupCallRequest(named(call), types.InputPeerSelf(), payload(), muted=True))
    assert json.loads(only(answer.updates, types.UpdateGroupCallConnection).params.data) == {"stream": True, "rtmp": True}
    with pytest.raises(errors.GroupcallForbiddenError):
        await edit(bob, call, "me", muted=False)
    group = await ann.get_input_entity(town.group.dialog_id)
    assert (await ann(phone.GetGroupCallStreamRtmpUrlRequest(group, revoke=False))).url.startswith("rtmps://127.0.0.1")
    with pytest.raises(errors.ChatAdminRequiredError):
        await bob(phone.GetGroupCallStreamRtmpUrlRequest(await bob.get_input_entity(town.group.dialog_id), revoke=False))
