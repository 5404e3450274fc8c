from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest
from faster_whisper.feature_extractor import FeatureExtractor

from audio import turn_model
from audio.pcm import HEARING_RATE_HZ, as_floats
from audio.turn_model import MODEL_FILE, MODEL_NAME, WINDOW_SAMPLES, SmartTurn, TurnModel, turn_features
from config import load_settings
from errors import EngineError, ModelMissing
from models import path_of
from tests.speech import clip_named

SECOND = bytes(32_000)


@pytest.fixture(scope="module")
def model_dir() -> Path:
    return path_of(MODEL_NAME, load_settings().models_dir)


@pytest.fixture
async def model(model_dir: Path) -> AsyncIterator[TurnModel]:
    model = TurnModel(model_dir)
    await model.load()
    yield model
    await model.close()


class SlowNetwork:
    """Stands in for the network: answers with the length of the sound once it is let go."""

    def __init__(self, _model_dir: Path) -> None:
        self.asked: list[int] = []
        self.go = threading.Event()
        self.reached = threading.Event()
        self.broken = False

    def completeness(self, pcm: bytes) -> float:
        if not pcm:
            return 0.0
        self.asked.append(len(pcm))
        self.reached.set()
        assert self.go.wait(10)
        if self.broken:
            raise RuntimeError("no such tensor")
        return len(pcm) / 1000


@pytest.fixture
async def slow(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> AsyncIterator[tuple[TurnModel, SlowNetwork]]:
    network = SlowNetwork(tmp_path)
    monkeypatch.setattr(turn_model, "SmartTurn", lambda _model_dir: network)
    model = TurnModel(tmp_path, most_waiting=2)
    await model.load()
    yield model, network
    network.go.set()
    await model.close()


async def asked(network: SlowNetwork, count: int) -> None:
    while len(network.asked) < count:
        await asyncio.to_thread(network.reached.wait, 10)
        network.reached.clear()


@pytest.mark.parametrize("seconds", [0.0, 1.0, 2.9, 8.0, 12.0])
def test_features_are_those_of_the_last_8_s_at_unit_variance(seconds: float) -> None:
    pcm = (clip_named("lv_0880")[0] * 5)[: int(seconds * 32_000)]
    last = as_floats(pcm[-2 * WINDOW_SAMPLES :])
    window = np.concatenate([np.zeros(WINDOW_SAMPLES - len(last), np.float32), last])
    window = (window - window.mean()) / np.sqrt(window.var() + 1e-7)
    expected = FeatureExtractor()(window, padding=0)
    assert np.allclose(turn_features(pcm), expected, atol=1e-3)


async def test_it_judges_as_the_network_does_alone(model: TurnModel, model_dir: Path) -> None:
    pcm = clip_named("lv_0930")[0]
    assert await model.completeness(pcm) == SmartTurn(model_dir).completeness(pcm)


async def test_in_the_middle_of_a_phrase_nobody_has_finished(model: TurnModel) -> None:
    """ "he might even have": cut where the pause would be a hesitation."""
    completeness = await model.completeness(clip_named("lv_0930")[0][: round(1.2 * HEARING_RATE_HZ) * 2])
    assert completeness is not None
    assert completeness < 0.2


async def test_no_sound_at_all_is_judged_too(model: TurnModel) -> None:
    assert 0.0 <= (await model.completeness(b"") or 0.0) <= 1.0


def test_a_missing_model_says_how_to_fetch_it(tmp_path: Path) -> None:
    with pytest.raises(ModelMissing, match=r"engines fetch smart-turn-v3\.2"):
        SmartTurn(tmp_path)


async def test_a_damaged_model_is_reported(tmp_path: Path) -> None:
    (tmp_path / MODEL_FILE).write_bytes(b"nothing")
    with pytest.raises(EngineError, match="can't be loaded"):
        await TurnModel(tmp_path).load()


async def test_unloaded_it_refuses(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match="not loaded"):
        await TurnModel(tmp_path).completeness(SECOND)


async def test_of_one_speakers_questions_the_newest_wins(slow: tuple[TurnModel, SlowNetwork]) -> None:
    model, network = slow
    first = asyncio.create_task(model.completeness(bytes(1000), "anna"))
    await asked(network, 1)
    older = asyncio.create_task(model.completeness(bytes(2000), "anna"))
    newer = asyncio.create_task(model.completeness(bytes(3000), "anna"))
    assert await older is None
    network.go.set()
    assert [await first, await newer] == [1.0, 3.0]
    assert network.asked == [1000, 3000]
    assert model.dropped == 1


async def test_too_many_speakers_leave_the_longest_waiting_without_an_answer(slow: tuple[TurnModel, SlowNetwork]) -> None:
    model, network = slow
    tasks = [asyncio.create_task(model.completeness(bytes(1000), "first"))]
    await asked(network, 1)
    tasks += [asyncio.create_task(model.completeness(bytes(1000 * n), n)) for n in (2, 3, 4)]
    assert await tasks[1] is None
    network.go.set()
    assert [await tasks[0], await tasks[2], await tasks[3]] == [1.0, 3.0, 4.0]


async def test_a_cancelled_question_is_never_put(slow: tuple[TurnModel, SlowNetwork]) -> None:
    model, network = slow
    first = asyncio.create_task(model.completeness(bytes(1000), 1))
    await asked(network, 1)
    second = asyncio.create_task(model.completeness(bytes(2000), 2))
    await asyncio.sleep(0)
    second.cancel()
    await asyncio.gather(second, return_exceptions=True)
    network.go.set()
    assert await first == 1.0
    assert await model.completeness(bytes(4000), 2) == 4.0
    assert network.asked == [1000, 4000]


async def test_a_failure_is_the_questions_own(slow: tuple[TurnModel, SlowNetwork]) -> None:
    model, network = slow
    network.go.set()
    network.broken = True
    with pytest.raises(EngineError, match="no such tensor"):
        await model.completeness(bytes(1000))
    network.broken = False
    assert await model.completeness(bytes(1000)) == 1.0


async def test_closing_fails_what_waits_and_may_be_done_twice(slow: tuple[TurnModel, SlowNetwork]) -> None:
    model, network = slow
    first = asyncio.create_task(model.completeness(bytes(1000), 1))
    await asked(network, 1)
    second = asyncio.create_task(model.completeness(bytes(2000), 2))
    await asyncio.sleep(0)
    threading.Timer(0.02, network.go.set).start()
    await model.close()
    await model.close()
    assert await first == 1.0
    with pytest.raises(EngineError, match="closed"):
        await second
    with pytest.raises(EngineError, match="not loaded"):
        await model.completeness(SECOND)
