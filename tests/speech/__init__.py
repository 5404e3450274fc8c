"""Recorded speech for tests; ``manifest.json`` says who said what and under which licence."""

from __future__ import annotations

import functools
import json
import wave
from pathlib import Path

FOLDER = Path(__file__).parent


@functools.cache
def clip_named(stem: str) -> tuple[bytes, str]:
    """The sound (16 kHz mono 16-bit) and the words of one clip."""
    entries = json.loads((FOLDER / "manifest.json").read_text(encoding="utf-8"))
    text = next(entry["text"] for entry in entries if Path(entry["file"]).stem == stem)
    with wave.open(str(FOLDER / f"{stem}.wav")) as clip:
        assert (clip.getframerate(), clip.getnchannels(), clip.getsampwidth()) == (16_000, 1, 2)
        return clip.readframes(clip.getnframes()), text
