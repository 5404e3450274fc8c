"""Whisper on one stretch of speech: the short-window decode, the plain 30 s decode, and when the first is not to be trusted.

Whisper pads everything to 30 s, and the time goes into encoding that padding. CTranslate2 encodes fewer frames when asked directly, so an
utterance is padded to 12 s only: the same words in about a third of the time or less. In much shorter windows the decoder misses its end
and loops.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from audio.pcm import HEARING_RATE_HZ, Floats
from audio.priority import imported_with_bound_threads
from errors import EngineError, ModelMissing

FULL_WINDOW_S: Final = 30.0
SHORT_WINDOW_S: Final = 12.0
"""Below about 8 s the word error rate rises steeply. 12 s costs some 17 ms more than 10 s, and its words are more often those of 30 s."""
TRAILING_SILENCE_S: Final = 1.0
"""Whisper ends a sentence where it hears silence, so this much always follows the speech."""
MEL_FRAMES_PER_S: Final = 100
LEAST_TOKENS: Final = 12
TOKENS_PER_S: Final = 6.0
"""Fast English is about 5 tokens a second."""
TOKENS_PER_S_AT_A_GLANCE: Final = 5.0
LEAST_TOKENS_AT_A_GLANCE: Final = 4
"""A glimpse that has more tokens than this for its length is repeating itself, and is not waited for."""
TOKENS_PER_S_OTHER_SCRIPTS: Final = 14.0
"""Whisper's vocabulary splits most other languages finer, some into single bytes."""
MOST_TOKENS: Final = 440
"""The model's own limit is 448 with its prompt."""
MODEL_FILES: Final = ("model.bin", "config.json", "tokenizer.json", "vocabulary.txt")


class GivenUp(Exception):
    """Nobody waits for the words any more, or somebody waits for more important ones."""


def always() -> bool:
    """The words will be wanted, whatever happens."""
    return True


@dataclass(frozen=True, slots=True)
class Decoded:
    """What one decode gave: ``average_logprob`` per token, ``no_speech`` 0 to 1, ``capped`` when it ran into the token limit."""

    text: str
    language: str
    average_logprob: float
    no_speech: float
    tokens: int
    capped: bool
    audio_s: float

    @property
    def confidence(self) -> float:
        """0 to 1: the geometric mean of the token probabilities, tempered by the probability that nobody spoke."""
        return math.exp(min(0.0, self.average_logprob)) * (1.0 - self.no_speech)


def short_window_s(audio_s: float) -> float:
    """The window for an utterance of ``audio_s`` seconds."""
    return min(FULL_WINDOW_S, max(SHORT_WINDOW_S, audio_s + TRAILING_SILENCE_S))


class WhisperDecoder:
    """One loaded Whisper model. Blocking and not for the event loop; one call at a time.

    Loading it limits numpy to one thread in the whole process: numpy's threads wait by spinning, and so slow the encoder, which runs right
    after numpy has computed the spectrogram, from 69 to 124 ms for 10 s on two cores.
    """

    def __init__(self, model_dir: Path, threads: int) -> None:
        _check_files(model_dir)
        ctranslate2 = imported_with_bound_threads("ctranslate2")
        import faster_whisper
        from faster_whisper.tokenizer import Tokenizer
        from faster_whisper.transcribe import get_suppressed_tokens
        from threadpoolctl import threadpool_limits

        threadpool_limits(limits=1, user_api="blas")
        try:
            whisper = faster_whisper.WhisperModel(
                str(model_dir), device="cpu", compute_type="int8", cpu_threads=threads, local_files_only=True
            )
        except (RuntimeError, ValueError, OSError) as broken:
            raise EngineError(
                f"The Whisper model in {model_dir} can't be loaded: {broken}.", "Fetch it again: bot.py engines fetch."
            ) from None
        self._model: Any = whisper.model
        self._mel: Any = whisper.feature_extractor
        self._hf_tokenizer: Any = whisper.hf_tokenizer
        self._tokenizer_class: Any = Tokenizer
        self._suppressed_tokens: Any = get_suppressed_tokens
        self._as_storage: Any = ctranslate2.StorageView.from_array
        self._prompts: dict[str, tuple[Any, list[int], list[int]]] = {}

    @property
    def multilingual(self) -> bool:
        """``False`` for the ``.en`` models, which take everything for English."""
        return bool(self._model.is_multilingual)

    def decode(
        self,
        audio: Floats,
        window_s: float,
        language: str | None,
        most_tokens: int | None = None,
        wanted: Callable[[], bool] = always,
    ) -> Decoded:
        """One greedy decode in a window of ``window_s`` seconds; ``None`` detects the language, or takes as many tokens as may be spoken.

        :raises errors.EngineError: Whisper does not know the language.
        :raises GivenUp: half of the work was done, and ``wanted()`` says that the rest is in vain.
        """
        encoded = self._encode(audio, window_s)
        if not wanted():
            raise GivenUp
        language = self._language(encoded, language)
        tokenizer, prompt, suppressed = self._prompt(language)
        audio_s = len(audio) / HEARING_RATE_HZ
        cap = most_tokens or _token_cap(audio_s, language)
        result = self._model.generate(
            encoded,
            [prompt],
            beam_size=1,
            max_length=len(prompt) + cap,
            suppress_tokens=suppressed,
            return_scores=True,
            return_no_speech_prob=True,
        )[0]
        tokens = result.sequences_ids[0]
        return Decoded(
            text=tokenizer.decode(tokens).strip(),
            language=language,
            average_logprob=result.scores[0] * len(tokens) / (len(tokens) + 1),
            no_speech=result.no_speech_prob,
            tokens=len(tokens),
            capped=len(tokens) >= cap,
            audio_s=audio_s,
        )

    def _encode(self, audio: Floats, window_s: float) -> Any:
        padded = np.zeros(round(window_s * HEARING_RATE_HZ), np.float32)
        padded[: len(audio)] = audio[: len(padded)]
        frames = round(window_s * MEL_FRAMES_PER_S) // 2 * 2
        features = self._mel(padded, padding=160)[:, :frames]
        return self._model.encode(self._as_storage(np.ascontiguousarray(features[None])))

    def _language(self, encoded: Any, language: str | None) -> str:
        if not self.multilingual:
            return "en"
        if language:
            return language
        likeliest, _ = self._model.detect_language(encoded)[0][0]
        return str(likeliest).strip("<|>")

    def _prompt(self, language: str) -> tuple[Any, list[int], list[int]]:
        if language not in self._prompts:
            try:
                tokenizer = self._tokenizer_class(self._hf_tokenizer, self.multilingual, task="transcribe", language=language)
            except ValueError:
                raise EngineError(
                    f"Whisper does not know the language {language!r}.", "Set LANGUAGE to another code, or to auto."
                ) from None
            prompt = [*tokenizer.sot_sequence, tokenizer.no_timestamps]
            self._prompts[language] = (tokenizer, prompt, list(self._suppressed_tokens(tokenizer, [-1])))
        return self._prompts[language]


def _token_cap(audio_s: float, language: str) -> int:
    rate = TOKENS_PER_S if language == "en" else TOKENS_PER_S_OTHER_SCRIPTS
    return min(MOST_TOKENS, int(rate * audio_s) + LEAST_TOKENS)


def tokens_at_a_glance(audio_s: float, language: str | None) -> int | None:
    """The most that a glimpse may take; ``None``: as many as any decode."""
    return int(TOKENS_PER_S_AT_A_GLANCE * audio_s) + LEAST_TOKENS_AT_A_GLANCE if language == "en" else None


def _check_files(model_dir: Path) -> None:
    missing = [name for name in MODEL_FILES if not (model_dir / name).is_file()]
    if missing:
        raise ModelMissing(f"The Whisper model in {model_dir} lacks {', '.join(missing)}.", "Fetch it: bot.py engines fetch.")
