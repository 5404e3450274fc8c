"""What is obeyed and what is not, and how often."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from telethon.errors import FloodWaitError

from errors import EXIT_RESTART, ParleyError
from handlers.sender import DISARMED_BY, OwnMessages, Sender
from handlers.wording import say
from storage import opt_outs
from tests.calls.waiting import until
from tests.handlers.desk import ANN, BOB, GROUP, OWNER, STRANGER, SUDO, Client, Desk


@pytest.mark.parametrize("field", ["fwd_from", "via_bot_id", "edit_date", "action"])
async def test_forwarded_via_bot_and_edited_messages_are_no_commands(desk: Desk, field: str) -> None:
    fields: dict[str, Any] = {field: 1}
    assert await desk.say("/ping", **fields) is None


@pytest.mark.parametrize("text", ["/juggle", "ping", "/ping@other", "what is /ping?"])
async def test_what_is_no_command_of_ours_is_met_with_silence(desk: Desk, text: str) -> None:
    assert await desk.say(text) is None
    assert await desk.results() == []


@pytest.mark.parametrize("text", ["/callon", ".callon", "!callon", "/callon@parley", "/CallOn"])
async def test_ways_of_writing_a_command(desk: Desk, text: str) -> None:
    assert (await desk.say(text) or "").startswith("✅")


async def test_the_account_itself_commands_and_what_the_program_wrote_does_not(desk: Desk) -> None:
    assert await desk.say("/stats", by=OWNER)
    desk.own.add(GROUP, 77)
    assert await desk.say("/stats", by=OWNER, id=77) is None


async def test_a_text_of_ours_never_reads_like_a_command() -> None:
    client: Any = Client()
    own = OwnMessages()
    sent = await Sender(client, "/.!", own).send("chat", GROUP, "/leavecall")
    assert client.sent[-1][1] == f"{DISARMED_BY}/leavecall"
    assert own.include(SimpleNamespace(chat_id=GROUP, id=sent))


async def test_an_anonymous_admin_may_and_somebody_in_the_name_of_another_channel_may_not(desk: Desk) -> None:
    assert (await desk.say("/callon", by=GROUP) or "").startswith("✅")
    assert await desk.say("/callinfo", by=-1_000_000_000_042) is None
    assert await desk.say("/optout", by=GROUP) == say("en", "anonymous")


async def test_who_is_on_the_black_list_gets_nothing_until_taken_off(desk: Desk) -> None:
    await desk.say(f"/blacklist {BOB}", by=SUDO)
    assert await desk.say("/callinfo", by=BOB) is None
    await desk.say(f"/unblacklist {BOB}", by=SUDO)
    assert await desk.say("/callinfo", by=BOB)


async def test_whom_the_owner_trusts_cannot_be_black_listed(desk: Desk) -> None:
    await desk.say(f"/sudo {ANN}", by=OWNER)
    assert await desk.say(f"/blacklist {ANN}", by=SUDO) == say("en", "blacklist.trusted")


async def test_an_admin_who_lost_the_right_is_found_out_before_anything_destructive(desk: Desk) -> None:
    await desk.say("/callon")
    desk.client.admins = []
    assert await desk.say("/reset") == say("en", "refused.call_manager", command="/reset")
    assert desk.histories.cleared == []


async def test_many_commands_of_one_person_are_told_to_wait_once(desk: Desk) -> None:
    answers = [await desk.say("/callinfo", by=BOB) for _ in range(40)]
    told = [answer for answer in answers if answer and "wait" in answer]
    assert len([answer for answer in answers if answer]) == 16
    assert len(told) == 1
    assert (await desk.results())[0] == ("callinfo", "told to wait")


async def test_a_chat_that_asks_too_much_is_told_once_for_all(desk: Desk) -> None:
    for user in range(100, 120):
        for _ in range(10):
            await desk.say("/callinfo", by=user)
    answers = desk.client.texts
    assert len(answers) <= 20
    assert [answer for answer in answers if "wait" in answer or "⏳" in answer] == [answers[-1]]
    assert answers[-1].startswith("⏳ Those were many commands at once. I answer again here in ")
    assert {result for _, result in await desk.results()} == {"done", "told to wait"}
    assert desk.client.lookups == 1
    assert await desk.say("/leavecall") == say("en", "join.left"), "an admin is not kept from this by others"


async def test_the_owner_has_no_points_to_use_up(desk: Desk) -> None:
    assert [await desk.say("/forget me", by=OWNER) for _ in range(10)] == [say("en", "forgotten", count=0)] * 10


async def test_rights_that_are_not_known_are_not_granted(desk: Desk) -> None:
    desk.client.failure = ConnectionError()
    assert await desk.say("/callon") == say("en", "rights_unknown")
    desk.client.failure = FloodWaitError(None, 30)
    assert await desk.say("/callon") == say("en", "rights_flood", seconds=30)


async def test_errors_are_told_in_the_language_of_the_chat(desk: Desk) -> None:
    desk.manager.refusal = ParleyError("English.", key="call_error.flood", fields={"seconds": 5})
    await desk.say("/lang ca")
    assert await desk.say("/joincall") == say("ca", "call_error.flood", seconds=5)
    desk.manager.refusal = RuntimeError("secret detail")
    assert await desk.say("/joincall") == say("ca", "not_understood")
    assert (await desk.results())[0] == ("joincall", "failed: RuntimeError")


async def test_a_menu_is_answered_by_a_reply_with_a_number_and_only_by_who_may(desk: Desk) -> None:
    menu = await desk.say("/mode")
    assert menu is not None
    shown = desk.client.sent[-1][0]
    assert "2. addressed" in menu
    assert await desk.say("2", by=BOB, **desk.reply_to(shown)) == say("en", "refused.call_manager", command="/mode")
    assert await desk.say("2", **desk.reply_to(shown)) == say("en", "mode.addressed")
    assert (await desk.services.chat(GROUP)).mode == "addressed"
    assert await desk.say("2") is None


async def test_help_lists_what_the_asker_may_do_and_explains_one_command(desk: Desk) -> None:
    for_bob, for_ann = await desk.say("/help", by=BOB) or "", await desk.say("/help") or ""
    assert "/callinfo" in for_bob
    assert "/callon " not in for_bob.split(say("en", "help_list.hint"))[0]
    assert "/callon" in for_ann
    assert "/restart" not in for_ann
    assert "/restart" in (await desk.say("/help", by=OWNER) or "")
    explained = await desk.say("/help /jc") or ""
    assert "Usage: /joincall" in explained
    assert "Example: /joincall" in explained


async def test_what_is_set_is_kept(desk: Desk) -> None:
    for text in ("/callon", "/callconfig 3", "/callconfig alone=90 zone=Europe/Madrid chance=30%", "/callquiet 22:00 8:00", "/ttsoff",
                 "/ttsconfig en-GB-RyanNeural +10%", "/sttoff", "/sttconfig ca", "/persona A patient tutor", "/mode silent"):  # fmt: skip
        assert await desk.say(text), text
    chat = await desk.services.chat(GROUP)
    assert (chat.auto_join, chat.min_participants, chat.alone_s, chat.time_zone) == (True, 3, 90.0, "Europe/Madrid")
    assert (chat.quiet_from, chat.quiet_until, chat.reply_probability) == ("22:00", "08:00", 0.3)
    assert (chat.tts_on, chat.voice, chat.rate, chat.stt_on) == (False, "en-GB-RyanNeural", "+10%", False)
    assert (chat.language, chat.persona, chat.mode, chat.title) == ("ca", "A patient tutor", "silent", "Book club")
    status = await desk.say("/callstatus") or ""
    assert "22:00–08:00 (Europe/Madrid)" in status
    for text in ("/calloff", "/callquiet off", "/tts" + "on", "/ttsconfig default", "/stton", "/persona off"):
        assert await desk.say(text), text
    chat = await desk.services.chat(GROUP)
    assert (chat.auto_join, chat.quiet_from, chat.tts_on, chat.voice, chat.stt_on, chat.persona) == (False, "", True, None, True, None)


async def test_opting_out_and_back(desk: Desk) -> None:
    await desk.say("/optout", by=BOB)
    assert await opt_outs.is_out(desk.services.database, GROUP, BOB)
    assert desk.manager.changed == [GROUP], "a running call does not know"
    assert await desk.say("/optouts", by=ANN) == say("en", "optout.list", names="Bob")
    assert await desk.say("/optout off", by=BOB) == say("en", "optout.removed")
    assert await desk.say("/optout off", by=BOB) == say("en", "optout.not_out")


async def test_anybody_may_have_themselves_forgotten_also_in_private(desk: Desk) -> None:
    assert await desk.say("/forget me", by=STRANGER, private=True) == say("en", "forgotten", count=0)
    assert desk.histories.cleared == [STRANGER]


async def test_speaking_on_demand_needs_a_call(desk: Desk) -> None:
    assert await desk.say("/speak Dinner is ready") == say("en", "tts.spoken")
    assert desk.manager.said == ["Dinner is ready"]
    desk.manager.in_call = False
    assert await desk.say("/speak Dinner is ready") == say("en", "tts.not_in_call")


async def test_the_lists_grow_and_shrink(desk: Desk) -> None:
    assert await desk.say("/auth @bob") == say("en", "auth.added", id=BOB)
    assert f"• {BOB}" in (await desk.say("/authlist") or "")
    assert await desk.say("/unauth", **desk.reply_to(1)) == say("en", "auth.removed", id=BOB)
    assert await desk.say("/unauth @bob") == say("en", "auth.not_listed", id=BOB)
    await desk.say("/sudo @bob", by=OWNER)
    assert await desk.say("/stats", by=BOB)
    await desk.say("/sudo remove @bob", by=OWNER)
    assert await desk.say("/stats", by=BOB) == say("en", "refused.sudo")


async def test_the_log_is_shown_in_private_only(desk: Desk) -> None:
    assert await desk.say("/logs", by=SUDO) == say("en", "logs.private_only")
    assert await desk.say("/logs 500", by=SUDO, private=True) != say("en", "logs.private_only")


async def test_a_restart_ends_the_program_after_the_answer(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("handlers.service.RESTART_AFTER_S", 0.01)
    assert await desk.say("/restart", by=OWNER) == say("en", "restarting")
    await until(lambda: desk.restarts)
    assert desk.restarts == [True]
    assert EXIT_RESTART == 75
