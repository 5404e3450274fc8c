import json
import wave
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from audio.pcm import PLAYOUT_RATE_HZ
from audio.stt.engine import Transcript
from audio.voice_note import voice_note
from loopback.people.ear import Ear
from loopback.rehearsal.call_wav import stereo, write_wav
from loopback.rehearsal.cast import ChatMessage, Happening
from loopback.rehearsal.expecting import ExpectedNote, Met
from loopback.rehearsal.measure import Resumed, Said, Turn, measure_turns
from loopback.rehearsal.picture import draw_latency
from loopback.rehearsal.presence import Presence, Stay
from loopback.rehearsal.recording import transcribe_replies, wrong_words
from loopback.rehearsal.report import Report, score, shortcomings
from loopback.rehearsal.timeline import draw_timeline
from tests.loopback.rehearsal.talk import ear_with, exchange, spoken

EAR = ((12.1, 2.25), (17.1, 1.0))


def conversation() -> list[Turn]:
    said = [Said("Ann", "hello there", 10.0, 11.0), Said("Ann", "stop it now please", 14.0, 16.0, interrupts=True)]
    exchanges = [exchange(1, 11.1333, 12.0, 14.2, interrupted=True), exchange(2, 16.1, 17.0, 19.0, heard="stop it please")]
    turns = measure_turns(said, exchanges, {"Ann": ear_with(*EAR)})
    turns[0].reply_as_heard_by_caller = "hello to you"
    turns[1].reply_as_heard_by_caller = "hello you"
    score(turns)
    return turns


def report_of(turns: list[Turn]) -> Report:
    return Report(
        "First call", "Parley", turns, [ChatMessage(9.0, "Ann", "/joincall"), ChatMessage(9.5, "Parley", "✅ Joined", from_bot=True)]
    )


def test_the_report_holds_every_turn_and_its_spans_sum() -> None:
    data = json.loads(json.dumps(report_of(conversation()).as_json()))
    assert [turn["turn_id"] for turn in data["turns"]] == [1, 2]
    for turn in data["turns"]:
        assert sum(turn["spans_ms"].values()) == pytest.approx(turn["voice_to_voice_ms"], abs=0.001)
    wanted = {"speaker", "said", "heard", "reply", "reply_as_heard_by_caller", "interrupted", "spans_ms", "voice_to_voice_ms"}
    assert wanted <= data["turns"][0].keys()


def test_the_totals_count_words_of_the_whole_call() -> None:
    totals = report_of(conversation()).as_json()["totals"]
    assert totals["wer"] == {"heard": pytest.approx(1 / 6, abs=1e-3), "reply": pytest.approx(1 / 6, abs=1e-3)}
    assert (totals["turns"], totals["answered"], totals["interruptions"], totals["errors"]) == (2, 2, 1, 0)
    assert totals["voice_to_voice_ms"] == {"p50": pytest.approx(1100, abs=1), "p95": pytest.approx(1100, abs=1)}
    assert totals["interruption_ms"] == pytest.approx(350, abs=2)


def test_each_span_has_an_owner_and_its_share() -> None:
    turns = conversation()
    turns[0].spans_ms = {"hearing": 100.0, "line": 200.0}
    turns[1].spans_ms = {"hearing": 300.0, "pause": 50.0, "line": 200.0}
    spans = report_of(turns).as_json()["totals"]["spans_ms"]
    assert list(spans) == ["hearing", "pause", "line"]
    assert spans["hearing"] == {"owner": "engine", "p50": 200.0, "p95": pytest.approx(290)}
    assert (spans["pause"]["owner"], spans["line"]["owner"]) == ("ours", "network")
    assert report_of([]).as_json()["totals"]["spans_ms"] == {}


def test_a_call_in_which_nothing_happened_has_a_report_too() -> None:
    report = Report("First call", "Parley", [], failures=["the bot ended"])
    assert not report.passed
    assert report.as_json()["totals"]["voice_to_voice_ms"] == {"p50": None, "p95": None}
    assert report.as_markdown().startswith("# First call")


def test_the_transcript_reads_in_the_order_of_time() -> None:
    lines = report_of(conversation()).as_markdown().splitlines()[2:]
    assert [line.split("` ")[1] for line in lines] == [
        "**Ann** wrote: /joincall",
        "**Parley** wrote: ✅ Joined",
        "**Ann**: hello there",
        "**Parley**: Hello to you. — *interrupted* *(1.10 s)*",
        "**Ann**: stop it now please",
        "**Parley**: Hello to you. *(1.10 s)*",
    ]
    assert lines[0].startswith("- `0:00.0`")


def test_what_fell_short_is_told_in_plain_words() -> None:
    unanswered = Turn("Bob", "are you there")
    unheard = Turn("Bob", "hello", turn_id=3)
    went_on = Turn("Ann", "a story", turn_id=4, voice_to_voice_ms=900.0, to_be_interrupted=True)
    remark = Turn("Ann", "by the way", wanted_answer=False)
    assert list(shortcomings([*conversation(), unanswered, unheard, went_on, remark])) == [
        "Bob's “are you there” got no answer, and was not heard as a turn.",
        "Bob's “hello” got no answer.",
        "The answer to Ann's “a story” was not interrupted.",
    ]


def answered(**changes: Any) -> Turn:
    return replace(
        Turn("Ann", "a question", turn_id=5, reply="It is Rome.", reply_played="It is Rome.", voice_to_voice_ms=900.0), **changes
    )


def test_a_wrong_answer_and_one_that_nobody_wanted_are_told() -> None:
    assert list(shortcomings([answered(expected="/rome/i"), answered(to_go_on=True), answered(wanted_answer=False)])) == []
    bad = [
        answered(expected="/paris/i"),
        answered(wanted_answer=False, wanted_silence=True),
        Turn("Bob", "hi all", wanted_answer=False, wanted_silence=True, silence_broken=True),
        answered(to_go_on=True, reply="It is Rome. It has been so for long."),
        Turn("Bob", "Parley?", turn_id=6, ignored="not addressed"),
    ]
    assert list(shortcomings(bad)) == [
        "The answer to Ann's “a question” was “It is Rome.”, and should have said '/paris/i'.",
        "Ann's “a question” got an answer, and should have got none.",
        "Bob's “hi all” got an answer, and should have got none.",
        "The answer to Ann's “a question” did not go on to its end: the last heard of it was “…It is Rome.”.",
        "Bob's “Parley?” got no answer (not addressed).",
    ]


def test_what_was_left_alone_and_where_the_bot_went_on_is_in_the_report() -> None:
    remark = Turn("Bob", "hi all", wanted_answer=False, wanted_silence=True, spoken_at_s=20.0, ignored="not addressed", turn_id=3)
    report = report_of([*conversation(), remark])
    report.false_interruptions = [Resumed(1, "Bob", "Mm-hm.", 13.25, 640.0), Resumed(1, "", "", 13.5, None)]
    data = report.as_json()
    assert data["false_interruptions"][0] == {"turn_id": 1, "by": "Bob", "words": "Mm-hm.", "resumed_at_s": 4.25, "silent_ms": 640.0}
    assert (data["totals"]["left_alone"], data["totals"]["false_interruptions"]) == (1, 2)
    assert [turn["ignored"] for turn in data["turns"]] == [None, None, "not addressed"]
    text = report.as_markdown()
    assert "- `0:11.0` **Bob**: hi all — *left alone: not addressed*" in text
    assert "- `0:04.2` **Parley** goes on: Bob's “Mm-hm.” was no interruption *(silent for 0.64 s)*" in text
    assert "**Parley** goes on: it was no interruption\n" in text


def test_the_picture_is_written_with_and_without_turns(tmp_path: Path) -> None:
    for number, turns in enumerate(([], conversation(), conversation() * 6)):
        draw_latency(turns, "First call", tmp_path / f"{number}.png")
        with Image.open(tmp_path / f"{number}.png") as picture:
            assert picture.width > 800
            colours = picture.convert("RGB").getcolors(1 << 20)
            assert colours is not None
            assert len(colours) > 10


def eventful() -> Report:
    report = report_of(conversation())
    report.messages = [*report.messages, ChatMessage(21.0, "Parley", "pong", True, "Chess")]
    report.happenings = [Happening(20.0, "The network is back")]
    report.met = [Met(3, "“pong” was written after 1.0 s", 1.004)]
    report.stays = [Stay("Book club", 9.5, 12.0), Stay("Book club", 13.0, 20.0)]
    return report


def test_what_happened_and_what_came_true_is_in_the_report() -> None:
    data = eventful().as_json()
    assert data["happenings"] == [{"at_s": 11.0, "what": "The network is back"}]
    assert data["expectations"] == [{"step": 3, "what": "“pong” was written after 1.0 s", "took_s": 1.0}]
    assert data["in_call"][1] == {"chat": "Book club", "from_s": 4.0, "to_s": 11.0}
    assert data["messages"][-1] == {"at_s": 12.0, "chat": "Chess", "author": "Parley", "text": "pong"}
    text = eventful().as_markdown()
    assert "- `0:11.0` *The network is back*\n- `0:12.0` **Parley** wrote in Chess: pong" in text


def test_the_timeline_is_drawn_with_and_without_events(tmp_path: Path) -> None:
    for number, report in enumerate((eventful(), Report("First call", "Parley", []))):
        draw_timeline(report, tmp_path / f"{number}.png")
        with Image.open(tmp_path / f"{number}.png") as picture:
            assert picture.width > 800


def test_a_stay_lasts_while_it_is_seen() -> None:
    now = iter(range(100))
    presence = Presence(lambda: float(next(now)))
    for inside in (False, True, True, False, True):
        presence.see("Book club", inside)
    assert [(stay.begin_s, stay.end_s) for stay in presence.stays] == [(1.0, 2.0), (4.0, 4.0)]


def test_the_recording_has_the_people_left_and_the_bot_right(tmp_path: Path) -> None:
    sound = stereo([spoken(10.0, 1.0), spoken(14.0, 2.0)], ear_with(*EAR))
    assert sound is not None
    write_wav(tmp_path / "call.wav", sound)
    with wave.open(str(tmp_path / "call.wav")) as file:
        assert (file.getnchannels(), file.getframerate(), file.getsampwidth()) == (2, PLAYOUT_RATE_HZ, 2)
        samples = np.frombuffer(file.readframes(file.getnframes()), "<i2").reshape(-1, 2)

    def loud(begin_s: float, end_s: float) -> list[bool]:
        part = samples[round((begin_s - 9.5) * PLAYOUT_RATE_HZ) : round((end_s - 9.5) * PLAYOUT_RATE_HZ)]
        return [bool(level > 1000) for level in np.sqrt((part.astype(float) ** 2).mean(axis=0))]

    assert loud(10.1, 10.9) == [True, False]
    assert loud(11.2, 12.0) == [False, False]
    assert loud(12.2, 13.9) == [False, True]
    assert loud(14.05, 14.3) == [True, True]
    assert loud(17.2, 18.0) == [False, True]


def test_a_silent_call_has_no_recording() -> None:
    assert stereo([], Ear(clock=lambda: 0.0)) is None


class CountingEngine:
    """Says how many seconds of sound it was given."""

    name = "counting"

    async def load(self) -> None: ...

    async def close(self) -> None: ...

    async def transcribe(self, pcm: bytes, language: str | None = None) -> Transcript:
        return Transcript(f"{len(pcm) / 32000:.1f} seconds")


async def test_the_words_of_a_voice_note_are_checked() -> None:
    def note(sound: bytes, pattern: str) -> ExpectedNote:
        return ExpectedNote(4, ChatMessage(0.0, "Parley", "(a voice note)", True, voice_note=sound), pattern)

    ogg = voice_note(bytes(2 * PLAYOUT_RATE_HZ), PLAYOUT_RATE_HZ).ogg
    assert await wrong_words(note(ogg, "1.0 seconds"), CountingEngine()) is None
    said = await wrong_words(note(ogg, "berlin"), CountingEngine())
    assert said == "step 4: expected a voice note that says 'berlin', but it says '1.0 seconds'"
    assert "can't be played" in (await wrong_words(note(b"no sound", "berlin"), CountingEngine()) or "")


async def test_what_the_caller_heard_of_each_answer_is_transcribed() -> None:
    turns = [*conversation(), Turn("Ann", "hello")]
    turns[0].reply_window_s = (12.0, 42.85)
    await transcribe_replies(turns, {"Ann": ear_with((12.1, 2.0), (17.1, 1.0))}, CountingEngine())
    pieces = turns[0].reply_as_heard_by_caller.removesuffix(" seconds").split(" seconds ")
    assert len(pieces) == 2
    assert sum(map(float, pieces)) == pytest.approx(31.0, abs=0.11)
    assert turns[1].reply_as_heard_by_caller == "3.0 seconds"
    assert turns[2].reply_as_heard_by_caller == ""
