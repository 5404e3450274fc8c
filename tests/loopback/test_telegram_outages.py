"""Outages of the whole service and of one account, and what a client has missed meanwhile."""

from __future__ import annotations

import asyncio

import pytest
from telethon import errors, functions, types

from tests.loopback.conftest import Town, until
from tests.loopback.test_telegram_faults import texts_of
from tests.loopback.test_telegram_group_calls import join


async def test_one_accounts_network_fails_and_the_others_live_on(town: Town) -> None:
    ann, parley = await town.client(town.ann), await town.client(town.parley, connection_retries=None)
    call = town.telegram.start_voice_chat(town.group, town.ann)
    await join(parley, call)
    await town.telegram.begin_outage(town.parley)
    sending = asyncio.create_task(parley.send_message(town.group.dialog_id, "after the outage"))
    await ann.send_message(town.group.dialog_id, "meanwhile")
    assert town.media.silent_for_s(call.id, town.parley.id) is None
    await asyncio.sleep(0.2)
    assert town.telegram.texts(town.group) == ["meanwhile"]
    assert town.telegram.seen("messages.SendMessage", town.parley) == []
    await town.telegram.end_outage(town.parley)
    await asyncio.wait_for(sending, 30)
    assert town.telegram.texts(town.group) == ["meanwhile", "after the outage"]
    assert town.media.silent_for_s(call.id, town.parley.id) == 0.0


async def test_in_an_outage_of_all_media_is_dead_too(town: Town) -> None:
    ann = await town.client(town.ann, connection_retries=None)
    outage = asyncio.create_task(town.telegram.outage(0.3))
    await until(lambda: town.media.dead)
    assert (await ann.send_message(town.group.dialog_id, "after the outage")).id
    await outage
    assert not town.media.dead


async def test_catching_up_after_an_outage(town: Town) -> None:
    chess = town.telegram.add_basic_group("Chess", town.ann, members=[town.parley])
    parley = await town.client(town.parley, connection_retries=None)
    heard = texts_of(parley)
    await town.telegram.begin_outage(town.parley)
    town.telegram.say(town.group, town.ann, "in the group")
    town.telegram.say(chess, town.ann, "in the basic group")
    town.telegram.say(town.parley, town.ann, "in private")
    await town.telegram.end_outage(town.parley)
    await parley.get_me()
    assert heard == []
    await parley.catch_up()
    await until(lambda: set(heard) == {"in the group", "in the basic group", "in private"})


async def test_being_told_to_ask_for_the_difference(town: Town) -> None:
    parley = await town.client(town.parley)
    heard = texts_of(parley)
    town.telegram.lose_pushes(town.parley, 2)
    town.telegram.say(town.parley, town.ann, "in private")
    town.telegram.say(town.group, town.ann, "in the group")
    town.telegram.tell_too_long(town.parley)
    town.telegram.tell_too_long(town.parley, town.group)
    await until(lambda: set(heard) == {"in the group", "in private"})


async def test_differences_come_in_slices(town: Town) -> None:
    town.telegram.settings.difference_page = 2
    parley = await town.client(town.parley)
    heard = texts_of(parley)
    town.telegram.lose_pushes(town.parley, 10)
    for number in range(5):
        town.telegram.say(town.parley, town.ann, f"private {number}")
        town.telegram.say(town.group, town.ann, f"group {number}")
    town.telegram.tell_too_long(town.parley)
    town.telegram.tell_too_long(town.parley, town.group)
    await until(lambda: len(heard) == 10)
    assert [text for text in heard if text.startswith("group")] == [f"group {n}" for n in range(5)]
    assert len(town.telegram.seen("updates.GetDifference", town.parley)) >= 3


async def test_what_lies_too_far_back_is_not_in_the_difference(town: Town) -> None:
    town.telegram.settings.difference_max = 3
    parley = await town.client(town.parley)
    state = await parley(functions.updates.GetStateRequest())
    channel_pts = town.group.mailbox.pts
    for number in range(4):
        town.telegram.say(town.parley, town.ann, f"private {number}")
        town.telegram.say(town.group, town.ann, f"group {number}")
    difference = await parley(functions.updates.GetDifferenceRequest(state.pts, state.date, 0))
    assert isinstance(difference, types.updates.DifferenceTooLong)
    group = await parley.get_input_entity(town.group.dialog_id)
    asked = functions.updates.GetChannelDifferenceRequest(group, types.ChannelMessagesFilterEmpty(), channel_pts, 100)
    difference = await parley(asked)
    assert isinstance(difference, types.updates.ChannelDifferenceTooLong)
    assert next(message.message for message in difference.messages if message.message) == "group 3"
    history = [m.text async for m in parley.iter_messages(town.group.dialog_id, limit=4)]
    assert history == ["group 3", "group 2", "group 1", "group 0"]


async def test_edits_and_deletions_are_part_of_the_difference(town: Town) -> None:
    ann, parley = await town.client(town.ann), await town.client(town.parley)
    chess = town.telegram.add_basic_group("Chess", town.ann, members=[town.parley])
    message, doomed = town.telegram.say(chess, town.ann, "old"), town.telegram.say(chess, town.ann, "doomed")
    state = await parley(functions.updates.GetStateRequest())
    await ann.edit_message(chess.dialog_id, message.id, "new")
    await ann.delete_messages(chess.dialog_id, [doomed.id])
    difference = await parley(functions.updates.GetDifferenceRequest(state.pts, state.date, 0))
    edited, deleted = difference.other_updates[:2]
    assert (edited.message.message, edited.message.peer_id) == ("new", types.PeerChat(chess.id))
    assert deleted.messages == [message.copies[town.parley.id].id + 1]


async def test_single_messages_are_looked_up_by_number(town: Town) -> None:
    parley = await town.client(town.parley)
    message = town.telegram.say(town.group, town.ann, "here")
    found = await parley.get_messages(town.group.dialog_id, ids=[message.id, 4711])
    assert [m and m.text for m in found] == ["here", None]
    dialogs = await parley(functions.messages.GetPeerDialogsRequest([types.InputDialogPeer(await parley.get_input_entity("ann"))]))
    assert dialogs.dialogs[0].top_message == 0


async def test_a_request_in_an_outage_of_ones_own_fails_when_its_patience_ends(town: Town) -> None:
    parley = await town.client(town.parley, connection_retries=None)
    async with asyncio.timeout(30):
        await town.telegram.begin_outage(town.parley)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(parley.get_me(), 0.3)
        await town.telegram.end_outage(town.parley)
        assert (await parley.get_me()).id == town.parley.id
    with pytest.raises(errors.UserIdInvalidError):
        await parley(functions.users.GetFullUserRequest(types.InputUser(1, 1)))
