"""Commands about calls, from the message in the group to the place in the voice chat. A24-A26, A33, A50, A51."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from handlers.wording import say
from loopback.world.chats import AdminRights
from tests.call_process import Scenario, run_in_process
from tests.e2e.whole_parley import scene

JOINING = "phone.JoinGroupCall"
A_JOIN_TAKES_S = 40.0
JOINED, LEFT = say("en", "join.joined"), say("en", "join.left")


async def a_join_under_way_is_broken_off(folder: str) -> None:
    async with scene(folder) as club, club.running():
        telegram = club.telegram
        telegram.start_voice_chat(club.group, club.ann)
        telegram.faults.delay(JOINING, A_JOIN_TAKES_S, account_id=club.parley.id)
        joining = asyncio.create_task(club.command("/joincall"))
        await club.until(lambda: telegram.seen(JOINING, club.parley))
        async with asyncio.timeout(A_JOIN_TAKES_S / 2):
            assert await club.command("/leavecall") == LEFT
            assert await joining == say("en", "call_error.broken_off")
        assert not club.is_in
        assert await club.command("/joincall") == JOINED
        assert club.is_in
        assert await club.command("/leavecall") == LEFT
        assert not club.is_in


async def two_admins_at_once(folder: str) -> None:
    async with scene(folder) as club, club.running():
        telegram = club.telegram
        telegram.set_admin(club.group, club.carol, AdminRights(), club.ann)
        telegram.start_voice_chat(club.group, club.ann)
        telegram.say(club.group, club.ann, "/joincall")
        telegram.say(club.group, club.carol, "/joincall")
        await club.until(lambda: JOINED in club.told)
        await asyncio.sleep(1.0)
        already_in = say("en", "join.already_in")
        assert club.told in ([JOINED], [JOINED, already_in])  # who asks a moment later may find it in the call
        assert await club.command("/joincall", club.carol) == already_in
        assert len(telegram.seen(JOINING, club.parley)) == 1


async def a_channel_from_its_group_and_from_its_posts(folder: str) -> None:
    async with scene(folder) as club, club.running():
        telegram = club.telegram
        news = telegram.add_channel("News", club.ann, [club.parley], [club.bob], username="news")
        telegram.start_voice_chat(news, club.ann)
        telegram.say(news, club.ann, "Good morning")
        assert await club.command("/joincall @news", club.bob) == say("en", "refused.elsewhere", chat="@news")
        assert await club.command("/joincall @news") == JOINED
        assert club.parley in telegram.in_voice_chat(news)
        assert "In Call: ✅ Yes" in await club.command("/callinfo @news")
        assert "In Call: ❌ No" in await club.command("/callinfo")
        assert await club.command("/leavecall @news") == LEFT
        assert club.parley not in telegram.in_voice_chat(news)
        post = telegram.say(news, club.ann, "/callinfo")
        await club.until(lambda: [message for message in telegram.messages(news) if message.reply_to == post.id])
        assert len(telegram.seen("contacts.ResolveUsername", club.parley)) == 0


async def in_the_name_of_a_channel(folder: str) -> None:
    async with scene(folder) as club, club.running():
        telegram = club.telegram
        voice = telegram.add_channel("Voice of the club", club.parley, username="clubvoice")
        telegram.say(voice, club.parley, "Hello")
        telegram.start_voice_chat(club.group, club.ann)
        assert "I may appear as: @clubvoice, me." in await club.command("/joincall as @news")
        assert await club.command("/joincall as @clubvoice") == JOINED
        (mine,) = telegram.seen(JOINING, club.parley)
        assert mine.request.join_as.channel_id == voice.id
        info = await club.command_until("/callinfo", lambda reply: "State: joined (listening)" in reply)
        assert "Participants" not in info, "it does not take itself for somebody else"
        assert await club.command("/joincall as me") == say("en", "join.as_later")
        await club.command("/leavecall")


async def a_basic_group_and_an_anonymous_admin(folder: str) -> None:
    async with scene(folder) as club, club.running():
        telegram = club.telegram
        telegram.settings.anonymous_sender_named = False
        telegram.set_admin(club.group, club.carol, AdminRights(anonymous=True), club.ann)
        telegram.start_voice_chat(club.group, club.ann)
        assert await club.command("/joincall", club.carol) == JOINED
        assert await club.command("/leavecall", club.carol) == LEFT
        chess = telegram.add_basic_group("Chess", club.ann, members=[club.bob, club.parley])
        telegram.start_voice_chat(chess, club.ann)
        telegram.say(chess, club.bob, "/joincall")
        await club.until(lambda: say("en", "refused.call_manager", command="/joincall") in telegram.texts(chess, club.parley))
        telegram.say(chess, club.ann, "/joincall")
        await club.until(lambda: club.parley in telegram.in_voice_chat(chess))
        await club.until(lambda: JOINED in telegram.texts(chess, club.parley))
        telegram.say(chess, club.ann, "/leavecall")
        await club.until(lambda: LEFT in telegram.texts(chess, club.parley))
        assert club.parley not in telegram.in_voice_chat(chess)


@pytest.mark.parametrize(
    "scenario",
    [
        a_join_under_way_is_broken_off,
        two_admins_at_once,
        a_channel_from_its_group_and_from_its_posts,
        in_the_name_of_a_channel,
        a_basic_group_and_an_anonymous_admin,
    ],
    ids=lambda scenario: str(scenario.__name__),
)
def test_commands_about_calls(scenario: Scenario, tmp_path: Path) -> None:
    run_in_process(scenario, str(tmp_path), timeout_s=110)
