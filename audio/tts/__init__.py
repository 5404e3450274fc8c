"""Text to speech: one Protocol, several engines, ordered fallback."""

from __future__ import annotations

from audio.tts.engine import TextToSpeech, Voice

__all__ = ["TextToSpeech", "Voice"]
