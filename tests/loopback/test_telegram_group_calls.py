"""Voice-chat signalling, by raw requests of an unmodified Telethon; no media."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest
from telethon import TelegramClient, errors, events, types
from telethon.tl.functions import channels, phone

from errors import ParleyError
from loopback.world.accounts import Account
from loopback.world.group_call import GroupCall
from loopback.world.group_calls import Entry
from tests.loopback.conftest import Town, until

SSRC = 4_000_000_000


def payload(ssrc: int | None = SSRC, **more: Any) -> types.DataJSON:
    fingerprint = {"hash": "sha-256", "fingerprint": "AB:CD", "setup": "passive"}
    offer = {"ufrag": "abcd", "pwd": "x" * 24, "fingerprints": [fingerprint], "ssrc": ssrc, **more}
    return types.DataJSON(json.dumps({name: value for name, value in offer.items() if value is not None}))


def named(call: GroupCall) -> types.InputGroupCall:
    return types.InputGroupCall(call.id, call.access_hash)


async def join(client: TelegramClient, call: GroupCall, ssrc: int = SSRC) -> Sequence[Any]:
    """The updates of the answer."""
    answer = await client(phone.JoinGroupCallRequest(named(call), types.InputPeerSelf(), payload(ssrc), muted=False))
    updates: Sequence[Any] = answer.updates
    return updates


def only(updates: Sequence[Any], kind: type) -> Any:
    found = [update for update in updates if isinstance(update, kind)]
    assert len(found) == 1
    return found[0]


async def pushed(town: Town, account: Account, client: TelegramClient) -> list[Any]:
    """The updates about voice chats that are pushed from now on; a marker tells those from before apart."""
    seen: list[Any] = []

    async def keep(update: Any) -> None:
        seen.append(update)

    kinds = (types.UpdateGroupCall, types.UpdateGroupCallParticipants, types.UpdateGroupCallConnection, types.UpdateConfig)
    client.add_event_handler(keep, events.Raw(kinds))
    town.telegram.world.delivery.to_account(account, lambda _: [types.UpdateConfig()])
    await until(lambda: any(isinstance(update, types.UpdateConfig) for update in seen))
    seen.clear()
    return seen


async def signed_source(client: TelegramClient, call: GroupCall) -> int:
    shown = (await client(phone.GetGroupCallRequest(named(call), 10))).participants
    source: int = next(p.source for p in shown if p.is_self)
    return source


# --- starting and ending ------------------------------------------------------------------------------------------
async def test_only_admins_with_the_right_start_a_voice_chat(town: Town) -> None:
    parley, carol, bob = await town.client(town.parley), await town.client(town.carol), await town.client(town.bob)
    for client in (carol, bob):
        with pytest.raises(errors.ChatAdminRequiredError):
            await client(phone.CreateGroupCallRequest(await client.get_input_entity(town.group.dialog_id)))
    seen = await pushed(town, town.bob, bob)
    group = await parley.get_input_entity(town.group.dialog_id)
    started = only((await parley(phone.CreateGroupCallRequest(group, title="Evening"))).updates, types.UpdateGroupCall)
    assert started.call.title == "Evening"
    await until(lambda: seen)
    assert (seen[0].call.id, seen[0].call.min) == (started.call.id, True)
    full = await bob(channels.GetFullChannelRequest(await bob.get_input_entity(town.group.dialog_id)))
    assert full.full_chat.call.id == started.call.id


async def test_starting_a_second_voice_chat_ends_the_first(town: Town) -> None:
    ann, bob = await town.client(town.ann), await town.client(town.bob)
    first = town.telegram.start_voice_chat(town.group, town.ann)
    await join(bob, first)
    seen = await pushed(town, town.bob, bob)
    await ann(phone.CreateGroupCallRequest(await ann.get_input_entity(town.group.dialog_id)))
    await until(lambda: len(seen) == 2)
    assert isinstance(seen[0].call, types.GroupCallDiscarded)
    assert seen[0].call.id == first.id
    assert (first.ended, first.participants, town.media.present) == (True, {}, set())
    assert town.telegram.voice_chat(town.group) is not first


async def test_ending_a_voice_chat_is_told_to_all_at_once(town: Town) -> None:
    ann, bob = await town.client(town.ann), await town.client(town.bob)
    call = town.telegram.start_voice_chat(town.group, town.ann)
    await join(bob, call)
    with pytest.raises(errors.GroupcallForbiddenError):
        await bob(phone.DiscardGroupCallRequest(named(call)))
    seen = await pushed(town, town.bob, bob)
    await ann(phone.DiscardGroupCallRequest(named(call)))
    await until(lambda: seen)
    assert [type(update.call) for update in seen] == [types.GroupCallDiscarded]
    assert town.group.mailbox.messages[3].content.action.duration == 0
    with pytest.raises(errors.GroupcallAlreadyDiscardedError):
        await ann(phone.DiscardGroupCallRequest(named(call)))


async def test_an_ended_voice_chat_can_neither_be_joined_nor_changed(town: Town) -> None:
    bob = await town.client(town.bob)
    call = town.telegram.start_voice_chat(town.group, town.ann)
    town.telegram.end_voice_chat(town.group, town.ann)
    with pytest.raises(errors.GroupcallForbiddenError):
        await join(bob, call)
    with pytest.raises(errors.GroupcallForbiddenError):
        await bob(phone.EditGroupCallParticipantRequest(named(call), types.InputPeerSelf(), muted=True))
    with pytest.raises(errors.GroupcallInvalidError):
        await bob(phone.CheckGroupCallRequest(named(call), [1]))
    with pytest.raises(errors.GroupcallInvalidError):
        await bob(phone.LeaveGroupCallRequest(named(call), 0))
    assert isinstance((await bob(phone.GetGroupCallRequest(named(call), 3))).call, types.GroupCallDiscarded)
    town.telegram.settings.ended_call_is_shown = False
    with pytest.raises(errors.GroupcallInvalidError):
        await bob(phone.GetGroupCallRequest(named(call), 3))


async def test_an_unknown_voice_chat(town: Town) -> None:
    bob = await town.client(town.bob)
    call = town.telegram.start_voice_chat(town.group, town.ann)
    call.access_hash += 1
    wrong = named(call)
    call.access_hash -= 1
    with pytest.raises(errors.GroupcallInvalidError):
        await bob(phone.JoinGroupCallRequest(wrong, types.InputPeerSelf(), payload()))


# --- joining and leaving ------------------------------------------------------------------------------------------
async def test_joining_answers_with_oneself_and_tells_the_others(town: Town) -> None:
    ann, bob = await town.client(town.ann), await town.client(town.bob)
    call = town.telegram.start_voice_chat(town.group, town.ann)
    await join(ann, call, 7)
    seen = await pushed(town, town.ann, ann)
    updates = await join(bob, call)
    me = only(updates, types.UpdateGroupCallParticipants).participants
    assert [(p.peer.user_id, p.is_self, p.just_joined, p.versioned, p.source) for p in me] == [
        (town.bob.id, True, True, True, SSRC - 2**32)
    ]
    answer = json.loads(only(updates, types.UpdateGroupCallConnection).params.data)
    assert [c["ip"] for c in answer["transport"]["candidates"]] == ["2001:db8::1", "127.0.0.1"]
    assert only(updates, types.UpdateGroupCall).peer.channel_id == town.group.id
    await until(lambda: len(seen) == 2)
    told = only(seen, types.UpdateGroupCallParticipants)
    assert [(p.peer.user_id, p.min, p.is_self, p.just_joined) for p in told.participants] == [(town.bob.id, True, False, True)]
    assert told.version == only(seen, types.UpdateGroupCall).call.version == 3


async def test_the_answer_of_a_join_may_be_pushed_again(town: Town) -> None:
    town.telegram.settings.repeat_connection_push = True
    bob = await town.client(town.bob)
    seen = await pushed(town, town.bob, bob)
    updates = await join(bob, town.telegram.start_voice_chat(town.group, town.ann))
    await until(lambda: any(isinstance(update, types.UpdateGroupCallConnection) for update in seen))
    again = only(seen, types.UpdateGroupCallConnection)
    assert again.params.data == only(updates, types.UpdateGroupCallConnection).params.data


@pytest.mark.parametrize("ssrc", [0, None, 7, 7 - 2**32])
async def test_a_source_that_is_missing_or_taken_is_refused(town: Town, ssrc: int | None) -> None:
    ann, bob = await town.client(town.ann), await town.client(town.bob)
    call = town.telegram.start_voice_chat(town.group, town.ann)
    await join(ann, call, 7)
    with pytest.raises(errors.GroupcallSsrcDuplicateMuchError):
        await bob(phone.JoinGroupCallRequest(named(call), types.InputPeerSelf(), payload(ssrc)))
    assert town.bob.id not in call.participants


@pytest.mark.parametrize("data", ["", "{", "[]", "{}", '{"ufrag": 1, "pwd": "x", "fingerprints": [{}], "ssrc": 5}'])
async def test_a_payload_that_is_no_offer_is_refused(town: Town, data: str) -> None:
    bob = await town.client(town.bob)
    call = town.telegram.start_voice_chat(town.group, town.ann)
    with pytest.raises(errors.DataJsonInvalidError):
        await bob(phone.JoinGroupCallRequest(named(call), types.InputPeerSelf(), types.DataJSON(data)))


async def test_a_payload_that_the_media_server_cannot_use_is_refused(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any) -> dict[str, Any]:
        raise ParleyError("no offer")

    monkeypatch.setattr(town.media, "join", refuse)
    bob = await town.client(town.bob)
    call = town.telegram.start_voice_chat(town.group, town.ann)
    with pytest.raises(errors.DataJsonInvalidError):
        await join(bob, call)
    assert call.participants == {}


async def test_one_joins_as_oneself(town: Town) -> None:
    bob = await town.client(town.bob)
    call = town.telegram.start_voice_chat(town.group, town.ann)
    with pytest.raises(errors.JoinAsPeerInvalidError):
        await bob(phone.JoinGroupCallRequest(named(call), await bob.get_input_entity(town.group.dialog_id), payload()))
    await bob(phone.JoinGroupCallRequest(named(call), await bob.get_input_entity("me"), payload()))
    await bob(phone.JoinGroupCallRequest(named(call), types.InputPeerUser(town.bob.id, 0), payload()))
    offered = await bob(phone.GetGroupCallJoinAsRequest(await bob.get_input_entity(town.group.dialog_id)))
    assert [peer.user_id for peer in offered.peers] == [town.bob.id]


async def test_joining_again_takes_the_place_of_the_first_join(town: Town) -> None:
    ann, bob = await town.client(town.ann), await town.client(town.bob)
    call = town.telegram.start_voice_chat(town.group, town.ann)
    await join(bob, call, 7)
    seen = await pushed(town, town.ann, ann)
    await join(bob, call, 8)
    await until(lambda: seen)
    assert [p.source for p in seen[0].participants] == [8]
    assert [p.source for p in call.participants.values()] == [8]


async def test_leaving_is_told_and_a_second_leave_refused(town: Town) -> None:
    ann, bob = await town.client(town.ann), await town.client(town.bob)
    call = town.telegram.start_voice_chat(town.group, town.ann)
    await join(bob, call)
    seen = await pushed(town, town.ann, ann)
    await bob(phone.LeaveGroupCallRequest(named(call), 0))
    await until(lambda: len(seen) == 2)
    assert [(p.peer.user_id, p.left) for p in seen[0].participants] == [(town.bob.id, True)]
    assert town.media.present == set()
    with pytest.raises(errors.GroupcallInvalidError):
        await bob(phone.LeaveGroupCallRequest(named(call), 0))


async def test_checking_tells_which_sources_are_in(town: Town) -> None:
    bob = await town.client(town.bob)
    call = town.telegram.start_voice_chat(town.group, town.ann)
    with pytest.raises(errors.GroupcallJoinMissingError):
        await bob(phone.CheckGroupCallRequest(named(call), [5]))
    await join(bob, call)
    mine = await signed_source(bob, call)
    assert list(await bob(phone.CheckGroupCallRequest(named(call), [mine, 5]))) == [mine]


async def test_somebody_removed_from_the_group_is_out_of_its_voice_chat(town: Town) -> None:
    bob = await town.client(town.bob)
    call = town.telegram.start_voice_chat(town.group, town.ann)
    await join(bob, call)
    town.telegram.remove_member(town.group, town.bob, town.ann)
    assert call.participants == {}
    with pytest.raises(errors.GroupcallForbiddenError):
        await join(bob, call)


async def test_joining_too_often_is_a_natural_flood(town: Town) -> None:
    bob = await town.client(town.bob, flood_sleep_threshold=0)
    call = town.telegram.start_voice_chat(town.group, town.ann)
    for ssrc in (1, 2, 3):
        await join(bob, call, ssrc)
    with pytest.raises(errors.FloodWaitError) as flood:
        await join(bob, call, 4)
    assert flood.value.seconds == 3


async def test_looking_a_group_up_too_often_is_a_natural_flood(town: Town) -> None:
    bob = await town.client(town.bob, flood_sleep_threshold=0)
    group = await bob.get_input_entity(town.group.dialog_id)
    for _ in range(20):
        await bob(channels.GetFullChannelRequest(group))
    with pytest.raises(errors.FloodWaitError) as flood:
        await bob(channels.GetFullChannelRequest(group))
    assert flood.value.seconds == 26


# --- looking ------------------------------------------------------------------------------------------------------
async def test_participants_come_in_pages(town: Town) -> None:
    bob = await town.client(town.bob)
    call = town.telegram.start_voice_chat(town.group, town.ann)
    for ssrc, account in enumerate((town.ann, town.parley, town.carol, town.bob), 1):
        town.telegram.world.calls.join(call, account, None, Entry(payload={"ssrc": ssrc}))
    first = await bob(phone.GetGroupCallRequest(named(call), 1))
    assert (len(first.participants), first.participants_next_offset, first.call.participants_count) == (3, "3", 4)
    rest = await bob(phone.GetGroupParticipantsRequest(named(call), [], [], "3", 10))
    assert ([p.source for p in rest.participants], rest.next_offset, rest.count) == ([4], "", 4)
    everybody = await bob(phone.GetGroupCallRequest(named(call), -1))
    assert (len(everybody.participants), everybody.participants_next_offset) == (4, "")
    by_source = await bob(phone.GetGroupParticipantsRequest(named(call), [], [2], "", 10))
    assert [p.peer.user_id for p in by_source.participants] == [town.parley.id]
    by_name = await bob(phone.GetGroupParticipantsRequest(named(call), [await bob.get_input_entity("carol")], [], "", 10))
    assert [p.source for p in by_name.participants] == [3]


async def test_a_gap_in_the_versions(town: Town) -> None:
    ann, bob = await town.client(town.ann), await town.client(town.bob)
    call = town.telegram.start_voice_chat(town.group, town.ann)
    version = only(await join(ann, call, 7), types.UpdateGroupCallParticipants).version
    seen = await pushed(town, town.ann, ann)
    town.telegram.skip_call_version(town.group)
    await join(bob, call)
    await until(lambda: seen)
    assert seen[0].version == version + 2


# --- muting and volume --------------------------------------------------------------------------------------------
async def edit(client: TelegramClient, call: GroupCall, whom: Any, **change: Any) -> Any:
    """How the caller sees the participant after a change."""
    answer = await client(phone.EditGroupCallParticipantRequest(named(call), await client.get_input_entity(whom), **change))
    return only(answer.updates, types.UpdateGroupCallParticipants).participants[0]


async def test_one_mutes_and_unmutes_oneself(town: Town) -> None:
    ann, bob = await town.client(town.ann), await town.client(town.bob)
    call = town.telegram.start_voice_chat(town.group, town.ann)
    version = only(await join(bob, call), types.UpdateGroupCallParticipants).version
    seen = await pushed(town, town.ann, ann)
    shown = await edit(bob, call, "me", muted=True)
    assert (shown.muted, shown.can_self_unmute) == (True, True)
    assert town.media.muted == {(call.id, town.bob.id)}
    await until(lambda: seen)
    assert (seen[0].version, seen[0].participants[0].versioned, seen[0].participants[0].muted) == (version, False, True)
    assert not (await edit(bob, call, "me", muted=False)).muted
    assert town.media.muted == set()


async def test_a_mute_by_an_admin_is_lifted_in_two_steps(town: Town) -> None:
    ann, bob = await town.client(town.ann), await town.client(town.bob)
    call = town.telegram.start_voice_chat(town.group, town.ann)
    await join(bob, call)
    shown = await edit(ann, call, "bob", muted=True)
    assert (shown.muted, shown.can_self_unmute) == (True, False)
    with pytest.raises(errors.GroupcallForbiddenError):
        await edit(bob, call, "me", muted=False)
    shown = await edit(ann, call, "bob", muted=False)
    assert (shown.muted, shown.can_self_unmute) == (True, True)
    assert not (await edit(bob, call, "me", muted=False)).muted


async def test_an_admin_cannot_be_silenced_for_good(town: Town) -> None:
    ann, carol = await town.client(town.ann), await town.client(town.carol)
    call = town.telegram.start_voice_chat(town.group, town.ann)
    await join(carol, call)
    shown = await edit(ann, call, "carol", muted=True)
    assert (shown.muted, shown.can_self_unmute) == (True, True)


async def test_others_mute_for_themselves_alone(town: Town) -> None:
    ann, bob = await town.client(town.ann), await town.client(town.bob)
    call = town.telegram.start_voice_chat(town.group, town.ann)
    await join(ann, call)
    seen = await pushed(town, town.ann, ann)
    shown = await edit(bob, call, "ann", muted=True)
    assert (shown.muted, shown.muted_by_you) == (False, True)
    assert not (await edit(bob, call, "ann", muted=False)).muted_by_you
    assert seen == []


async def test_newcomers_can_be_muted(town: Town) -> None:
    ann, bob, parley = await town.client(town.ann), await town.client(town.bob), await town.client(town.parley)
    call = town.telegram.start_voice_chat(town.group, town.ann)
    with pytest.raises(errors.GroupcallForbiddenError):
        await bob(phone.ToggleGroupCallSettingsRequest(named(call), join_muted=True))
    await ann(phone.ToggleGroupCallSettingsRequest(named(call), join_muted=True))
    with pytest.raises(errors.GroupcallNotModifiedError):
        await ann(phone.ToggleGroupCallSettingsRequest(named(call), join_muted=True))
    await join(bob, call, 7)
    await join(parley, call, 8)
    assert call.participants[town.bob.id].muted_by_admin
    assert not call.participants[town.parley.id].muted


async def test_volumes(town: Town) -> None:
    ann, bob = await town.client(town.ann), await town.client(town.bob)
    call = town.telegram.start_voice_chat(town.group, town.ann)
    await join(ann, call)
    for volume in (0, 20_001):
        with pytest.raises(errors.UserVolumeInvalidError):
            await edit(bob, call, "ann", volume=volume)
    assert (await edit(bob, call, "ann", volume=5000)).volume == 5000
    shown = await edit(ann, call, "me", volume=700)
    assert (shown.volume, shown.volume_by_admin) == (700, True)
    with pytest.raises(errors.ParticipantJoinMissingError):
        await edit(ann, call, "bob", volume=700)


# --- media --------------------------------------------------------------------------------------------------------
async def test_media_that_never_connects_ends_the_participation(town: Town) -> None:
    town.telegram.settings.media_connect_timeout_s = 0.1
    town.telegram.settings.media_check_interval_s = 0.02
    town.media.silence_s = None
    ann, bob = await town.client(town.ann), await town.client(town.bob)
    call = town.telegram.start_voice_chat(town.group, town.ann)
    mine, theirs = await pushed(town, town.bob, bob), await pushed(town, town.ann, ann)
    updates = await join(bob, call)
    source = only(updates, types.UpdateGroupCallParticipants).participants[0].source
    await until(lambda: any(getattr(update, "participants", None) and update.participants[0].left for update in mine))
    gone = next(u.participants[0] for u in mine if isinstance(u, types.UpdateGroupCallParticipants))
    assert (gone.source, gone.left, gone.versioned) == (source, True, True)
    await until(lambda: len(theirs) == 4)
    with pytest.raises(errors.GroupcallJoinMissingError):
        await bob(phone.CheckGroupCallRequest(named(call), [source]))
    town.media.silence_s = 0.0
    await join(bob, call, 9)
    assert call.participants[town.bob.id].source == 9


async def test_media_that_falls_silent_ends_the_participation(town: Town) -> None:
    bob = await town.client(town.bob)
    call = town.telegram.start_voice_chat(town.group, town.ann)
    await join(bob, call)
    town.media.silence_s = 29.9
    assert town.telegram.world.media_watch.sweep() == []
    town.media.silence_s = 30.0
    assert town.telegram.world.media_watch.sweep() == [town.bob]
    assert call.participants == {}
