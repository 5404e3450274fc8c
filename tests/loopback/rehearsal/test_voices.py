import shutil
from collections.abc import AsyncGenerator
from pathlib import Path

import numpy as np
import pytest

from audio.pcm import PLAYOUT_RATE_HZ, as_samples, duration_s
from audio.tts.engine import Voice
from loopback.people.speech import RecordingError
from loopback.rehearsal.script import Script
from loopback.rehearsal.script_file import parse_script
from loopback.rehearsal.voices import VOICES, render, voice_of
from tests.loopback.rehearsal.talk import tone

CLIP = Path(__file__).resolve().parents[2] / "speech" / "lv_0880.wav"


class HalfSecond:
    name = "half a second"
    rates: list[int]

    def __init__(self) -> None:
        self.rates = []

    async def load(self) -> None: ...

    async def close(self) -> None: ...

    async def synthesize(self, text: str, voice: Voice) -> AsyncGenerator[bytes, None]:
        self.rates.append(voice.rate_percent)
        yield tone(0.25)
        yield tone(0.25)


def script(people: str, steps: str, folder: Path = Path()) -> Script:
    return parse_script(f"people: {people}\nsteps:\n{steps}", "talk.yaml", folder)


def loudest_hz(pcm: bytes) -> float:
    samples = as_samples(pcm)
    return float(np.abs(np.fft.rfft(samples)).argmax()) * PLAYOUT_RATE_HZ / len(samples)


async def test_everything_said_is_rendered_with_the_speakers_pitch_and_rate() -> None:
    engine = HalfSecond()
    people = "{Ann: {voice: {pitch: 1.25}}, Bob: {voice: {pitch: 1.0, rate_percent: 20}}}"
    sounds = await render(script(people, "  - {who: Ann, say: hi}\n  - wait: 1\n  - {who: Bob, say: hi}\n"), engine)
    assert sorted(sounds) == [0, 2]
    assert loudest_hz(sounds[0]) == pytest.approx(625, abs=5)
    assert duration_s(sounds[0], PLAYOUT_RATE_HZ) == pytest.approx(0.4, abs=0.01)
    assert loudest_hz(sounds[2]) == pytest.approx(500, abs=5)
    assert engine.rates == [0, 20]


def test_people_whose_voice_is_left_open_sound_different() -> None:
    play = script(
        "{Ann: {}, Bob: {}, Cid: {voice: {pitch: 0.8}}}", "".join(f"  - {{who: {name}, say: hi}}\n" for name in ("Ann", "Bob", "Cid"))
    )
    assert [voice_of(play, step).pitch for step in play.steps] == [VOICES[0].pitch, VOICES[1].pitch, 0.8]


async def test_a_recording_is_played_at_its_own_pitch(tmp_path: Path) -> None:
    shutil.copy(CLIP, tmp_path / "clip.wav")
    sounds = await render(script("{Ann: {}}", "  - {who: Ann, play: clip.wav}\n", tmp_path), HalfSecond())
    assert duration_s(sounds[0], PLAYOUT_RATE_HZ) == pytest.approx(2.99, abs=0.05)


async def test_a_recording_that_is_none_is_told(tmp_path: Path) -> None:
    (tmp_path / "clip.wav").write_text("hello")
    with pytest.raises(RecordingError, match=r"clip\.wav cannot be read"):
        await render(script("{Ann: {}}", "  - {who: Ann, play: clip.wav}\n", tmp_path), HalfSecond())
