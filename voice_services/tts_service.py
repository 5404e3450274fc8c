"""Text to speech: ``get_tts_service().text_to_speech("Hello!")`` is a WAV file."""

from __future__ import annotations

from functools import cache

from audio.pcm import HEARING_RATE_HZ, PLAYOUT_RATE_HZ
from audio.resample import resample
from audio.tts import TextToSpeech
from audio.tts.choose import choose_text_to_speech, default_voice
from audio.wav import wav_bytes
from brain.clauses import ClauseSplitter
from config import Settings, load_settings
from errors import EngineError
from voice_services.loop_thread import wait_for


class TTSService:
    """Made by :func:`get_tts_service`. Its engine is that of ``TTS_ENGINE``, loaded with the first sentence."""

    def __init__(self, settings: Settings, engine: TextToSpeech) -> None:
        self._settings = settings
        self._engine = engine
        self._is_loaded = False

    def text_to_speech(self, text: str) -> bytes:
        """``text`` as a WAV file: 16 kHz, mono, 16 bit.

        :raises errors.ParleyError: there is no voice on this machine, or nothing to say.
        """
        return wait_for(self._spoken(text))

    async def _spoken(self, text: str) -> bytes:
        splitter = ClauseSplitter(self._settings.language)
        clauses = [*splitter.feed(text), *splitter.flush()]
        if not clauses:
            raise EngineError("There is nothing to say.", "Give a text with words.")
        if not self._is_loaded:
            await self._engine.load()
            self._is_loaded = True
        voice = default_voice(self._settings)
        pcm = b"".join([piece for clause in clauses async for piece in self._engine.synthesize(clause, voice)])
        return wav_bytes(resample(pcm, PLAYOUT_RATE_HZ, HEARING_RATE_HZ), HEARING_RATE_HZ)


@cache
def get_tts_service() -> TTSService:
    """The one of this process.

    :raises errors.ParleyError: the settings are wrong, or there is no voice on this machine.
    """
    settings = load_settings()
    return TTSService(settings, choose_text_to_speech(settings))
