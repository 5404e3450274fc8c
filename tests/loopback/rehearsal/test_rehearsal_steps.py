"""What scripts may say of chats, people, trouble and the bot's process, and what is told about those that are wrong."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from loopback.rehearsal.command import DEFAULT_SCRIPT
from loopback.rehearsal.parts import ChatSettings
from loopback.rehearsal.script import Script
from loopback.rehearsal.script_file import ScriptError, load_script, parse_script
from loopback.rehearsal.step import ACTIONS, EXPECTATIONS, Step

HEAD = """\
chats: {Book club: {}, Chess: {kind: group, bot: admin}, News: {kind: channel, bot: absent, slow_mode: 0}}
people:
  Ann: {rights: admin}
  Bob: {rights: {Book club: member, Chess: admin, News: member}}
  Cleo: {rights: admin_without_calls}
steps:
"""
FIRST_STEP = HEAD.count("\n") + 1


def parsed(steps: str, folder: Path = Path()) -> Script:
    return parse_script(HEAD + steps, "talk.yaml", folder)


def mistake(source: str) -> str:
    with pytest.raises(ScriptError) as raised:
        parse_script(source, "talk.yaml", Path())
    return str(raised.value)


def test_the_first_chat_is_that_of_steps_that_name_none() -> None:
    script = parsed("  - {who: Ann, type: hi}\n  - {who: Bob, chat: Chess, type: hi}\n")
    assert [script.place_of(step) for step in script.steps] == ["Book club", "Chess"]
    assert script.places["Chess"] == ChatSettings(kind="group", bot="admin")


def test_one_chat_needs_no_more_than_its_name_or_not_even_that() -> None:
    assert list(parse_script("chat: Choir\npeople: {Ann: {}}\nsteps: [{wait: 1}]\n", "x", Path()).places) == ["Choir"]
    assert list(parse_script("people: {Ann: {}}\nsteps: [{wait: 1}]\n", "x", Path()).places) == ["Book club"]


def test_rights_are_those_of_the_chat() -> None:
    people = parsed("  - wait: 1\n").people
    assert [people["Bob"].right_in(chat) for chat in ("Book club", "Chess", "News")] == ["member", "admin", "member"]
    assert people["Cleo"].right_in("News") == "admin_without_calls"
    some = parse_script("chats: {A: {}, B: {}}\npeople: {Ann: {rights: {A: member}}}\nsteps: [{wait: 1}]\n", "x", Path())
    assert some.people["Ann"].right_in("B") == "none"


@pytest.mark.parametrize(
    ("step", "action"),
    [
        ("{who: Ann, end_voice_chat: true}", "end_voice_chat"),
        ("{who: Ann, schedule_voice_chat: 30, chat: Chess}", "schedule_voice_chat"),
        ("{who: Ann, start_scheduled: true}", "start_scheduled"),
        ("{who: Cleo, kick_bot: true}", "kick_bot"),
        ("{who: Ann, add_bot: true}", "add_bot"),
        ("{who: Ann, mute_bot: false}", "mute_bot"),
        ("{drop_bot: true, chat: Chess}", "drop_bot"),
        ("{crowd: 3}", "crowd"),
        ("{outage: 10, meanwhile: true}", "outage"),
        ("{outage: 10, for_all: true}", "outage"),
        ("{flood: phone.JoinGroupCall, seconds: 20}", "flood"),
        ("{fault: call_forbidden, chat: Chess, times: 3}", "fault"),
        ("{lift_faults: true}", "lift_faults"),
        ("{restart_bot: SIGKILL}", "restart_bot"),
        ("{crash_bot: SIGSTOP}", "crash_bot"),
        ("{stop_bot: true}", "stop_bot"),
        ("{count_requests: true}", "count_requests"),
        ('{who: Ann, voice_note: "hello", reply_to_bot: true, caption: "for {bot}"}', "voice_note"),
        ("{who: Ann, private: true, type: /help}", "type"),
        ("{who: Ann, type: /joincall, anonymous: true, expect: x, expect_in_call: true, within: 60}", "type"),
        ("{who: Ann, expect_heard: true, within: 10}", None),
        ("{expect_in_call: false, for: 5}", None),
        ("{expect_not: x, for: 5}", None),
        ("{expect: x, times: 2, for: 1}", None),
        ("{expect_voice_note: true}", None),
        ("{expect_voice_note: /berlin/i}", None),
        ("{expect_requests: {method: phone.*, at_most: 4}}", None),
        ("{expect_bot_ready: true, within: 15}", None),
    ],
)
def test_what_can_be_done_and_expected(step: str, action: str | None) -> None:
    script = parsed(f"  - {step}\n")
    assert script.steps[0].action == action
    assert script.steps[0].named in (*ACTIONS, *EXPECTATIONS)


@pytest.mark.parametrize(
    ("step", "said"),
    [
        ("{who: Ann, crowd: x}", "`crowd` is 'x': input should be a valid integer"),
        ("{kick_bot: true}", "`who` is missing: who does `kick_bot`?"),
        ("{expect_heard: true}", "`who` is missing: who hears the bot?"),
        ("{private: true, expect: hi}", "`who` is missing: whose private chat"),
        ("{who: Ann, chat: Chess, private: true, type: hi}", "`private` and `chat` name two places"),
        ("{who: Ann, private: true, join_call: true}", "`private` belongs to `type`"),
        ("{who: Ann, private: true, type: hi, anonymous: true}", "`anonymous` is for groups"),
        ("{who: Ann, join_call: true, anonymous: true}", "`anonymous` belongs to `type`"),
        ("{who: Ann, voice_note: hi, as_voice: true}", "`as_voice` belongs to `send_file`"),
        ("{who: Ann, type: hi, caption: x}", "`caption` belongs to `voice_note` or `send_file`"),
        ("{crowd: 3, meanwhile: true}", "`meanwhile` belongs to `outage` or `type`"),
        ("{outage: 3, for_all: true, meanwhile: true}", "`for_all` cuts the people off, too"),
        ("{flood: phone.*}", "`flood` needs `seconds`"),
        ("{crowd: 3, seconds: 3}", "`seconds` belongs to `flood` or `fault`"),
        ("{fault: nonsense}", "there is no fault 'nonsense'; known are call_forbidden,"),
        ("{fault: channel_private}", "the fault 'channel_private' is about one chat: name it with `chat`"),
        ("{expect_not: x}", "`expect_not` needs `for`"),
        ("{who: Ann, expect_heard: false}", "`expect_heard: false` needs `for`"),
        ("{wait: 1, for: 2}", "`for` belongs to `expect_not`"),
        ("{expect: x, for: 2}", "`for` beside `expect` belongs to `times`"),
        ("{wait: 1, times: 2}", "`times` belongs to `fault` or `expect`"),
        ("{expect_requests: {method: phone.*}}", "`expect_requests` needs `at_most` or `at_least`"),
        ("{expect_requests: {methods: phone.*}}", "there is no key `methods`; known are method, at_most, at_least"),
        ("{restart_bot: SIGHUP}", "`restart_bot` is 'SIGHUP': input should be 'SIGTERM' or 'SIGKILL'"),
        ("{start_bot: true}", "`start_bot` needs a `stop_bot` before it"),
        ("{who: Ann, type: hi, chat: Chees}", "there is no chat 'Chees'; the chats are Book club, Chess, News"),
        ("{who: Bob, start_voice_chat: true}", "Bob is no admin of Book club, and `start_voice_chat` is for admins"),
        ("{who: Cleo, mute_bot: true}", "Cleo may not manage voice chats in Book club, which `mute_bot` needs"),
        ("{who: Bob, type: hi, anonymous: true}", "Bob is no admin of Book club, and only admins can be `anonymous`"),
        ("{who: Bob, chat: News, type: hi}", "Bob only reads the channel News"),
        ("{who: Ann, send_file: gone.ogg}", "there is no file 'gone.ogg' beside the script"),
        ('{who: Ann, type: "/callquiet {now+1d} x"}', "'{now+1d}' is no time: write {now}, {now+1h},"),
        ('{who: Ann, type: "{now+1h Europe/Atlantis}"}', "there is no time zone 'Europe/Atlantis'"),
    ],
)
def test_each_wrong_step_is_told_with_its_line(step: str, said: str) -> None:
    text = mistake(f"{HEAD}  - {step}\n")
    assert f"line {FIRST_STEP}, step 1: {said}" in text
    assert "docs/rehearsals.md" in text


def test_nothing_can_be_done_to_a_bot_that_was_stopped() -> None:
    assert "step 2: `crash_bot` needs a bot that runs" in mistake(HEAD + "  - {stop_bot: true}\n  - {crash_bot: SIGSEGV}\n")
    parsed("  - {stop_bot: true}\n  - {start_bot: true}\n  - {stop_bot: true}\n")


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("chat: A\nchats: {B: {}}\npeople: {Ann: {}}\nsteps: [{wait: 1}]\n", "`chat` names the only chat and `chats` several; keep one"),
        ("chats: {}\npeople: {Ann: {}}\nsteps: [{wait: 1}]\n", "`chats` is empty"),
        ("chats: {A: {kind: forum}}\npeople: {Ann: {}}\nsteps: [{wait: 1}]\n", "line 1: `kind` is 'forum'"),
        ("chats: {A: {bots: admin}}\npeople: {Ann: {}}\nsteps: [{wait: 1}]\n", "no key `bots`; known are kind, bot, slow_mode, username"),
        ("people:\n  Ann:\n    rights: {Chess: admin}\nsteps: [{wait: 1}]\n", "line 3: there is no chat 'Chess'; the chats are Book club"),
        (
            "chats: {A: {}, B: {}}\npeople: {Ann: {rights: {A: admin}}}\nsteps:\n  - {who: Ann, chat: B, join_call: true}\n",
            "Ann is not in B",
        ),
        ("settings: {alone: 5}\npeople: {Ann: {}}\nsteps: [{wait: 1}]\n", "line 1: there is no setting `alone`"),
        ("settings: {data_dir: x}\npeople: {Ann: {}}\nsteps: [{wait: 1}]\n", "the setting `data_dir` is the rehearsal's own"),
        ("owner: Bob\npeople: {Ann: {}}\nsteps: [{wait: 1}]\n", "line 1: nobody called 'Bob' is among the people (Ann)"),
    ],
)
def test_what_is_wrong_above_the_steps_is_told(source: str, said: str) -> None:
    assert said in mistake(source)


def test_the_time_is_filled_in_where_it_stands() -> None:
    steps = '  - {who: Ann, type: "/callquiet {now-30m} {now+2h}", expect: "{now Asia/Tokyo} {now+1h Asia/Tokyo}"}\n'
    step = parsed(steps).dated(datetime(2026, 1, 31, 23, 10, tzinfo=UTC), "Europe/Madrid").steps[0]
    assert step.type == "/callquiet 23:40 02:10"
    assert step.expect == "08:10 09:10"


def test_every_key_is_explained_with_an_example() -> None:
    text = (DEFAULT_SCRIPT.parent.parent / "docs" / "rehearsals.md").read_text(encoding="utf-8")
    for part in (Step, ChatSettings, Script):
        for key in part.known_keys():
            assert f"`{key}" in text, key
            assert f"{key}:" in text, key


@pytest.mark.parametrize("path", sorted(DEFAULT_SCRIPT.parent.glob("*.yaml")), ids=lambda path: path.stem)
def test_every_script_of_the_folder_can_be_played(path: Path) -> None:
    assert load_script(path).named("Jarvis").dated(datetime.now(UTC), "UTC").steps
