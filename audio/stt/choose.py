"""Which speech-to-text engines the settings ask for, in which order."""

from __future__ import annotations

from audio.stt.engine import SpeechToText
from audio.stt.fallback import FallbackSpeechToText
from audio.stt.hedged import HedgedSpeechToText
from audio.stt.openai import OpenAiSpeechToText
from audio.stt.whisper import WhisperEngine
from config import Settings
from engines import retry_after_s
from errors import ModelMissing, SettingsError
from models import path_of


def choose_speech_to_text(settings: Settings, *, beside_brain: bool = False) -> SpeechToText:
    """The engine of ``STT_ENGINE``; ``auto`` is a service if ``STT_URL`` is set. A service has Whisper behind it where that is on disk.

    ``beside_brain``: the brain computes on this machine, too.

    :raises errors.ModelMissing: the embedded Whisper is wanted and not on disk.
    :raises errors.SettingsError: a service is wanted and has no address.
    """
    if settings.stt_engine == "openai" and not settings.stt_url:
        raise SettingsError("STT_ENGINE is openai, and STT_URL is not set.", "Set STT_URL to the base URL of the service.")
    engines: list[SpeechToText] = []
    if settings.stt_url and settings.stt_engine != "whisper":
        engines.append(_service(settings, settings.stt_url))
    try:
        engines.append(_whisper(settings, beside_brain=beside_brain))
    except ModelMissing:
        if not engines:
            raise
    return FallbackSpeechToText(engines, settings.stt_timeout_s)


def _service(settings: Settings, url: str) -> SpeechToText:
    service = OpenAiSpeechToText(url, model=settings.stt_model, key=settings.stt_api_key, timeout_s=settings.stt_timeout_s)
    after_s = retry_after_s(url, settings.stt_timeout_s)
    return service if after_s is None else HedgedSpeechToText(service, after_s)


def _whisper(settings: Settings, *, beside_brain: bool) -> WhisperEngine:
    size = settings.whisper_model_size
    return WhisperEngine(
        path_of(f"whisper-{size}", settings.models_dir),
        name=f"whisper {size}",
        threads=settings.whisper_threads,
        glimpses_give_way=beside_brain,
    )
