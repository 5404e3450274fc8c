"""Speech to text by any service with OpenAI's interface: ``POST {url}/audio/transcriptions``, multipart."""

from __future__ import annotations

import json
from typing import Final

import aiohttp
from pydantic import SecretStr

from audio.pcm import HEARING_RATE_HZ
from audio.stt.engine import Transcript
from audio.wav import wav_bytes
from engines import Refused
from errors import EngineError

LONGEST_ANSWER_BYTES: Final = 1_000_000
REFUSED: Final = (401, 403)


class OpenAiSpeechToText:
    """One service; ``url`` is its base, such as ``http://127.0.0.1:8000/v1``."""

    def __init__(self, url: str, *, model: str, key: SecretStr | None = None, timeout_s: float = 10.0) -> None:
        self._url = url.rstrip("/")
        self._model = model
        self._key = key
        self._timeout_s = timeout_s
        self._http: aiohttp.ClientSession | None = None

    @property
    def name(self) -> str:
        """Such as ``whisper-1 at http://127.0.0.1:8000/v1``."""
        return f"{self._model} at {self._url}"

    async def load(self) -> None:
        """Open the connection pool; the service is not asked."""
        if self._http is None:
            headers = {"Authorization": f"Bearer {self._key.get_secret_value()}"} if self._key else {}
            self._http = aiohttp.ClientSession(headers=headers, timeout=aiohttp.ClientTimeout(total=self._timeout_s))

    async def transcribe(self, pcm: bytes, language: str | None = None) -> Transcript:
        """See :meth:`audio.stt.engine.SpeechToText.transcribe`.

        :raises errors.EngineError: not reachable, too slow, refused, or an answer that makes no sense.
        """
        if self._http is None:
            raise EngineError(f"{self.name} is not loaded.")
        form = aiohttp.FormData()
        form.add_field("file", wav_bytes(pcm, HEARING_RATE_HZ), filename="speech.wav", content_type="audio/wav")
        form.add_field("model", self._model)
        form.add_field("response_format", "json")
        if language and language != "auto":
            form.add_field("language", language)
        status, body = await self._posted(self._http, form)
        if status != 200:
            raise self._refusal(status, body)
        return self._transcript(body, language)

    async def _posted(self, http: aiohttp.ClientSession, form: aiohttp.FormData) -> tuple[int, bytes]:
        try:
            async with http.post(f"{self._url}/audio/transcriptions", data=form) as response:
                return response.status, await response.content.read(LONGEST_ANSWER_BYTES)
        except TimeoutError:
            raise EngineError(f"The transcription service at {self._url} gave no answer within {self._timeout_s:g} s.") from None
        except aiohttp.ClientError as failed:
            raise EngineError(
                f"The transcription service at {self._url} can't be reached: {failed}.", "Check STT_URL, and that the service runs."
            ) from None

    def _refusal(self, status: int, body: bytes) -> Refused:
        if status in REFUSED:
            return Refused(f"The transcription service at {self._url} refused the key (HTTP {status}).", "Check STT_API_KEY.", status)
        if status == 404:
            return Refused(
                f"There is no transcription service, or no model {self._model!r}, at {self._url} (HTTP 404).",
                "Check STT_URL and STT_MODEL.",
                status,
            )
        said = body[:200].decode(errors="replace")
        return Refused(f"The transcription service at {self._url} failed (HTTP {status}): {said}", "", status)

    def _transcript(self, body: bytes, language: str | None) -> Transcript:
        try:
            answer = json.loads(body)
            text, heard_in = str(answer["text"]).strip(), answer.get("language") or language or "en"
        except (ValueError, TypeError, KeyError, AttributeError):
            raise EngineError(
                f"The transcription service at {self._url} gave an answer without a text.", "Does STT_URL end in /v1?"
            ) from None
        return Transcript(text, str(heard_in))

    async def close(self) -> None:
        """Close the connections."""
        http, self._http = self._http, None
        if http is not None:
            await http.close()
