"""Messages, people and groups, through an unmodified Telethon."""

from __future__ import annotations

from typing import Any

import pytest
from telethon import TelegramClient, errors, events, functions, types

from tests.loopback.conftest import Town, until


def collect(client: TelegramClient, event: Any) -> list[Any]:
    """What arrives at a client from now on."""
    seen: list[Any] = []

    async def keep(happened: Any) -> None:
        seen.append(happened)

    client.add_event_handler(keep, event)
    return seen


async def test_a_command_is_answered_in_the_group(town: Town) -> None:
    ann, parley = await town.client(town.ann), await town.client(town.parley)
    heard, answered = collect(parley, events.NewMessage(pattern="/joincall")), collect(ann, events.NewMessage(incoming=True))
    sent = await ann.send_message(town.group.dialog_id, "/joincall")
    assert (sent.text, sent.out) == ("/joincall", True)
    await until(lambda: heard)
    await heard[0].reply("joining")
    await until(lambda: answered)
    assert answered[0].reply_to_msg_id == sent.id
    assert (await answered[0].get_reply_message()).text == "/joincall"


async def test_strangers_in_groups_are_min_users(town: Town) -> None:
    ann, parley = await town.client(town.ann), await town.client(town.parley)
    heard = collect(parley, events.NewMessage())
    await ann.send_message(town.group.dialog_id, "hello")
    await until(lambda: heard)
    sender = await heard[0].get_sender()
    assert (sender.first_name, sender.min) == ("Ann", True)
    with pytest.raises(ValueError, match="Could not find the input entity"):
        await parley.send_message(town.ann.id, "hello back")


async def test_the_hash_of_a_min_user_opens_nothing(town: Town) -> None:
    ann, parley = await town.client(town.ann), await town.client(town.parley)
    heard = collect(parley, events.NewMessage())
    await ann.send_message(town.group.dialog_id, "hello")
    await until(lambda: heard)
    sender = await heard[0].get_sender()
    with pytest.raises(errors.PeerIdInvalidError):
        await parley(functions.messages.SendMessageRequest(types.InputPeerUser(sender.id, sender.access_hash), "hi"))
    from_message = types.InputPeerUserFromMessage(await heard[0].get_input_chat(), heard[0].id, sender.id)
    group = await heard[0].get_input_chat()
    found = await parley(functions.channels.GetParticipantRequest(group, from_message))
    assert isinstance(found.participant, types.ChannelParticipantCreator)


async def test_contacts_and_correspondents_are_full_users(town: Town) -> None:
    town.telegram.add_contact(town.parley, town.ann)
    town.telegram.say(town.parley, town.bob, "we have talked")
    ann, bob, parley = await town.client(town.ann), await town.client(town.bob), await town.client(town.parley)
    heard = collect(parley, events.NewMessage())
    await ann.send_message(town.group.dialog_id, "one")
    await bob.send_message(town.group.dialog_id, "two")
    await until(lambda: len(heard) == 2)
    assert [bool((await event.get_sender()).min) for event in heard] == [False, False]
    assert [user.id for user in (await parley(functions.contacts.GetContactsRequest(0))).users] == [town.ann.id]


async def test_editing_and_deleting_reach_the_others(town: Town) -> None:
    ann, parley = await town.client(town.ann), await town.client(town.parley)
    edited, deleted = collect(ann, events.MessageEdited()), collect(ann, events.MessageDeleted())
    message = await parley.send_message(town.group.dialog_id, "thinking")
    await parley.edit_message(town.group.dialog_id, message.id, "thought")
    await until(lambda: edited)
    assert edited[0].text == "thought"
    with pytest.raises(errors.MessageNotModifiedError):
        await parley.edit_message(town.group.dialog_id, message.id, "thought")
    await parley.delete_messages(town.group.dialog_id, [message.id])
    await until(lambda: deleted)
    assert deleted[0].deleted_ids == [message.id]
    with pytest.raises(errors.MessageIdInvalidError):
        await parley.edit_message(town.group.dialog_id, message.id, "too late")


async def test_only_the_author_edits_and_only_admins_delete_for_others(town: Town) -> None:
    ann, bob = await town.client(town.ann), await town.client(town.bob)
    message = await ann.send_message(town.group.dialog_id, "mine")
    with pytest.raises(errors.MessageAuthorRequiredError):
        await bob.edit_message(town.group.dialog_id, message.id, "his")
    with pytest.raises(errors.MessageDeleteForbiddenError):
        await bob.delete_messages(town.group.dialog_id, [message.id])
    await (await town.client(town.carol)).delete_messages(town.group.dialog_id, [message.id])
    assert message.id not in town.group.mailbox.messages


async def test_too_long_and_empty_texts_are_refused(town: Town) -> None:
    ann = await town.client(town.ann)
    with pytest.raises(errors.MessageTooLongError):
        await ann.send_message(town.group.dialog_id, "x" * 4097)
    with pytest.raises(errors.MessageEmptyError):
        await ann(functions.messages.SendMessageRequest(await ann.get_input_entity(town.group.dialog_id), ""))


async def test_a_message_can_be_edited_for_48_hours(town: Town) -> None:
    ann = await town.client(town.ann)
    message = await ann.send_message(town.group.dialog_id, "old")
    town.group.mailbox.messages[message.id].content.date -= 172_801
    with pytest.raises(errors.MessageEditTimeExpiredError):
        await ann.edit_message(town.group.dialog_id, message.id, "new")


async def test_history_and_search(town: Town) -> None:
    ann = await town.client(town.ann)
    for text in ("one", "two", "three"):
        await ann.send_message(town.group.dialog_id, text)
    assert [m.text async for m in ann.iter_messages(town.group.dialog_id, limit=2)] == ["three", "two"]
    numbers = [m.id async for m in ann.iter_messages(town.group.dialog_id, reverse=True)]
    assert numbers == [1, 2, 3, 4]
    assert [m.text async for m in ann.iter_messages(town.group.dialog_id, search="TW")] == ["two"]
    assert [m.text async for m in ann.iter_messages(town.group.dialog_id, from_user="me", limit=1)] == ["three"]


async def test_private_messages_travel_as_short_updates(town: Town) -> None:
    ann, parley = await town.client(town.ann), await town.client(town.parley)
    raw, heard = collect(parley, events.Raw()), collect(parley, events.NewMessage(incoming=True))
    answered = collect(ann, events.NewMessage(incoming=True))
    sent = await ann.send_message("parley", "hi", parse_mode=None)
    await until(lambda: heard)
    assert (heard[0].text, heard[0].sender_id, heard[0].is_private, sent.text) == ("hi", town.ann.id, True, "hi")
    assert raw[0]._entities == {}
    assert (await heard[0].get_sender()).first_name == "Ann"
    await heard[0].reply("hello")
    await until(lambda: answered)
    assert (answered[0].text, answered[0].reply_to_msg_id) == ("hello", sent.id)


async def test_private_edits_and_deletions_reach_the_other_side(town: Town) -> None:
    ann, parley = await town.client(town.ann), await town.client(town.parley)
    edited, deleted = collect(parley, events.MessageEdited()), collect(parley, events.MessageDeleted())
    sent = await ann.send_message("parley", "helo")
    await ann.edit_message("parley", sent.id, "hello")
    await until(lambda: edited)
    assert edited[0].text == "hello"
    await ann.delete_messages("parley", [sent.id])
    await until(lambda: deleted)
    assert deleted[0].deleted_ids == [edited[0].id]
    assert [m async for m in parley.iter_messages("ann")] == []


async def test_typing_is_seen_by_the_others(town: Town) -> None:
    ann, parley = await town.client(town.ann), await town.client(town.parley)
    seen = collect(ann, events.UserUpdate())
    async with parley.action(town.group.dialog_id, "typing"):
        await until(lambda: seen)
    assert (seen[0].typing, seen[0].user_id) == (True, town.parley.id)
    await parley.send_read_acknowledge(town.group.dialog_id, max_id=1)


async def test_another_device_sees_what_one_sends(town: Town) -> None:
    one, other = await town.client(town.ann), await town.client(town.ann)
    mine, theirs = collect(one, events.NewMessage()), collect(other, events.NewMessage(outgoing=True))
    await one.send_message(town.group.dialog_id, "in the group")
    await one.send_message("bob", "in private")
    await until(lambda: len(theirs) == 2)
    assert [event.text for event in theirs] == ["in the group", "in private"]
    assert mine == []


async def test_each_admin_has_rights_of_its_own(town: Town) -> None:
    parley = await town.client(town.parley)
    permissions = await parley.get_permissions(town.group.dialog_id, "me")
    assert permissions.participant.admin_rights.manage_call
    carol = await parley.get_permissions(town.group.dialog_id, "carol")
    assert (carol.is_admin, carol.participant.admin_rights.manage_call) == (True, False)
    assert not (await parley.get_permissions(town.group.dialog_id, "bob")).is_admin
    assert (await parley.get_permissions(town.group.dialog_id, "ann")).is_creator
    admins = await parley.get_participants(town.group.dialog_id, filter=types.ChannelParticipantsAdmins())
    assert [user.id for user in admins] == [town.ann.id, town.parley.id, town.carol.id]


async def test_somebody_who_is_not_in_the_group(town: Town) -> None:
    town.telegram.add_account("Eve", username="eve")
    parley = await town.client(town.parley)
    with pytest.raises(errors.UserNotParticipantError):
        await parley.get_permissions(town.group.dialog_id, "eve")
    with pytest.raises(ValueError, match="nobody"):
        await parley.get_entity("@nobody_of_that_name")


async def test_removal_from_the_group_and_coming_back(town: Town) -> None:
    ann, parley = await town.client(town.ann), await town.client(town.parley)
    told = collect(parley, events.Raw(types.UpdateChannel))
    await ann.kick_participant(town.group.dialog_id, "parley")
    await until(lambda: told)
    with pytest.raises(errors.ChannelPrivateError):
        await parley.send_message(town.group.dialog_id, "still here?")
    town.telegram.add_member(town.group, town.parley, town.ann)
    await until(lambda: len(told) > 1)
    assert await parley.send_message(town.group.dialog_id, "back")


async def test_rights_are_given_and_taken_by_those_who_may(town: Town) -> None:
    ann, parley = await town.client(town.ann), await town.client(town.parley)
    with pytest.raises(errors.ChatAdminRequiredError):
        await parley.edit_admin(town.group.dialog_id, "bob", manage_call=True)
    await ann.edit_admin(town.group.dialog_id, "bob", manage_call=True)
    assert town.group.may_manage_calls(town.bob.id)
    await ann.edit_admin(town.group.dialog_id, "bob", is_admin=False)
    assert not town.group.is_admin(town.bob.id)


async def test_leaving_and_inviting(town: Town) -> None:
    bob, ann = await town.client(town.bob), await town.client(town.ann)
    await bob.delete_dialog(town.group.dialog_id)
    assert not town.group.has(town.bob.id)
    await ann(functions.channels.InviteToChannelRequest(await ann.get_input_entity(town.group.dialog_id), ["bob"]))
    assert town.group.has(town.bob.id)
