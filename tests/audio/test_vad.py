from __future__ import annotations

import re
from itertools import pairwise
from types import SimpleNamespace

import numpy as np
import pytest

import audio.vad
from audio.pcm import HEARING_FRAME_BYTES, HEARING_RATE_HZ, Floats, from_floats
from audio.vad import REPLAYED_HOPS, AboveFloor, EnergyActivity, GatedSilero, Silero, SileroState, VoiceActivity, shared_silero, silero_path
from errors import ModelMissing
from tests.speech import clip_named

SECOND = bytes(HEARING_RATE_HZ * 2)


class CountingSilero(Silero):
    """The real model, which counts how many hops it was shown."""

    def __init__(self) -> None:
        super().__init__(silero_path())
        self.hops = 0

    def probabilities(self, windows: Floats, state: SileroState) -> tuple[Floats, SileroState]:
        self.hops += len(windows)
        return super().probabilities(windows, state)


def fed(activity: VoiceActivity, pcm: bytes) -> list[float]:
    frames = (pcm[start : start + HEARING_FRAME_BYTES] for start in range(0, len(pcm) - HEARING_FRAME_BYTES + 1, HEARING_FRAME_BYTES))
    return [probability for frame in frames if (probability := activity.feed(frame)) is not None]


def noise(seconds: float, level: float) -> bytes:
    return from_floats(np.random.default_rng(5).normal(0, level, int(seconds * HEARING_RATE_HZ)).astype(np.float32))


@pytest.mark.parametrize("stem", ["lv_0880", "jfk", "card_003", "ast_transfer"])
def test_speech_is_detected_in_recordings_of_different_people(stem: str) -> None:
    speech, _ = clip_named(stem)

    probabilities = fed(GatedSilero(), SECOND + speech)

    assert max(probabilities) > 0.9
    assert np.mean(np.array(probabilities[31:]) > 0.5) > 0.5


def test_a_hop_is_32_ms_and_comes_with_the_frame_that_completes_it() -> None:
    activity = GatedSilero()

    given = [activity.feed(bytes(HEARING_FRAME_BYTES)) is not None for _ in range(16)]

    assert given == [False, False, False, True] + [False, False, True] * 4
    assert activity.hop_s == pytest.approx(0.032)


def test_silence_is_zero_and_never_reaches_the_model() -> None:
    silero = CountingSilero()

    assert set(fed(GatedSilero(silero), SECOND * 3)) == {0.0}
    assert silero.hops == 0


def test_when_the_gate_opens_the_model_is_shown_the_sound_before_it() -> None:
    silero = CountingSilero()
    activity = GatedSilero(silero)
    fed(activity, SECOND)

    frames = iter(clip_named("ast_transfer")[0][start : start + HEARING_FRAME_BYTES] for start in range(0, 32_000, HEARING_FRAME_BYTES))
    while not silero.hops:
        activity.feed(next(frames))

    assert silero.hops == REPLAYED_HOPS


def test_a_gated_ear_hears_what_an_open_one_hears() -> None:
    clips = [clip_named(stem)[0] for stem in ("lv_0880", "ast_transfer", "card_005")]
    sound = b"".join(noise(1.5, 0.001) + clip for clip in clips)
    always_open = GatedSilero()
    always_open._gate = SimpleNamespace(is_speech=lambda frame, rate: True)

    gated, whole = np.array(fed(GatedSilero(), sound)) > 0.5, np.array(fed(always_open, sound)) > 0.5

    assert np.mean(gated == whole) > 0.97
    onsets = [hop for hop, (before, now) in enumerate(pairwise(whole), 1) if now and not before]
    assert all(gated[hop : hop + 3].any() for hop in onsets)


def test_a_soft_voice_still_opens_the_gate() -> None:
    speech, _ = clip_named("lv_0930")
    quiet = from_floats(np.frombuffer(speech, "<i2").astype(np.float32) * np.float32(0.1 / 32768))

    assert max(fed(GatedSilero(), SECOND + quiet)) > 0.8


def test_all_ears_share_one_model_but_not_their_memory() -> None:
    assert shared_silero() is shared_silero()
    speech, _ = clip_named("lv_0880")
    alone = fed(GatedSilero(), speech)

    first, second = GatedSilero(), GatedSilero()
    frames = [speech[start : start + HEARING_FRAME_BYTES] for start in range(0, len(speech) - 319, HEARING_FRAME_BYTES)]
    together = [(first.feed(frame), second.feed(bytes(HEARING_FRAME_BYTES))) for frame in frames]

    assert [mine for mine, _ in together if mine is not None] == alone
    assert {other for _, other in together if other is not None} == {0.0}


def test_loudness_alone_tells_sound_from_silence() -> None:
    activity = EnergyActivity()

    assert fed(activity, bytes(3200)) == [0.0] * 10
    assert fed(activity, noise(0.1, 0.005)) == [0.0] * 10
    assert fed(activity, noise(0.1, 0.05)) == [1.0] * 10
    assert fed(activity, b"\x00\x80" * 160) == [1.0]
    assert activity.hop_s == 0.01


@pytest.mark.parametrize("activity", [GatedSilero(), EnergyActivity()])
@pytest.mark.parametrize("length", [0, 318, 321, 640])
def test_a_frame_of_another_length_is_refused(activity: VoiceActivity, length: int) -> None:
    with pytest.raises(ValueError, match=f"320 bytes .* not {length}"):
        activity.feed(bytes(length))


def test_without_the_package_that_carries_the_model_the_next_step_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audio.vad, "find_spec", lambda name: None)

    with pytest.raises(ModelMissing, match=re.escape("faster-whisper, which carries it, is not installed. Run scripts/run")):
        silero_path()


def test_what_is_quieter_than_a_floor_is_given_as_silence() -> None:
    """A15: ``SILENCE_THRESHOLD``."""

    class Ear:
        hop_s = 0.01
        heard: list[bytes]

        def feed(self, frame: bytes) -> float | None:
            self.heard.append(frame)
            return 1.0

    ear = Ear()
    ear.heard = []
    above = AboveFloor(ear, 0.01)
    loud, quiet = np.full(160, 400, "<i2").tobytes(), np.full(160, 300, "<i2").tobytes()
    assert [above.feed(loud), above.feed(quiet)] == [1.0, 1.0]
    assert ear.heard == [loud, bytes(320)]
    assert above.hop_s == 0.01
