from __future__ import annotations

import numpy as np
import pytest
from faster_whisper.feature_extractor import FeatureExtractor

from audio.log_mel import BANDS, log_mel
from audio.pcm import Floats, as_floats
from tests.speech import clip_named


def reference(audio: Floats) -> Floats:
    return np.asarray(FeatureExtractor()(audio, padding=0), np.float32)


@pytest.mark.parametrize("stem", ["lv_0880", "lv_0930"])
def test_it_equals_the_reference_front_end(stem: str) -> None:
    audio = as_floats(clip_named(stem)[0])
    assert np.allclose(log_mel(audio), reference(audio), atol=1e-4)


@pytest.mark.parametrize("silent", [0, 1, 159, 200, 201, 360, 16_000, 30_001])
def test_silence_that_is_known_of_changes_nothing_but_the_cost(silent: int) -> None:
    spoken = as_floats(clip_named("lv_0880")[0])
    audio = np.concatenate([np.full(silent, 0.01, np.float32), spoken])
    assert np.allclose(log_mel(audio, silent_samples=silent), reference(audio), atol=1e-4)


def test_a_column_for_every_10_ms() -> None:
    noise = np.random.default_rng(1).normal(0, 0.1, 128_000).astype(np.float32)
    features = log_mel(noise)
    assert features.shape == (BANDS, 800)
    assert features.dtype == np.float32
    assert np.allclose(features, reference(noise), atol=1e-4)


def test_silence_alone_is_flat() -> None:
    silence = np.zeros(16_000, np.float32)
    assert np.ptp(log_mel(silence, silent_samples=16_000)) == 0.0
