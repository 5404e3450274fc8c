"""Speech to text: ``get_stt_service().speech_to_text(audio_bytes)`` is what was said."""

from __future__ import annotations

import tempfile
from functools import cache
from pathlib import Path

from audio.decode_process import decode_untrusted
from audio.pcm import peak
from audio.stt import SpeechToText
from audio.stt.choose import choose_speech_to_text
from calls.voice_messages import PIECE_S, SILENT_PEAK, pieces
from config import Settings, load_settings
from voice_services.loop_thread import wait_for


class STTService:
    """Made by :func:`get_stt_service`. Its engine is that of the settings, loaded with the first sound."""

    def __init__(self, settings: Settings, engine: SpeechToText) -> None:
        self._settings = settings
        self._engine = engine
        self._is_loaded = False

    def speech_to_text(self, audio_bytes: bytes) -> str:
        """The words of a sound file in any usual format (WAV, Ogg, MP3, WebM, …); empty when nothing was said.

        It is decoded in a process of its own that can do no harm.

        :raises errors.ParleyError: it is no sound file, too long, or there is no model on this machine.
        """
        return wait_for(self._heard(audio_bytes))

    def speech_to_text_file(self, path: str | Path) -> str:
        """The same for a file on disk.

        :raises OSError: it cannot be read.
        """
        return self.speech_to_text(Path(path).read_bytes())

    async def _heard(self, audio_bytes: bytes) -> str:
        with tempfile.TemporaryFile() as file:
            file.write(audio_bytes)
            file.flush()
            pcm = await decode_untrusted(file)
        if not self._is_loaded:
            await self._engine.load()
            self._is_loaded = True
        language = None if self._settings.language == "auto" else self._settings.language
        heard = [await self._engine.transcribe(piece, language) for piece in pieces(pcm, PIECE_S) if peak(piece) >= SILENT_PEAK]
        return " ".join(transcript.text for transcript in heard if transcript.text)


@cache
def get_stt_service() -> STTService:
    """The one of this process.

    :raises errors.ParleyError: the settings are wrong, or there is no model on this machine.
    """
    settings = load_settings()
    return STTService(settings, choose_speech_to_text(settings))
