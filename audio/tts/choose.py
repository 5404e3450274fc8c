"""Which voice engines the settings ask for, in which order."""

from __future__ import annotations

from collections.abc import Collection

from audio.tts.cache import CachedTextToSpeech
from audio.tts.edge import EdgeEngine
from audio.tts.engine import TextToSpeech, Voice
from audio.tts.espeak import EspeakEngine, installed_espeak
from audio.tts.fallback import FallbackTextToSpeech
from audio.tts.hedged import HedgedTextToSpeech
from audio.tts.piper import PiperEngine
from config import Settings
from engines.hedging import RETRY_AT_SHARE
from errors import EngineError, ModelMissing
from models import path_of

PIPER_MODEL = "piper-joe-medium"


def choose_text_to_speech(settings: Settings, fixed: Collection[str] = ()) -> TextToSpeech:
    """The engine of ``TTS_ENGINE``, with Piper and espeak-ng behind it where they are there; ``auto`` is Piper, else espeak-ng.

    What is said of ``fixed`` (greetings, apologies) is kept on disk.

    :raises errors.ModelMissing: no voice is on disk, and espeak-ng is not installed.
    :raises errors.EngineError: ``TTS_ENGINE`` is espeak, which is not installed.
    """
    engines: list[TextToSpeech] = []
    if settings.tts_engine == "espeak":
        engines.append(_espeak())
    else:
        if settings.tts_engine == "edge":
            engines.append(_cached(_edge(settings), settings, fixed))
        engines += _embedded(settings, fixed, needed=not engines)
    return FallbackTextToSpeech(engines, settings.tts_first_audio_timeout_s)


def default_voice(settings: Settings) -> Voice:
    """How the settings want clauses to be spoken where the chat has no wish of its own."""
    language = "en" if settings.language == "auto" else settings.language
    return Voice(language=language, rate_percent=int(settings.edge_tts_rate.rstrip("%")))


def _edge(settings: Settings) -> TextToSpeech:
    return HedgedTextToSpeech(EdgeEngine(settings.edge_tts_voice), RETRY_AT_SHARE * settings.tts_first_audio_timeout_s)


def _embedded(settings: Settings, fixed: Collection[str], *, needed: bool) -> list[TextToSpeech]:
    last_resort: list[TextToSpeech] = [EspeakEngine()] if installed_espeak() else []
    try:
        return [_cached(_piper(settings), settings, fixed), *last_resort]
    except ModelMissing:
        if needed and (settings.tts_engine == "piper" or not last_resort):
            raise
        return last_resort


def _espeak() -> EspeakEngine:
    if installed_espeak() is None:
        raise EngineError(
            "TTS_ENGINE is espeak, and espeak-ng is not installed.", "Install it (apt install espeak-ng), or set TTS_ENGINE=auto."
        )
    return EspeakEngine()


def _piper(settings: Settings) -> PiperEngine:
    own = settings.piper_voice
    if own is None:
        return PiperEngine(next(path_of(PIPER_MODEL, settings.models_dir).glob("*.onnx")))
    if not own.is_file():
        raise ModelMissing(f"PIPER_VOICE is {own}, and there is no such file.", "Correct it, or leave it out.")
    return PiperEngine(own, name=f"piper {own.stem}")


def _cached(engine: TextToSpeech, settings: Settings, fixed: Collection[str]) -> TextToSpeech:
    return CachedTextToSpeech(engine, settings.data_dir / "clauses", fixed)
