"""Where in a clip each word of its text ends: the text laid along the sound by Whisper's attention."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from audio.pcm import HEARING_RATE_HZ, Floats

MEL_FRAMES_PER_S: Final = 100
WINDOW_FRAMES: Final = 3000


@dataclass(frozen=True, slots=True)
class WordEnd:
    """The word as it is written, with its marks, and where it ends, in seconds; Whisper is right to about a tenth of a second."""

    word: str
    at_s: float


class WordTimes:
    """A multilingual Whisper that is told what it hears. Blocking."""

    def __init__(self, model_dir: Path, threads: int) -> None:
        import faster_whisper
        from faster_whisper.tokenizer import Tokenizer

        self._whisper: Any = faster_whisper.WhisperModel(
            str(model_dir), device="cpu", compute_type="int8", cpu_threads=threads, local_files_only=True
        )
        self._tokenizer_class: Any = Tokenizer

    def of(self, audio: Floats, text: str, language: str) -> list[WordEnd]:
        """The words of ``text`` (up to 30 s of speech) in order."""
        tokenizer = self._tokenizer_class(self._whisper.hf_tokenizer, True, task="transcribe", language=language)
        features = self._whisper.feature_extractor(audio)[:, :WINDOW_FRAMES]
        spoken = len(audio) * MEL_FRAMES_PER_S // HEARING_RATE_HZ
        padded = np.pad(features, ((0, 0), (0, WINDOW_FRAMES - features.shape[1])))
        tokens = tokenizer.encode(" " + " ".join(text.split()))
        found = self._whisper.find_alignment(tokenizer, [tokens], self._whisper.encode(padded), min(spoken, WINDOW_FRAMES))[0]
        return joined([(str(piece["word"]), float(piece["end"])) for piece in found])


def joined(pieces: list[tuple[str, float]]) -> list[WordEnd]:
    """Marks are pieces of their own in Whisper's eyes; a word begins with a space, and ends where its letters do."""
    words: list[WordEnd] = []
    for piece, end_s in pieces:
        if piece.startswith(" ") or not words:
            words.append(WordEnd(piece.strip(), end_s))
        else:
            letters = any(map(str.isalnum, piece))
            words[-1] = WordEnd(words[-1].word + piece, end_s if letters else words[-1].at_s)
    return [word for word in words if word.word]
