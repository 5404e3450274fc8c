"""Replays of recordings: loud tones stand for speech, scripted models for real ones, and then real speech through the real ear."""

from __future__ import annotations

import asyncio
import wave
from collections.abc import Hashable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from audio.pcm import HEARING_RATE_HZ
from audio.stt import Transcript
from audio.vad import EnergyActivity
from audio.wav import stereo, write_wav
from calls.manners import Manners
from calls.pause_reader import MOST_READINGS, READ_EVERY_S
from calls.replay import read_recording, replay
from calls.replay_ear import Moment, Reading, Timeline, audible_frames, replay_ear
from calls.replay_picture import draw_timeline, last_pauses, turn_stretches
from calls.turns.barge_in import BargeInStep
from calls.turns.endpointing import Edge
from calls.turns.patience import PROFILES
from errors import EXIT_USAGE, ParleyError
from tests.speech import clip_named

MANNERS = Manners(new_activity=EnergyActivity, waits=PROFILES["balanced"])


class Judge:
    """Always of the same opinion."""

    def __init__(self, completeness: float | None) -> None:
        self.opinion = completeness
        self.heard: list[bytes] = []

    async def completeness(self, pcm: bytes, speaker: Hashable = None) -> float | None:
        self.heard.append(pcm)
        return self.opinion


class Words:
    """Hears the same words each time."""

    name = "words"

    def __init__(self, text: str) -> None:
        self.text = text

    async def load(self) -> None: ...

    async def close(self) -> None: ...

    async def transcribe(self, pcm: bytes, language: str | None = None) -> Transcript:
        return Transcript(self.text)


def loud(seconds: float) -> bytes:
    moments = np.arange(round(seconds * HEARING_RATE_HZ)) / HEARING_RATE_HZ
    return bytes((8000 * np.sin(2 * np.pi * 200 * moments)).astype("<i2").tobytes())


def quiet(seconds: float) -> bytes:
    return bytes(2 * round(seconds * HEARING_RATE_HZ))


def replayed(people: bytes, bot: bytes | None = None, judge: Judge | None = None, words: Words | None = None) -> Timeline:
    return asyncio.run(replay_ear(people, bot, MANNERS, judge, words))


def edges(timeline: Timeline) -> list[Edge]:
    return [moment.what for moment in timeline.moments if isinstance(moment.what, Edge)]


def steps(timeline: Timeline) -> list[BargeInStep]:
    return [moment.what for moment in timeline.moments if isinstance(moment.what, BargeInStep)]


def ended(timeline: Timeline) -> Moment:
    return timeline.of(Edge.ENDED)[0]


TURN = quiet(0.5) + loud(1.0) + quiet(3.0)


def test_without_models_silence_alone_decides() -> None:
    timeline = replayed(TURN)
    assert edges(timeline) == [Edge.BEGAN, Edge.PAUSED, Edge.ENDED]
    assert ended(timeline).silence_s == pytest.approx(0.7, abs=0.02)
    assert timeline.seconds == pytest.approx(4.5)
    assert len(timeline.probabilities) == 450


def test_a_sound_that_is_finished_ends_the_turn_sooner_and_one_that_is_not_later() -> None:
    sure, unsure = replayed(TURN, judge=Judge(0.98)), replayed(TURN, judge=Judge(0.05))
    assert ended(sure).silence_s < 0.3
    assert ended(unsure).silence_s > 1.5


def test_an_answer_counts_from_when_a_model_would_have_given_it() -> None:
    timeline = replayed(TURN, judge=Judge(0.98))
    paused = timeline.of(Edge.PAUSED)[0]
    reading = timeline.of(Reading(0.98))[0]
    assert reading.at_s == pytest.approx(paused.at_s + 0.08, abs=0.011)
    assert (paused.wait_s, reading.wait_s) == (0.7, 0.25)


def test_a_model_that_has_no_time_says_nothing() -> None:
    assert ended(replayed(TURN, judge=Judge(None))).silence_s == pytest.approx(0.7, abs=0.02)


def test_the_model_hears_the_turn_up_to_now_and_is_asked_again_and_again() -> None:
    judge = Judge(0.4)
    replayed(TURN, judge=judge)
    lengths = [len(pcm) / 2 / HEARING_RATE_HZ for pcm in judge.heard]
    assert len(lengths) == MOST_READINGS > 1
    assert np.diff(lengths) == pytest.approx(READ_EVERY_S, abs=0.011)
    assert lengths[0] == pytest.approx(0.5 + 1.0 + 0.09, abs=0.02)


def test_words_take_part_and_stand_with_their_pause() -> None:
    timeline = replayed(TURN, words=Words("I would like a pizza and"))
    assert ended(timeline).silence_s > 1.5
    assert timeline.of(Edge.PAUSED)[0].words == "I would like a pizza and"


def test_words_that_come_after_the_turn_has_ended_are_shown_and_change_nothing() -> None:
    timeline = replayed(TURN, judge=Judge(0.98), words=Words("and"))
    assert ended(timeline).silence_s < 0.3
    assert timeline.of(Edge.PAUSED)[0].words == "and"


def test_a_pause_within_a_turn_is_told_with_its_length_and_learned_from() -> None:
    timeline = replayed(loud(1.0) + quiet(0.5) + loud(1.0) + quiet(2.0))
    assert edges(timeline) == [Edge.BEGAN, Edge.PAUSED, Edge.RESUMED, Edge.PAUSED, Edge.ENDED]
    resumed = timeline.of(Edge.RESUMED)[0]
    assert resumed.silence_s == pytest.approx(0.5, abs=0.02)
    assert resumed.wait_s != 0.7


def test_a_click_is_no_turn() -> None:
    assert edges(replayed(loud(0.1) + quiet(2.0))) == [Edge.BEGAN, Edge.PAUSED, Edge.DROPPED]


def test_of_one_participant_barge_in_is_judged_as_if_the_bot_spoke_all_the_time() -> None:
    assert steps(replayed(TURN)) == [BargeInStep.DUCK, BargeInStep.HOLD, BargeInStep.CUT]


def test_in_stereo_barge_in_is_judged_while_the_bot_sounds() -> None:
    silent, speaking = replayed(TURN, bot=quiet(4.5)), replayed(TURN, bot=loud(4.5))
    assert steps(silent) == []
    assert steps(speaking)[:2] == [BargeInStep.DUCK, BargeInStep.HOLD]
    assert steps(replayed(TURN, bot=loud(0.1))) == []


def test_gaps_between_the_bots_words_belong_to_its_speech() -> None:
    audible = audible_frames(quiet(0.2) + loud(0.5) + quiet(0.2) + loud(0.5) + quiet(1.0))
    assert audible[:20] == [False] * 20
    assert all(audible[21:139])
    assert not any(audible[175:])
    assert audible_frames(b"") == []


def test_a_recording_gives_the_same_decisions_each_time() -> None:
    speech, _ = clip_named("jfk")
    first, second = (asyncio.run(replay_ear(speech, None, Manners(waits=PROFILES["balanced"]), None, None)) for _ in range(2))
    assert first == second
    assert len(first.of(Edge.ENDED)) >= 2


def test_stretches_are_turns_and_their_pauses() -> None:
    stretches = list(turn_stretches(replayed(loud(1.0) + quiet(0.5) + loud(1.0) + quiet(2.0) + loud(1.0))))
    assert [stretch.speaking for stretch in stretches] == [True, False, True, False, True]
    assert stretches[-1].end_s == pytest.approx(5.5)


def test_the_words_of_a_turn_are_those_of_its_last_pause() -> None:
    timeline = replayed(loud(1.0) + quiet(0.5) + loud(1.0) + quiet(2.0), words=Words("and"))
    assert len(timeline.of(Edge.PAUSED)) == 2
    assert list(last_pauses(timeline)) == timeline.of(Edge.PAUSED)[1:]


@pytest.mark.parametrize("seconds", [0.02, 1.0, 40.0])
def test_the_picture_has_rows_for_all_of_it(seconds: float, tmp_path: Path) -> None:
    people = loud(seconds / 2) + quiet(seconds / 2)
    draw_timeline(replayed(people, people), people, people, "talk.wav", tmp_path / "talk.png")
    with Image.open(tmp_path / "talk.png") as picture:
        assert picture.width == 1500
        assert (picture.height > 700) == (seconds > 30)


# ---- the command


def saved(path: Path, pcm: bytes = TURN, rate_hz: int = HEARING_RATE_HZ, channels: int = 1) -> Path:
    write_wav(path, pcm, rate_hz, channels)
    return path


@pytest.fixture
def nothing_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No settings, no models."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MODELS_DIR", str(tmp_path / "models"))


@pytest.mark.usefixtures("nothing_set")
def test_the_decisions_are_printed_and_the_picture_lies_beside_the_recording(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    speech, _ = clip_named("card_001")
    replay(saved(tmp_path / "card.wav", speech + quiet(2.0)))
    told = capsys.readouterr().out
    for word in ("began", "paused", "ended", "would duck", "1 turn in 3.1 s", "card.png"):
        assert word in told
    assert (tmp_path / "card.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.usefixtures("nothing_set")
def test_words_without_a_model_say_how_to_get_it(tmp_path: Path) -> None:
    with pytest.raises(ParleyError, match="engines fetch"):
        replay(saved(tmp_path / "talk.wav"), words=True)


def test_real_models_decide_too(
    tmp_path: Path, models_dir: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MODELS_DIR", str(models_dir))
    speech, _ = clip_named("card_001")
    replay(saved(tmp_path / "card.wav", speech + quiet(2.0)), tmp_path / "picture.png", words=True)
    told = capsys.readouterr().out
    assert "ten of" in told.lower() or "10 of" in told
    assert (tmp_path / "picture.png").is_file()


def test_stereo_is_people_left_and_the_bot_right_at_any_rate(tmp_path: Path) -> None:
    recording = read_recording(saved(tmp_path / "call.wav", stereo(loud(2.0), quiet(2.0)), 24_000, 2))
    assert recording.bot is not None
    assert recording.seconds == pytest.approx(2.0 * 16 / 24, abs=0.01)
    assert max(audible_frames(recording.people))
    assert not max(audible_frames(recording.bot))


def test_mono_is_one_participant(tmp_path: Path) -> None:
    assert read_recording(saved(tmp_path / "talk.wav")).bot is None


def _hollow(path: Path, seconds: int) -> Path:
    """A file whose header claims sound that nobody has written."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(1)
        file.setframerate(8000)
        file.writeframes(b"\x80" * (8000 if seconds < 10 else 0))
    if seconds >= 10:
        data = bytearray(path.read_bytes())
        data[34:36], data[32:34], data[40:44] = b"\x10\x00", b"\x02\x00", (seconds * 16000).to_bytes(4, "little")
        path.write_bytes(bytes(data))
    return path


def test_what_cannot_be_replayed_is_told_with_what_can(tmp_path: Path) -> None:
    (tmp_path / "text.wav").write_text("this is no sound")
    cases = {
        "can't be read: No such file": tmp_path / "gone.wav",
        "is not a PCM WAV file": tmp_path / "text.wav",
        "8-bit samples": _hollow(tmp_path / "coarse.wav", 1),
        "is longer than 60 minutes": _hollow(tmp_path / "long.wav", 3700),
        "holds no sound": saved(tmp_path / "empty.wav", b""),
        "has 3 channels": saved(tmp_path / "three.wav", quiet(3.0), channels=3),
        "can't be read: Is a directory": tmp_path,
    }
    for message, path in cases.items():
        with pytest.raises(ParleyError, match=message):
            read_recording(path)


@pytest.mark.usefixtures("nothing_set")
def test_a_picture_that_has_no_place_is_told(tmp_path: Path) -> None:
    with pytest.raises(ParleyError, match=r"can't be written to .*--picture"):
        replay(saved(tmp_path / "talk.wav"), tmp_path / "gone" / "talk.png")


def test_a_picture_never_takes_the_place_of_the_recording(tmp_path: Path) -> None:
    recording = saved(tmp_path / "talk.wav")
    with pytest.raises(ParleyError, match="would overwrite") as told:
        replay(recording, recording)
    assert told.value.exit_code == EXIT_USAGE
    assert recording.read_bytes().startswith(b"RIFF")
