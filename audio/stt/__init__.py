"""Speech to text: one Protocol, several engines, ordered fallback."""

from __future__ import annotations

from audio.stt.engine import GlimpsingSpeechToText, SpeechToText, Transcript, Word

__all__ = ["GlimpsingSpeechToText", "SpeechToText", "Transcript", "Word"]
