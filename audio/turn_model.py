"""Has somebody finished? Smart Turn v3.2 judges it by the sound of the last 8 s: intonation, pace, hesitation.

One decision costs about 75 ms of one server core, nearly all of it in the network itself (``benchmarks/turns.py`` shows the figure of
this machine), so all calls share one model, on one thread, and nobody's older question is answered while a newer one waits.
"""

from __future__ import annotations

import asyncio
from collections.abc import Hashable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import onnxruntime

import drops
from audio.log_mel import log_mel
from audio.pcm import BYTES_PER_SAMPLE, HEARING_RATE_HZ, Floats, as_floats
from audio.priority import give_way_to_sound
from drops import Drop
from errors import EngineError, ModelMissing

MODEL_NAME: Final = "smart-turn-v3.2"
MODEL_FILE: Final = "smart-turn-v3.2-cpu.onnx"
WINDOW_S: Final = 8
WINDOW_SAMPLES: Final = WINDOW_S * HEARING_RATE_HZ
VARIANCE_FLOOR: Final = 1e-7
MOST_WAITING: Final = 4
"""Speakers whose question waits while another is being judged; of more, the one who has waited longest gets no answer."""


class SmartTurn:
    """The network itself. Blocking and not for the event loop; one thread, no spinning.

    :raises errors.ModelMissing: no model file in ``model_dir``.
    :raises errors.EngineError: the file can't be loaded.
    """

    def __init__(self, model_dir: Path) -> None:
        path = model_dir / MODEL_FILE
        if not path.is_file():
            raise ModelMissing(f"The turn model is not in {model_dir}.", f"Fetch it: python bot.py engines fetch {MODEL_NAME}.")
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.log_severity_level = 4
        try:
            self._session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        except Exception as broken:  # onnxruntime's own exceptions share no base class
            raise EngineError(
                f"The turn model in {model_dir} can't be loaded: {broken}.", "Fetch it again: bot.py engines fetch."
            ) from None

    def completeness(self, pcm: bytes) -> float:
        """The probability, 0 to 1, that the speaker of ``pcm`` (16 kHz mono, the turn up to now) has finished."""
        probability = self._session.run(None, {"input_features": turn_features(pcm)[None]})[0]
        return float(probability[0, 0])


def turn_features(pcm: bytes) -> Floats:
    """What the network reads: the last 8 s with silence before it where there is less, at unit variance, as a log-mel spectrogram."""
    audio = as_floats(pcm[-WINDOW_SAMPLES * BYTES_PER_SAMPLE :])
    missing = WINDOW_SAMPLES - len(audio)
    window = np.zeros(WINDOW_SAMPLES, np.float32)
    window[missing:] = audio
    window -= window.mean()
    window /= np.sqrt(window.var() + VARIANCE_FLOOR)
    return log_mel(window, silent_samples=missing)


@dataclass(slots=True, eq=False)
class _Question:
    pcm: bytes
    answer: asyncio.Future[float | None]


class TurnModel:
    """Smart Turn in a worker thread, shared by all calls: one decision at a time, then the newest question of whoever waited longest."""

    def __init__(self, model_dir: Path, *, most_waiting: int = MOST_WAITING) -> None:
        self._model_dir = model_dir
        self._most_waiting = most_waiting
        self._worker: ThreadPoolExecutor | None = None
        self._network: SmartTurn | None = None
        self._waiting: dict[Hashable, _Question] = {}
        self._answering: asyncio.Task[None] | None = None
        self.dropped = 0
        """Questions that were never put to the model."""

    async def load(self) -> None:
        """Load the model (about 0.1 s) and ask it once, which allocates what the first question would else wait for.

        :raises errors.ModelMissing: no model on disk.
        :raises errors.EngineError: it can't be loaded.
        """
        if self._network is not None:
            return
        worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="turn-model", initializer=give_way_to_sound)
        try:
            self._network = await asyncio.get_running_loop().run_in_executor(worker, _loaded, self._model_dir)
        except BaseException:
            worker.shutdown(wait=False)
            raise
        self._worker = worker

    async def completeness(self, pcm: bytes, speaker: Hashable = None) -> float | None:
        """The probability that ``speaker`` has finished, judged by ``pcm``, the turn up to now (16 kHz mono).

        ``None``: a newer question about the same speaker has come, or there are too many questions. Cancelling drops the question.

        :raises errors.EngineError: not loaded, closed meanwhile, or the model failed.
        """
        if self._network is None:
            raise EngineError("The turn model is not loaded.")
        question = _Question(pcm[-WINDOW_SAMPLES * BYTES_PER_SAMPLE :], asyncio.get_running_loop().create_future())
        self._put(speaker, question)
        try:
            return await question.answer
        finally:
            if self._waiting.get(speaker) is question:
                del self._waiting[speaker]

    def _put(self, speaker: Hashable, question: _Question) -> None:
        older = self._waiting.get(speaker)
        if older is None and len(self._waiting) >= self._most_waiting:
            older = self._waiting.pop(next(iter(self._waiting)))
        if older is not None:
            self._drop(older)
        self._waiting[speaker] = question
        if self._answering is None:
            self._answering = asyncio.create_task(self._answer())

    def _drop(self, question: _Question) -> None:
        self.dropped += 1
        drops.note(Drop.TURN_MODEL_QUESTIONS)
        if not question.answer.done():
            question.answer.set_result(None)

    async def _answer(self) -> None:
        """Put what waits to the model until nothing does."""
        loop = asyncio.get_running_loop()
        try:
            while self._waiting and self._network and self._worker:
                question = self._waiting.pop(next(iter(self._waiting)))
                try:
                    probability = await loop.run_in_executor(self._worker, self._network.completeness, question.pcm)
                except Exception as failed:
                    _fail(question, f"The turn model failed: {failed}.")
                else:
                    _give(question, probability)
        finally:
            self._answering = None

    async def close(self) -> None:
        """Wait for the decision at work, fail what waits, and free the model and its thread."""
        worker, self._worker, self._network = self._worker, None, None
        while self._waiting:
            _fail(self._waiting.popitem()[1], "The turn model was closed.")
        if worker is not None:
            await asyncio.to_thread(worker.shutdown, wait=True)
        if self._answering is not None:
            await asyncio.wait({self._answering})


def _loaded(model_dir: Path) -> SmartTurn:
    network = SmartTurn(model_dir)
    network.completeness(b"")
    return network


def _give(question: _Question, probability: float) -> None:
    if not question.answer.done():
        question.answer.set_result(probability)


def _fail(question: _Question, what: str) -> None:
    if not question.answer.done():
        question.answer.set_exception(EngineError(what))
