import io
import itertools

import pytest
from rich.console import Console

from calls.events import (
    Announced,
    CallJoined,
    CallLeft,
    ClauseSpoken,
    EngineFailed,
    FalseInterruption,
    Interrupted,
    ParticipantsChanged,
    PhaseChanged,
    TurnHeard,
    TurnIgnored,
)
from loopback.rehearsal.cast import ChatMessage
from loopback.rehearsal.live_view import LiveView
from loopback.rehearsal.measure import Resumed, Turn
from loopback.rehearsal.report import Report
from loopback.rehearsal.summary import print_summary, verdict

EVENTS = [
    CallJoined(chat_id=1, at_s=0),
    ParticipantsChanged(chat_id=1, at_s=0, names=("Ann", "Parley")),
    PhaseChanged(chat_id=1, at_s=0, phase="thinking"),
    TurnHeard(chat_id=1, at_s=0, turn_id=1, revision=1, speaker="Ann", speaker_id=1, text="[what] is it", language="en", confidence=1.0),
    TurnHeard(chat_id=1, at_s=0, turn_id=1, revision=1, speaker="Bob", speaker_id=1, text="", language="en", confidence=0.0),
    ClauseSpoken(chat_id=1, at_s=0, turn_id=1, text=" It is a test."),
    Interrupted(chat_id=1, at_s=0, turn_id=1, by="Ann", heard="It is"),
    TurnIgnored(chat_id=1, at_s=0, turn_id=2, speaker="Bob", speaker_id=2, text="hi", reason="not addressed"),
    FalseInterruption(chat_id=1, at_s=0, turn_id=1, by="Bob", words="Mm-hm."),
    FalseInterruption(chat_id=1, at_s=0, turn_id=1, by="", words=""),
    Announced(chat_id=1, at_s=0, text="Hello all.", heard="Hello all."),
    EngineFailed(chat_id=1, at_s=0, part="thinking", what="no answer"),
    CallLeft(chat_id=1, at_s=0, reason="asked to"),
]


def shown(console: Console) -> str:
    ticks = itertools.count()
    with LiveView(console, "Parley", lambda: float(next(ticks))) as view:
        view.typed("Ann", "/joincall")
        view.message(ChatMessage(0.0, "Ann", "ignored"))
        view.message(ChatMessage(0.0, "Parley", "✅ Joined\nthe call", from_bot=True))
        view.spoke("Ann", "what is it?", interrupting=False)
        view.spoke("Ann", "stop", interrupting=True)
        view.waited("Ann", 1234.0)
        for event in EVENTS:
            view.event(event)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


@pytest.mark.parametrize(
    "console", [Console(file=io.StringIO()), Console(file=io.StringIO(), force_terminal=True, _environ={"TERM": "dumb"})]
)
def test_without_a_terminal_it_is_plain_lines(console: Console) -> None:
    text = shown(console)
    assert "\x1b" not in text
    lines = [line.split(maxsplit=1)[1] for line in text.splitlines()]
    assert lines == [
        "Ann      types    /joincall",
        "Parley   writes   ✅ Joined the call",
        "Ann      says     “what is it?”",
        "Ann      cuts in  “stop”",
        "Ann      waited   1.23 s from the last word to the first sound of the answer",
        "·        Parley is in the call",
        "Parley   hears    “[what] is it” (Ann)",
        "Parley   hears    nothing it understands (Bob)",
        "Parley   answers  It is a test.",
        "Parley   stops    interrupted by Ann",
        "Parley   is quiet not addressed (Bob)",
        "Parley   goes on  “Mm-hm.” (Bob) was no interruption",
        "Parley   goes on  it was no interruption",
        "Parley   says     Hello all.",
        "✗        thinking failed: no answer",
        "·        Parley has left the call: asked to",
    ]


def test_a_terminal_gets_colours_and_a_foot_line() -> None:
    text = shown(Console(file=io.StringIO(), force_terminal=True, _environ={"TERM": "xterm-256color"}, width=100))
    assert "\x1b[" in text
    assert "not in the call" in text


def report(**changes: object) -> Report:
    turns = [
        Turn("Ann", "hi", turn_id=1, heard="hi", reply_played="Hello", voice_to_voice_ms=1234.0, interrupted=True, interruption_ms=310.0)
    ]
    return Report("First call", "Parley", turns, **changes)  # type: ignore[arg-type]


def test_the_summary_ends_with_the_verdict() -> None:
    console = Console(file=io.StringIO(), width=120)
    print_summary(report(), console)
    assert isinstance(console.file, io.StringIO)
    text = console.file.getvalue()
    assert "1.23 s" in text
    assert "Silent after an interruption within 310 ms." in text
    assert text.rstrip().endswith("✅ The rehearsal went well: 1 of 1 questions answered, 1 interruption heeded.")


def test_good_manners_are_counted_in_the_verdict() -> None:
    kept = report(false_interruptions=[Resumed(1, "Bob", "Mm-hm.", 4.0, 600.0)])
    kept.turns.append(Turn("Bob", "hi all", wanted_answer=False, wanted_silence=True, ignored="not addressed"))
    assert verdict(kept).endswith("1 interruption heeded, 1 false interruption seen through, 1 remark left alone.")
    console = Console(file=io.StringIO(), width=140)
    print_summary(kept, console)
    assert isinstance(console.file, io.StringIO)
    assert "(not addressed)" in console.file.getvalue()


def test_a_failed_rehearsal_says_why() -> None:
    failed = report(failures=["The bot ended with exit code 69. Its last lines:\n  no models\n"])
    assert verdict(failed) == "❌ The rehearsal failed: The bot ended with exit code 69. Its last lines: (1 of 1 questions answered)"
    console = Console(file=io.StringIO(), width=120)
    print_summary(failed, console)
    assert isinstance(console.file, io.StringIO)
    assert "no models" in console.file.getvalue()
