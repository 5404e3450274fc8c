"""The embedded speech-to-text engine: faster-whisper in a worker thread, shared by all calls, behind a bounded first-come queue."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final, TypeVar

import numpy as np

from audio.pcm import HEARING_RATE_HZ, Floats, as_floats
from audio.priority import give_way_to_sound
from audio.stt.decoding import (
    FULL_WINDOW_S,
    SHORT_WINDOW_S,
    Decoded,
    GivenUp,
    WhisperDecoder,
    always,
    short_window_s,
    tokens_at_a_glance,
)
from audio.stt.engine import Transcript
from audio.stt.plausibility import SUSPICIOUS_LOGPROB_AT_A_GLANCE, nobody_spoke, suspicious, too_quiet
from audio.stt.splitting import split_where_quiet
from errors import EngineError

MOST_WAITING: Final = 32
"""Utterances in the queue; at about 0.3 s each, whoever came later would wait ten seconds."""
LONGEST_AUDIO_S: Final = 600.0
SHORTEST_AUDIO_S: Final = 0.1

Result = TypeVar("Result")


class WhisperEngine:
    """Whisper from a folder in CTranslate2's format. One decode at a time, on ``threads`` CPU threads.

    ``glimpses_give_way``: a glimpse is given up half way when somebody waits for words that count. Only worth it where a brain shares the
    processor: any other can make use of the glimpse in the meantime.
    """

    def __init__(
        self, model_dir: Path, *, name: str, threads: int = 2, most_waiting: int = MOST_WAITING, glimpses_give_way: bool = False
    ) -> None:
        self._model_dir = model_dir
        self._name = name
        self._threads = threads
        self._most_waiting = most_waiting
        self._glimpses_give_way = glimpses_give_way
        self._waiting = 0
        self._decoder: WhisperDecoder | None = None
        self._worker: ThreadPoolExecutor | None = None

    @property
    def name(self) -> str:
        """Such as ``whisper base``."""
        return self._name

    async def load(self) -> None:
        """Load the model and decode a second of silence, which allocates what the first utterance would else wait for."""
        if self._decoder is not None:
            return
        self._worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="whisper", initializer=give_way_to_sound)
        try:
            self._decoder = await self._run(self._loaded)
        except BaseException:
            await self.close()
            raise

    def _loaded(self) -> WhisperDecoder:
        decoder = WhisperDecoder(self._model_dir, self._threads)
        decoder.decode(np.zeros(HEARING_RATE_HZ, np.float32), short_window_s(1.0), "en")
        return decoder

    async def transcribe(self, pcm: bytes, language: str | None = None) -> Transcript:
        """See :meth:`audio.stt.engine.SpeechToText.transcribe`. More than 30 s are decoded in pieces, cut where it is quiet.

        :raises errors.EngineError: not loaded, too many utterances are waiting, more than ten minutes of audio, or an unknown language.
        """
        decoder = self._decoder
        if decoder is None:
            raise EngineError(f"{self._name} is not loaded.")
        audio = as_floats(pcm)
        if len(audio) > LONGEST_AUDIO_S * HEARING_RATE_HZ:
            raise EngineError(f"That is more than {LONGEST_AUDIO_S / 60:.0f} minutes of sound.", "Send a shorter piece.")
        if len(audio) < SHORTEST_AUDIO_S * HEARING_RATE_HZ or too_quiet(audio):
            return Transcript("", language or "en", 0.0)
        spoken = None if language == "auto" else language
        given_up = threading.Event()
        try:
            return await self._run(lambda: _transcript(decoder, audio, spoken, lambda: not given_up.is_set()))
        finally:
            given_up.set()

    async def glimpse(self, pcm: bytes, language: str | None = None) -> Transcript | None:
        """See :meth:`audio.stt.engine.GlimpsingSpeechToText.glimpse`: one short-window decode, believed only if nothing speaks against it.

        :raises errors.EngineError: not loaded, or an unknown language.
        """
        decoder, audio = self._decoder, as_floats(pcm)
        audio_s = len(audio) / HEARING_RATE_HZ
        if decoder is None or self._waiting or not SHORTEST_AUDIO_S <= audio_s < SHORT_WINDOW_S or too_quiet(audio):
            return None
        spoken = None if language == "auto" else language
        try:
            seen = await self._run(
                lambda: decoder.decode(audio, SHORT_WINDOW_S, spoken, tokens_at_a_glance(audio_s, spoken), self._glimpse_may_go_on)
            )
        except GivenUp:
            return None
        if nobody_spoke(seen) or suspicious(seen, SUSPICIOUS_LOGPROB_AT_A_GLANCE):
            return None
        return Transcript(seen.text, seen.language, seen.confidence)

    def _glimpse_may_go_on(self) -> bool:
        return not self._glimpses_give_way or self._waiting <= 1

    async def _run(self, work: Callable[[], Result]) -> Result:
        if self._worker is None:
            raise EngineError(f"{self._name} is closed.")
        if self._waiting >= self._most_waiting:
            raise EngineError(f"{self._name} is overloaded: {self._waiting} utterances are waiting.", "Try again in a few seconds.")
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._worker, work)
        except asyncio.CancelledError:
            if self._worker is None and not _being_cancelled():
                raise EngineError(f"{self._name} was closed before it came to this.") from None
            raise
        except RuntimeError as failed:
            raise EngineError(f"{self._name} failed: {failed}.") from failed
        finally:
            self._waiting -= 1

    async def close(self) -> None:
        """Wait for the decode at work, drop those that wait, and free the model and its thread."""
        worker, self._worker, self._decoder = self._worker, None, None
        if worker is not None:
            await asyncio.to_thread(worker.shutdown, wait=True, cancel_futures=True)


def guarded_decode(decoder: WhisperDecoder, audio: Floats, language: str | None, wanted: Callable[[], bool] = always) -> Decoded:
    """The short-window decode of up to 30 s; where it is suspicious, once more in the full window, and then the likelier of the two.

    :raises GivenUp: see :meth:`audio.stt.decoding.WhisperDecoder.decode`.
    """
    short = decoder.decode(audio, short_window_s(len(audio) / HEARING_RATE_HZ), language, wanted=wanted)
    if nobody_spoke(short) or not suspicious(short):
        return short
    full = decoder.decode(audio, FULL_WINDOW_S, language, wanted=wanted)
    believable = not short.capped and suspicious(full) and short.average_logprob > full.average_logprob
    return short if believable else full


def _transcript(decoder: WhisperDecoder, audio: Floats, language: str | None, wanted: Callable[[], bool]) -> Transcript:
    pieces = [guarded_decode(decoder, piece, language, wanted) for piece in split_where_quiet(audio, FULL_WINDOW_S)]
    spoken = [piece for piece in pieces if not nobody_spoke(piece)]
    if not spoken:
        return Transcript("", pieces[0].language, 0.0)
    return Transcript(" ".join(piece.text for piece in spoken), spoken[0].language, _mean_confidence(spoken))


def _mean_confidence(pieces: list[Decoded]) -> float:
    return sum(piece.confidence * piece.audio_s for piece in pieces) / sum(piece.audio_s for piece in pieces)


def _being_cancelled() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
