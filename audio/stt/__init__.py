"""Speech to text: one Protocol, several engines, ordered fallback."""

from __future__ import annotations

from audio.stt.engine import SpeechToText, Transcript, Word

__all__ = ["SpeechToText", "Transcript", "Word"]
