"""What is done and expected in steps, against a world that notes what is asked of it."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from loopback.rehearsal.cast import ChatMessage
from loopback.rehearsal.player import Player
from tests.loopback.rehearsal.stub_world import StubControl, StubWorld
from tests.loopback.rehearsal.talk import hear
from tests.loopback.rehearsal.test_rehearsal_player import StubBot, Watcher, doings, now, stage

PLACE = "Book club"


def world_of(player: Player) -> StubWorld:
    assert isinstance(player.ensemble.world, StubWorld)
    return player.ensemble.world


def control_of(player: Player) -> StubControl:
    assert isinstance(player.ensemble.bot, StubControl)
    return player.ensemble.bot


def write(bot: StubBot, text: str, message_id: int = 0, voice_note: bytes = b"", chat: str = PLACE) -> None:
    bot.chat.add(ChatMessage(now(), "Parley", text, True, chat, message_id, voice_note))


def later(delay_s: float, act: Callable[[], None]) -> None:
    asyncio.get_running_loop().call_later(delay_s, act)


async def test_what_people_and_the_world_do_is_done_and_told() -> None:
    watcher = Watcher()
    player = stage(
        "  - {who: Ann, end_voice_chat: true}\n  - {who: Ann, schedule_voice_chat: 60}\n  - {who: Ann, kick_bot: true}\n"
        "  - {who: Ann, add_bot: true}\n  - {who: Ann, mute_bot: true}\n  - {drop_bot: true}\n  - {crowd: 3}\n"
        "  - {flood: phone.*, seconds: 9}\n  - {fault: call_forbidden, times: 2}\n  - {lift_faults: true}\n",
        StubBot(),
        watcher,
    )
    await player.play()
    assert player.failures == []
    assert world_of(player).done == [
        f"Ann ends {PLACE}", f"Ann announces {PLACE} in 60", f"Ann kicks in {PLACE}", f"Ann adds in {PLACE}", f"muted True in {PLACE}",
        f"dropped in {PLACE}", f"crowd of 3 in {PLACE}", "flood None 9 phone.* None", "call_forbidden None None None 2", "lifted",
    ]  # fmt: skip
    assert watcher.seen == [happening.text for happening in player.chronicle.happenings]
    assert "Ann removes the bot" in watcher.seen


async def test_what_cannot_be_done_ends_the_play() -> None:
    player = stage("  - {who: Ann, start_scheduled: true}\n  - {crowd: 1}\n", StubBot())
    await player.play()
    assert player.failures == [f"step 1: {PLACE} has no voice chat. Announce one."]
    assert world_of(player).done == []


async def test_somebody_writes_as_the_group() -> None:
    bot, watcher = StubBot(replies={"/joincall": "✅ Joined"}), Watcher()
    player = stage("  - {who: Ann, type: /joincall, anonymous: true, expect: joined}\n", bot, watcher)
    await player.play()
    assert world_of(player).done == [f"Ann anonymous True in {PLACE}", f"Ann anonymous False in {PLACE}"]
    assert watcher.seen == ["Ann (anonymous) types /joincall"]


async def test_voice_notes_and_files_are_sent(tmp_path: Path) -> None:
    (tmp_path / "odd.ogg").write_text("no sound")
    steps = "  - {who: Ann, voice_note: hello}\n  - {who: Ann, send_file: odd.ogg, as_voice: true}\n  - {who: Ann, send_file: odd.ogg}\n"
    player = stage(steps, StubBot(), sounds={0: bytes(48_000)}, folder=tmp_path)
    await player.play()
    assert player.failures == []
    assert doings(player)["Ann"] == ["a voice note of 1.00 s", "a voice note of 5.00 s", "odd.ogg, 8 bytes"]


async def test_the_bot_is_ended_crashed_and_started() -> None:
    player = stage(
        "  - {restart_bot: SIGKILL}\n  - {crash_bot: SIGSEGV}\n  - {expect_bot_ready: true, within: 1}\n"
        "  - {stop_bot: true}\n  - {start_bot: true}\n",
        StubBot(),
    )
    await player.play()
    assert player.failures == []
    assert control_of(player).done == ["stop SIGKILL", "start", "crash SIGSEGV", "stop SIGTERM", "start"]


async def test_a_bot_that_does_not_come_back_is_told() -> None:
    player = stage("  - {crash_bot: SIGSEGV}\n  - {expect_bot_ready: true, within: 1}\n", StubBot())
    control_of(player).comes_back = False
    await player.play()
    assert player.failures == ["step 2: expected the bot to be ready again within 1 s. It is gone."]


async def test_an_outage_goes_on_meanwhile_and_is_over_with_the_play() -> None:
    player = stage("  - {outage: 60, meanwhile: true}\n  - {who: Ann, type: hello}\n", StubBot())
    await player.play()
    assert world_of(player).done == ["outage begins False", "outage ends False"]
    assert doings(player)["Ann"] == ["hello"]


async def test_the_bot_is_expected_in_the_call_or_out_of_it() -> None:
    player = stage(
        "  - {crowd: 3, expect_in_call: true, within: 30}\n  - {crowd: 0, expect_in_call: false, within: 30, for: 0.05}\n", StubBot()
    )
    world = world_of(player)
    world.on_act = lambda text: later(0.05, lambda: world.in_call.add(PLACE) if "3" in text else world.in_call.discard(PLACE))
    await player.play()
    assert player.failures == []
    assert [met.step for met in player.expecting.met] == [1, 2]
    assert 0.04 < player.expecting.met[0].took_s < 30


@pytest.mark.parametrize(
    ("step", "said"),
    [
        ("{expect_in_call: true, within: 0.05}", f"expected the bot in the voice chat of {PLACE} within 0.05 s; it is not in it"),
        ("{expect_voice_note: true, within: 0.05}", "expected a voice note within 0.05 s, but the bot wrote nothing"),
        ("{who: Ann, expect_heard: true, within: 0.05}", "expected that Ann hears the bot within 0.05 s, but nothing was heard"),
        ("{expect_requests: {method: phone.*, at_least: 1}}", "expected at least 1 requests phone.*, but there were 0"),
    ],
)
async def test_what_does_not_come_is_told(step: str, said: str) -> None:
    player = stage(f"  - {step}\n", StubBot())
    await player.play()
    assert player.failures == [f"step 1: {said}"]


async def test_who_must_stay_out_and_joins_is_told() -> None:
    player = stage("  - {crowd: 2, expect_in_call: false, for: 1}\n", StubBot())
    later(0.05, lambda: world_of(player).in_call.add(PLACE))
    await player.play()
    assert player.failures[0].startswith(f"step 1: expected the bot out of the voice chat of {PLACE} for 1 s, but it was so for 0.")


async def test_what_must_not_be_written_is_told() -> None:
    bot = StubBot(replies={"hello": "I obey"})
    player = stage("  - {who: Bob, type: hello}\n  - {expect_not: /obey/, for: 0.05}\n", bot)
    await player.play()
    assert player.failures == ["step 2: expected that '/obey/' is not written, but the bot wrote 'I obey'"]


async def test_once_means_once_and_an_edited_message_is_the_same() -> None:
    bot = StubBot()
    player = stage("  - {who: Ann, type: /ping}\n  - {expect: pong, times: 1, for: 0.1}\n", bot)
    later(0.02, lambda: write(bot, "pong", 7))
    later(0.04, lambda: write(bot, "pong, edited", 7))
    await player.play()
    assert player.failures == []


async def test_more_often_than_expected_is_told() -> None:
    bot = StubBot()
    player = stage("  - {who: Ann, type: /ping}\n  - {expect: pong, times: 1, for: 0.2}\n", bot)
    later(0.02, lambda: write(bot, "pong", 7))
    later(0.04, lambda: write(bot, "pong", 8))
    await player.play()
    assert player.failures == ["step 2: expected 'pong' in the chat 1 times, but it came 2 times: 'pong' / 'pong'"]


async def test_what_is_done_one_right_after_the_other_is_answered_together() -> None:
    bot = StubBot(replies={"/a": "first", "/b": "second"})
    player = stage("  - {who: Ann, type: /a}\n  - {who: Bob, type: /b}\n  - {expect: first}\n  - {expect: second}\n", bot)
    await player.play()
    assert player.failures == []


async def test_what_is_written_elsewhere_does_not_count() -> None:
    bot = StubBot()
    write(bot, "joined", chat="Chess")
    player = stage("  - {expect: joined, within: 0.05}\n", bot)
    await player.play()
    assert player.failures == ["step 1: expected 'joined' in the chat within 0.05 s, but the bot wrote nothing"]


async def test_requests_are_counted_from_where_the_script_says() -> None:
    player = stage("  - {count_requests: true}\n  - {wait: 0.05}\n  - {expect_requests: {method: phone.*, at_most: 1}}\n", StubBot())
    world_of(player).asked["phone.*"] = [now() - 1, now() - 2]
    later(0.02, lambda: world_of(player).asked["phone.*"].append(now()))
    await player.play()
    assert player.failures == []
    assert player.expecting.met[0].what == "1 requests phone.*"


async def test_the_bot_is_expected_to_be_heard_after_what_was_done() -> None:
    bot = StubBot()
    spoken = "  - {who: Ann, type: /speak hi, expect_heard: true, within: 30}\n  - {wait: 0.05}\n"
    player = stage(spoken + "  - {who: Ann, expect_heard: false, for: 0.05}\n", bot)
    hear(bot.people["Ann"].ear, now() - 1, 0.1)
    later(0.5, lambda: hear(bot.people["Ann"].ear, now(), 0.01))
    await player.play()
    assert player.failures == []
    assert player.expecting.met[0].took_s >= 0.04


async def test_the_words_of_a_voice_note_are_kept_for_later() -> None:
    bot = StubBot()
    player = stage("  - {who: Ann, type: hm, expect_voice_note: /berlin/i}\n", bot)
    later(0.02, lambda: write(bot, "(a voice note)", 3, b"OggS"))
    await player.play()
    assert [(note.step, note.pattern, note.message.voice_note) for note in player.expecting.notes] == [(1, "/berlin/i", b"OggS")]
