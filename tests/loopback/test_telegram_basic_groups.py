"""Basic groups: everybody's own numbers, one list of members, voice chats; through an unmodified Telethon."""

from __future__ import annotations

import asyncio

import pytest
from telethon import errors, events, functions, types
from telethon.tl.functions import phone

from loopback.world.chats import Chat
from tests.loopback.conftest import Town, until
from tests.loopback.test_telegram_chatting import collect
from tests.loopback.test_telegram_group_calls import join, named, only, pushed


@pytest.fixture
def chess(town: Town) -> Chat:
    return town.telegram.add_basic_group("Chess", town.ann, [town.parley], [town.bob])


async def test_a_command_is_answered_each_with_its_own_numbers(town: Town, chess: Chat) -> None:
    town.telegram.say(town.parley, town.ann, "shifts Parley's numbers")
    ann, parley = await town.client(town.ann), await town.client(town.parley)
    heard, answered = collect(parley, events.NewMessage(incoming=True)), collect(ann, events.NewMessage(incoming=True))
    sent = await ann.send_message(chess.dialog_id, "/joincall")
    await until(lambda: heard)
    assert (heard[0].chat_id, heard[0].sender_id, heard[0].is_group, heard[0].is_channel) == (-chess.id, town.ann.id, True, False)
    await heard[0].reply("joining")
    await until(lambda: answered)
    assert answered[0].reply_to_msg_id == sent.id != heard[0].id
    assert (await answered[0].get_reply_message()).text == "/joincall"
    assert town.telegram.texts(chess) == ["/joincall", "joining"]


async def test_short_updates_carry_no_people(town: Town, chess: Chat) -> None:
    bob = await town.client(town.bob)
    raw = collect(bob, events.Raw())
    town.telegram.say(chess, town.ann, "hi")
    await until(lambda: raw)
    assert raw[0]._entities == {}


async def test_edits_and_deletions_reach_every_copy(town: Town, chess: Chat) -> None:
    ann, parley, bob = await town.client(town.ann), await town.client(town.parley), await town.client(town.bob)
    edited, deleted = collect(bob, events.MessageEdited()), collect(bob, events.MessageDeleted())
    message = await parley.send_message(chess.dialog_id, "thinking")
    await parley.edit_message(chess.dialog_id, message.id, "thought")
    await until(lambda: edited)
    assert (edited[0].text, edited[0].chat_id) == ("thought", chess.dialog_id)
    with pytest.raises(errors.MessageDeleteForbiddenError):
        await bob.delete_messages(chess.dialog_id, [edited[0].id])
    mine = town.telegram.messages(chess, town.ann)[-1]
    await ann.delete_messages(chess.dialog_id, [mine.id])
    await until(lambda: deleted)
    assert deleted[0].deleted_ids == [edited[0].id]


async def test_every_admin_may_everything_and_members_nothing(town: Town, chess: Chat) -> None:
    bob = await town.client(town.bob)
    permissions = [await bob.get_permissions(chess.dialog_id, name) for name in ("ann", "parley", "bob")]
    assert [p.is_admin for p in permissions] == [True, True, False]
    assert [p.is_creator for p in permissions] == [True, False, False]
    full = await bob(functions.messages.GetFullChatRequest(chess.id))
    assert [type(p).__name__ for p in full.full_chat.participants.participants] == [
        "ChatParticipantCreator",
        "ChatParticipant",
        "ChatParticipantAdmin",
    ]


async def test_admins_are_made_by_the_creator_and_all_are_told(town: Town, chess: Chat) -> None:
    ann, parley, bob = await town.client(town.ann), await town.client(town.parley), await town.client(town.bob)
    told = collect(parley, events.Raw(types.UpdateChatParticipantAdmin))
    with pytest.raises(errors.ChatAdminRequiredError):
        await parley.edit_admin(chess.dialog_id, "bob", is_admin=True)
    await ann.edit_admin(chess.dialog_id, "bob", is_admin=True)
    await until(lambda: told)
    assert (told[0].user_id, told[0].is_admin, told[0].version) == (town.bob.id, True, chess.version)
    assert chess.may_manage_calls(town.bob.id)
    assert (await bob.get_permissions(chess.dialog_id, "bob")).is_admin


async def test_removal_and_coming_back(town: Town, chess: Chat) -> None:
    ann, parley, bob = await town.client(town.ann), await town.client(town.parley), await town.client(town.bob)
    told, lists = collect(parley, events.ChatAction()), collect(bob, events.Raw(types.UpdateChatParticipants))
    await ann.kick_participant(chess.dialog_id, "parley")
    await until(lambda: told and lists)
    assert (told[0].user_kicked, told[0].user_id) == (True, town.parley.id)
    assert town.parley.id not in [p.user_id for p in lists[0].participants.participants]
    with pytest.raises(errors.PeerIdInvalidError):
        await parley.send_message(chess.dialog_id, "still here?")
    with pytest.raises(errors.ChatIdInvalidError):
        await parley(functions.messages.GetFullChatRequest(chess.id))
    (shown,) = (await parley(functions.messages.GetChatsRequest([chess.id]))).chats
    assert isinstance(shown, types.ChatForbidden)
    await ann(functions.messages.AddChatUserRequest(chess.id, "parley", 0))
    await until(lambda: len(told) > 1)
    assert await parley.send_message(chess.dialog_id, "back")
    with pytest.raises(errors.UserAlreadyParticipantError):
        await ann(functions.messages.AddChatUserRequest(chess.id, "parley", 0))


async def test_leaving(town: Town, chess: Chat) -> None:
    bob = await town.client(town.bob)
    with pytest.raises(errors.ChatAdminRequiredError):
        await bob.kick_participant(chess.dialog_id, "parley")
    town.telegram.say(chess, town.ann, "hello")
    await bob.delete_dialog(chess.dialog_id)
    assert not chess.has(town.bob.id)
    assert chess.dialog_id not in [dialog.id async for dialog in bob.iter_dialogs()]


async def test_typing_is_seen_by_the_others(town: Town, chess: Chat) -> None:
    ann, parley = await town.client(town.ann), await town.client(town.parley)
    seen = collect(ann, events.UserUpdate())
    async with parley.action(chess.dialog_id, "record-audio"):
        await until(lambda: seen)
    assert (seen[0].recording, seen[0].user_id, seen[0].chat_id) == (True, town.parley.id, chess.dialog_id)
    assert town.telegram.actions(town.parley, chess)[0] == "SendMessageRecordAudioAction"
    assert town.telegram.actions(town.parley, town.group) == []


async def test_a_voice_chat_as_in_other_groups(town: Town, chess: Chat) -> None:
    ann, parley, bob = await town.client(town.ann), await town.client(town.parley), await town.client(town.bob)
    seen = await pushed(town, town.bob, bob)
    peer = await parley.get_input_entity(chess.dialog_id)
    await parley(phone.CreateGroupCallRequest(peer))
    call = town.telegram.voice_chat(chess)
    await until(lambda: seen)
    assert seen[0].peer == types.PeerChat(chess.id)
    full = await bob(functions.messages.GetFullChatRequest(chess.id))
    assert full.full_chat.call.id == call.id
    assert full.chats[0].call_active
    updates = await join(ann, call)
    assert only(updates, types.UpdateGroupCall).peer == types.PeerChat(chess.id)
    with pytest.raises(errors.GroupcallForbiddenError):
        await bob(phone.DiscardGroupCallRequest(named(call)))
    town.telegram.remove_member(chess, town.ann, town.parley)
    assert call.participants == {}


async def test_what_was_missed_comes_with_the_difference(town: Town, chess: Chat) -> None:
    bob = await town.client(town.bob)
    heard = collect(bob, events.NewMessage())
    town.telegram.lose_pushes(town.bob)
    town.telegram.say(chess, town.ann, "missed")
    await asyncio.sleep(0.05)
    assert heard == []
    await bob.catch_up()
    await until(lambda: [event.text for event in heard] == ["missed"])
    assert (await heard[0].get_chat()).title == "Chess"
    found = await bob.get_messages(chess.dialog_id, ids=[heard[0].id, 4711])
    assert [m and m.text for m in found] == ["missed", None]
