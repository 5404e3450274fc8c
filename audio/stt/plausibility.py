"""May a decode be believed? Short windows can make Whisper repeat itself, and it answers noise with the politest words it knows."""

from __future__ import annotations

import re
import zlib
from typing import Final

import numpy as np

from audio.pcm import Floats
from audio.stt.decoding import Decoded

QUIETEST_SPEECH_PEAK: Final = 0.002
"""About -54 dB: below it there is nothing that a model could make out."""
SUSPICIOUS_COMPRESSION: Final = 2.0
SUSPICIOUS_LOGPROB: Final = -1.0
"""Whisper's own threshold for another try (``logprob_threshold`` in openai-whisper).

Short replies such as "seven of clubs" are at -0.9 with all words right, and the full window takes four times as long.
"""
SUSPICIOUS_LOGPROB_AT_A_GLANCE: Final = -0.7
"""Stricter: the speech may break off in the middle of a word, and the words that count are still to come."""
NO_SPEECH_CERTAIN: Final = 0.8
NO_SPEECH_LIKELY: Final = 0.6
UNSURE_LOGPROB: Final = -0.4
UNLIKELY_LOGPROB: Final = -1.0
STOCK_NO_SPEECH: Final = 0.3
STOCK_PHRASES: Final = frozenset({
    "you", "thank you", "thanks", "thank you very much", "thanks for watching", "thank you for watching", "thank you so much for watching",
    "please subscribe", "bye", "bye bye", "the end", "i", "so", "oh", "hmm", "beep", "music", "applause", "silence",
    "subtitles by the amara org community",
})  # fmt: skip
"""What Whisper says most often where nobody speaks; believed only when it is sure that somebody spoke."""


def too_quiet(audio: Floats) -> bool:
    """There is nothing to decode."""
    return len(audio) == 0 or float(np.abs(audio).max()) < QUIETEST_SPEECH_PEAK


def nobody_spoke(decoded: Decoded) -> bool:
    """The text is nobody's: empty, punctuation alone, noise taken for speech, or a stock phrase that the model is not sure of."""
    words = " ".join(re.findall(r"\w+", decoded.text.lower()))
    if not words or (words in STOCK_PHRASES and decoded.no_speech > STOCK_NO_SPEECH):
        return True
    if decoded.no_speech > NO_SPEECH_CERTAIN:
        return decoded.average_logprob < UNSURE_LOGPROB
    return decoded.no_speech > NO_SPEECH_LIKELY and decoded.average_logprob < UNLIKELY_LOGPROB


def suspicious(decoded: Decoded, least_logprob: float = SUSPICIOUS_LOGPROB) -> bool:
    """It should not be believed without another decode: it ran into the token limit, repeats itself, or is unlikely."""
    return decoded.capped or _compression(decoded.text) > SUSPICIOUS_COMPRESSION or decoded.average_logprob < least_logprob


def _compression(text: str) -> float:
    raw = text.encode()
    return len(raw) / len(zlib.compress(raw)) if raw else 0.0
