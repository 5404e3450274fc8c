"""Channels, anonymous admins, slow mode and restrictions, through an unmodified Telethon."""

from __future__ import annotations

import pytest
from telethon import errors, events, functions, types
from telethon.tl.functions import phone

from loopback.world.chats import AdminRights, Chat
from tests.loopback.conftest import Town, until
from tests.loopback.test_telegram_chatting import collect
from tests.loopback.test_telegram_group_calls import edit, join, named, only, payload, pushed


@pytest.fixture
def news(town: Town) -> Chat:
    """Ann's channel; Parley is an admin of it, Bob a subscriber."""
    return town.telegram.add_channel("News", town.ann, [town.parley], [town.bob], username="news")


# --- channels -----------------------------------------------------------------------------------------------------
async def test_posts_have_no_author(town: Town, news: Chat) -> None:
    ann, parley = await town.client(town.ann), await town.client(town.parley)
    heard = collect(parley, events.NewMessage())
    await ann.send_message("@news", "/joincall")
    await until(lambda: heard)
    post = heard[0].message
    assert (post.post, post.from_id, post.sender_id, heard[0].chat_id) == (True, None, news.dialog_id, news.dialog_id)
    assert (heard[0].is_channel, heard[0].is_group) == (True, False)


async def test_subscribers_read_only(town: Town, news: Chat) -> None:
    bob = await town.client(town.bob)
    with pytest.raises(errors.ChatAdminRequiredError):
        await bob.send_message("@news", "hello?")
    with pytest.raises(errors.ChatAdminRequiredError):
        await bob.get_participants("@news")
    with pytest.raises(errors.ChatAdminRequiredError):
        await bob.get_permissions("@news", "ann")
    ann = await town.client(town.ann)
    assert {user.id for user in await ann.get_participants("@news")} == {town.ann.id, town.parley.id, town.bob.id}


async def test_an_admin_without_the_right_does_not_post(town: Town, news: Chat) -> None:
    town.telegram.set_admin(news, town.parley, AdminRights(post_messages=False), town.ann)
    parley = await town.client(town.parley)
    with pytest.raises(errors.ChatAdminRequiredError):
        await parley.send_message("@news", "mine")


async def test_subscribers_of_a_livestream_may_listen_only(town: Town, news: Chat) -> None:
    parley, bob = await town.client(town.parley), await town.client(town.bob)
    call = town.telegram.start_voice_chat(news, town.ann)
    me = only(await join(bob, call, 7), types.UpdateGroupCallParticipants).participants[0]
    assert (me.muted, me.can_self_unmute) == (True, False)
    assert not only(await join(parley, call, 8), types.UpdateGroupCallParticipants).participants[0].muted


async def test_with_the_link_for_speakers_a_subscriber_may_speak(town: Town, news: Chat) -> None:
    ann, bob = await town.client(town.ann), await town.client(town.bob)
    call = town.telegram.start_voice_chat(news, town.ann)
    assert (await bob(phone.ExportGroupCallInviteRequest(named(call)))).link == "https://t.me/news?voicechat"
    with pytest.raises(errors.GroupcallForbiddenError):
        await bob(phone.ExportGroupCallInviteRequest(named(call), can_self_unmute=True))
    link = (await ann(phone.ExportGroupCallInviteRequest(named(call), can_self_unmute=True))).link
    await bob(
        phone.JoinGroupCallRequest(named(call), types.InputPeerSelf(), payload(), muted=False, invite_hash=link.partition("voicechat=")[2])
    )
    assert not call.participants[town.bob.id].muted
    private = town.telegram.start_voice_chat(town.group, town.ann)
    with pytest.raises(errors.PublicChannelMissingError):
        await ann(phone.ExportGroupCallInviteRequest(named(private)))


# --- anonymous admins ---------------------------------------------------------------------------------------------
@pytest.mark.parametrize("is_named", [True, False])
async def test_an_anonymous_admin_writes_as_the_group(town: Town, is_named: bool) -> None:
    town.telegram.settings.anonymous_sender_named = is_named
    town.telegram.set_admin(town.group, town.carol, AdminRights(anonymous=True), town.ann)
    carol, parley = await town.client(town.carol), await town.client(town.parley)
    heard, typing = collect(parley, events.NewMessage()), collect(parley, events.Raw(types.UpdateChannelUserTyping))
    await carol.send_message(town.group.dialog_id, "/joincall")
    await until(lambda: heard)
    assert heard[0].sender_id == (town.group.dialog_id if is_named else None)
    async with carol.action(town.group.dialog_id, "typing"):
        await until(lambda: typing)
    assert typing[0].from_id == types.PeerChannel(town.group.id)
    assert (await parley.get_permissions(town.group.dialog_id, "carol")).anonymous


async def test_what_a_test_says_as_an_anonymous_admin_comes_from_the_group(town: Town) -> None:
    town.telegram.set_admin(town.group, town.carol, AdminRights(anonymous=True), town.ann)
    parley = await town.client(town.parley)
    heard = collect(parley, events.NewMessage())
    town.telegram.say(town.group, town.carol, "/joincall")
    await until(lambda: heard)
    assert heard[0].sender_id == town.group.dialog_id


async def test_writing_as_a_channel_of_ones_own(town: Town, news: Chat) -> None:
    ann, parley = await town.client(town.ann), await town.client(town.parley)
    heard = collect(parley, events.NewMessage())
    group, channel = await ann.get_input_entity(town.group.dialog_id), await ann.get_input_entity("@news")
    await ann(functions.messages.SendMessageRequest(group, "hello", send_as=channel))
    await until(lambda: heard)
    assert heard[0].sender_id == news.dialog_id
    assert (await heard[0].get_sender()).title == "News"
    bob = await town.client(town.bob)
    group, channel = await bob.get_input_entity(town.group.dialog_id), await bob.get_input_entity("@news")
    for peer in (channel, group):
        with pytest.raises(errors.SendAsPeerInvalidError):
            await bob(functions.messages.SendMessageRequest(group, "hello", send_as=peer))


async def test_forwarded_messages_and_those_by_way_of_a_bot_say_so(town: Town) -> None:
    helper = town.telegram.add_account("Helper", username="helper")
    parley = await town.client(town.parley)
    heard = collect(parley, events.NewMessage())
    town.telegram.say(town.group, town.ann, "/joincall", forwarded_from=town.bob)
    town.telegram.say(town.group, town.ann, "/joincall", via_bot=helper)
    await until(lambda: len(heard) == 2)
    assert heard[0].message.fwd_from.from_id == types.PeerUser(town.bob.id)
    assert heard[1].message.via_bot_id == helper.id


# --- joining as a channel -----------------------------------------------------------------------------------------
async def test_joining_as_a_channel_hides_the_person(town: Town, news: Chat) -> None:
    ann, parley = await town.client(town.ann), await town.client(town.parley)
    call = town.telegram.start_voice_chat(town.group, town.ann)
    group, channel = await ann.get_input_entity(town.group.dialog_id), await ann.get_input_entity("@news")
    offered = await ann(phone.GetGroupCallJoinAsRequest(group))
    assert offered.peers == [types.PeerUser(town.ann.id), types.PeerChannel(news.id)]
    answer = await ann(phone.JoinGroupCallRequest(named(call), channel, payload(7), muted=False))
    me = only(answer.updates, types.UpdateGroupCallParticipants).participants[0]
    assert (me.peer, me.is_self) == (types.PeerChannel(news.id), True)
    shown = await parley(phone.GetGroupCallRequest(named(call), 10))
    assert [p.peer for p in shown.participants] == [types.PeerChannel(news.id)]
    assert news.id in [chat.id for chat in shown.chats]
    assert town.ann.id not in [user.id for user in shown.users]
    muted = await edit(parley, call, "@news", muted=True)
    assert (muted.peer, muted.can_self_unmute) == (types.PeerChannel(news.id), True)
    with pytest.raises(errors.ParticipantJoinMissingError):
        await edit(parley, call, "ann", muted=True)


async def test_who_has_never_seen_the_channel_is_shown_its_name(town: Town, news: Chat) -> None:
    carol = await town.client(town.carol)
    call = town.telegram.start_voice_chat(town.group, town.ann)
    town.telegram.enter_voice_chat(town.group, town.ann, as_chat=news)
    shown = await carol(phone.GetGroupCallRequest(named(call), 10))
    assert [(chat.title, chat.left) for chat in shown.chats if chat.id == news.id] == [("News", True)]


async def test_the_chosen_way_to_appear_is_kept(town: Town, news: Chat) -> None:
    ann = await town.client(town.ann)
    group, channel = await ann.get_input_entity(town.group.dialog_id), await ann.get_input_entity("@news")
    await ann(phone.SaveDefaultGroupCallJoinAsRequest(group, channel))
    full = await ann(functions.channels.GetFullChannelRequest(group))
    assert full.full_chat.groupcall_default_join_as == types.PeerChannel(news.id)
    await ann(phone.SaveDefaultGroupCallJoinAsRequest(group, types.InputPeerSelf()))
    assert (await ann(functions.channels.GetFullChannelRequest(group))).full_chat.groupcall_default_join_as is None
    bob = await town.client(town.bob)
    with pytest.raises(errors.JoinAsPeerInvalidError):
        await bob(phone.SaveDefaultGroupCallJoinAsRequest(await bob.get_input_entity(town.group.dialog_id), "@news"))


async def test_changing_who_one_appears_as_is_a_leave_and_a_join(town: Town, news: Chat) -> None:
    ann, bob = await town.client(town.ann), await town.client(town.bob)
    call = town.telegram.start_voice_chat(town.group, town.ann)
    await join(ann, call, 7)
    told = await pushed(town, town.bob, bob)
    await ann(phone.JoinGroupCallRequest(named(call), await ann.get_input_entity("@news"), payload(8), muted=False))
    await until(lambda: len(told) == 4)
    changes = [update.participants[0] for update in told if isinstance(update, types.UpdateGroupCallParticipants)]
    assert [(change.peer, bool(change.left)) for change in changes] == [
        (types.PeerUser(town.ann.id), True),
        (types.PeerChannel(news.id), False),
    ]
    with pytest.raises(errors.InviteForbiddenWithJoinasError):
        await ann(phone.InviteToGroupCallRequest(named(call), ["bob"]))


async def test_an_anonymous_admin_may_join_as_the_group(town: Town) -> None:
    town.telegram.set_admin(town.group, town.carol, AdminRights(anonymous=True), town.ann)
    carol = await town.client(town.carol)
    call = town.telegram.start_voice_chat(town.group, town.ann)
    group = await carol.get_input_entity(town.group.dialog_id)
    await carol(phone.JoinGroupCallRequest(named(call), group, payload(), muted=False))
    assert call.participants[town.carol.id].as_chat is town.group


# --- slow mode and restrictions -----------------------------------------------------------------------------------
async def test_slow_mode_holds_members_back_and_not_admins(town: Town) -> None:
    ann, bob = await town.client(town.ann), await town.client(town.bob, flood_sleep_threshold=0)
    group = await ann.get_input_entity(town.group.dialog_id)
    await ann(functions.channels.ToggleSlowModeRequest(group, 30))
    await bob.send_message(town.group.dialog_id, "one")
    with pytest.raises(errors.SlowModeWaitError) as wait:
        await bob.send_message(town.group.dialog_id, "two")
    assert 25 < wait.value.seconds <= 30
    full = (await bob(functions.channels.GetFullChannelRequest(await bob.get_input_entity(town.group.dialog_id)))).full_chat
    assert full.slowmode_seconds == 30
    assert full.slowmode_next_send_date is not None
    for text in ("three", "four"):
        await ann.send_message(town.group.dialog_id, text)
    town.telegram.set_slow_mode(town.group, 0)
    await bob.send_message(town.group.dialog_id, "five")


async def test_slow_mode_has_certain_lengths_and_needs_a_right(town: Town) -> None:
    ann, bob = await town.client(town.ann), await town.client(town.bob)
    with pytest.raises(errors.ChatAdminRequiredError):
        await bob(functions.channels.ToggleSlowModeRequest(await bob.get_input_entity(town.group.dialog_id), 30))
    group = await ann.get_input_entity(town.group.dialog_id)
    with pytest.raises(errors.SecondsInvalidError):
        await ann(functions.channels.ToggleSlowModeRequest(group, 7))
    with pytest.raises(errors.ChatNotModifiedError):
        await ann(functions.channels.ToggleSlowModeRequest(group, 0))


async def test_a_silenced_member_neither_writes_edits_nor_types(town: Town) -> None:
    ann, bob = await town.client(town.ann), await town.client(town.bob)
    message = await bob.send_message(town.group.dialog_id, "before")
    await ann.edit_permissions(town.group.dialog_id, "bob", send_messages=False)
    with pytest.raises(errors.ChatWriteForbiddenError):
        await bob.send_message(town.group.dialog_id, "after")
    with pytest.raises(errors.ChatWriteForbiddenError):
        await bob.edit_message(town.group.dialog_id, message.id, "after")
    with pytest.raises(errors.ChatWriteForbiddenError):
        await bob(functions.messages.SetTypingRequest(town.group.dialog_id, types.SendMessageTypingAction()))
    town.telegram.restrict(town.group, town.bob)
    assert await bob.send_message(town.group.dialog_id, "again")


async def test_an_answer_to_a_message_that_is_not_there_is_refused(town: Town) -> None:
    parley = await town.client(town.parley)
    with pytest.raises(errors.BadRequestError, match="REPLY_MESSAGE_ID_INVALID"):
        await parley.send_message(town.group.dialog_id, "an answer", reply_to=4711)
