"""Parley's ear and voice for other programs, as OpenAI's audio API offers its own: speech to text, text to speech."""

from __future__ import annotations

import asyncio
import contextlib
import re
import tempfile
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import aclosing
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, BinaryIO, Final

from aiohttp import BodyPartReader, web
from pydantic import Field

from audio.decode_process import LARGEST_BYTES, decode_untrusted
from audio.encoded_stream import Form, encoded_stream
from audio.pcm import BYTES_PER_SAMPLE, HEARING_RATE_HZ, PLAYOUT_RATE_HZ, peak
from audio.stt import Transcript
from audio.tts import Voice
from brain.clauses import ClauseSplitter
from brain.speakable import MAX_REPLY_CHARS
from calls.voice_messages import PIECE_S, SILENT_PEAK, pieces
from control.http.access import Scope, require
from control.http.bodies import Body, body_of
from control.http.problems import Problem
from control.http.services import HttpServices

HEARD_AT_ONCE: Final = 2
SPOKEN_AT_ONCE: Final = 4
MOST_WAITING: Final = 16
UPLOAD_WITHIN_S: Final = 120.0
LONGEST_FIELD: Final = 4_096
MOST_FIELDS: Final = 32
LONGEST_INPUT: Final = 4_096
PORTION_CHARS: Final = MAX_REPLY_CHARS // 2
"""Half of what one reply may hold, since what is said may be longer than what is written."""
FORMATS: Final = ("json", "text", "verbose_json")
OPENAI_VOICES: Final = frozenset(
    "alloy ash ballad coral cedar echo fable marin nova onyx sage shimmer verse default".split()  # noqa: SIM905 - easier to read
)
"""Programs that were written for OpenAI ask for these; they get the voice of the settings."""
_SENTENCE_END: Final = re.compile(r"(?<=[.!?…])\s+")


class SpeechRequest(Body):
    """What to say and how. ``model`` and ``instructions`` are taken and not used: there is one voice engine."""

    input: str = Field(min_length=1, max_length=LONGEST_INPUT, pattern=r"\S")
    model: str = ""
    voice: str = "default"
    response_format: Form = Form.MP3
    speed: float = Field(1.0, ge=0.5, le=2.0)
    language: str | None = Field(None, pattern=r"^[a-z]{2}$")
    instructions: str = ""
    stream_format: str = Field("audio", pattern="^audio$")


@dataclass(slots=True)
class TranscriptionRequest:
    """The fields of the form; those that are not listed are taken and not used."""

    response_format: str = "json"
    language: str | None = None


@dataclass(frozen=True, slots=True)
class Segment:
    """What was heard of one piece of a sound; times in seconds."""

    start_s: float
    end_s: float
    transcript: Transcript


class Turnstile:
    """Lets so many in at once and has some more wait; whoever comes then is told to come again."""

    def __init__(self, at_once: int, what: str) -> None:
        self._inside = asyncio.Semaphore(at_once)
        self._waiting = 0
        self._what = what

    @contextlib.asynccontextmanager
    async def entered(self) -> AsyncIterator[None]:
        """Wait, then be one of those inside.

        :raises Problem: too many wait already.
        """
        if self._waiting >= MOST_WAITING:
            raise Problem(
                HTTPStatus.SERVICE_UNAVAILABLE, "busy", f"Parley is {self._what} for too many already.", "Ask again in a few seconds.",
                headers={"Retry-After": "3"},
            )  # fmt: skip
        self._waiting += 1
        try:
            await self._inside.acquire()
        finally:
            self._waiting -= 1
        try:
            yield
        finally:
            self._inside.release()


def routes(services: HttpServices) -> list[web.RouteDef]:
    """``/v1/audio/transcriptions`` and ``/v1/audio/speech``."""
    ear, voice = Ear(services), Mouth(services)
    return [web.post("/v1/audio/transcriptions", ear.transcribe), web.post("/v1/audio/speech", voice.speak)]


class Ear:
    """Speech to text."""

    def __init__(self, services: HttpServices) -> None:
        self._engines = services.engines
        self._turnstile = Turnstile(HEARD_AT_ONCE, "listening")

    async def transcribe(self, request: web.Request) -> web.Response:
        """The words of a sound file; it is decoded in a process of its own that can do no harm."""
        await require(request, Scope.VOICE)
        with tempfile.TemporaryFile() as file:
            asked = await _form(request, file)
            async with self._turnstile.entered():
                pcm = await decode_untrusted(file)
                segments = [segment async for segment in self._heard(pcm, asked.language)]
        return _told(asked, segments, len(pcm) / BYTES_PER_SAMPLE / HEARING_RATE_HZ)

    async def _heard(self, pcm: bytearray, language: str | None) -> AsyncIterator[Segment]:
        at_s = 0.0
        for piece in pieces(pcm, PIECE_S):
            start_s, at_s = at_s, at_s + len(piece) / BYTES_PER_SAMPLE / HEARING_RATE_HZ
            if peak(piece) < SILENT_PEAK:
                continue
            with self._engines.speculation.transcription():
                transcript = await self._engines.stt.transcribe(piece, language)
            if transcript.text:
                language = language or transcript.language
                yield Segment(start_s, at_s, transcript)


async def _form(request: web.Request, file: BinaryIO) -> TranscriptionRequest:
    """Read the form, its file into ``file``.

    :raises Problem: it is no form, lacks the file, holds too much, or asks for what there is not.
    """
    if request.content_type != "multipart/form-data":
        raise Problem(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "not_a_form", "The body is not a form with a file.", "Send multipart/form-data.")
    if (request.content_length or 0) > LARGEST_BYTES + MOST_FIELDS * LONGEST_FIELD:
        raise _too_large()
    try:
        async with asyncio.timeout(UPLOAD_WITHIN_S):
            fields, has_file = await _read(request, file)
    except TimeoutError:
        raise Problem(HTTPStatus.REQUEST_TIMEOUT, "too_slow", "The file did not come in time.", "Send a smaller one.") from None
    except ValueError:
        raise Problem(HTTPStatus.BAD_REQUEST, "bad_form", "The form cannot be read.", "Send multipart/form-data with a boundary.") from None
    if not has_file:
        raise Problem(HTTPStatus.BAD_REQUEST, "no_file", "There is no file in the form.", "Send the sound in the field file.")
    return _checked(fields)


async def _read(request: web.Request, file: BinaryIO) -> tuple[dict[str, str], bool]:
    fields: dict[str, str] = {}
    has_file = False
    reader = await request.multipart()
    count = 0
    while (part := await reader.next()) is not None:
        count += 1
        if count > MOST_FIELDS or not isinstance(part, BodyPartReader):
            raise Problem(
                HTTPStatus.BAD_REQUEST, "bad_form", "The form has too many fields.", f"At most {MOST_FIELDS}, none of them nested."
            )
        if part.name == "file":
            has_file = True
            await _save(part, file)
        else:
            fields[part.name or ""] = await _field(part)
    return fields, has_file


async def _save(part: BodyPartReader, file: BinaryIO) -> None:
    size = 0
    while chunk := await part.read_chunk():
        size += len(chunk)
        if size > LARGEST_BYTES:
            raise _too_large()
        file.write(chunk)
    file.flush()


async def _field(part: BodyPartReader) -> str:
    value = bytearray()
    while chunk := await part.read_chunk():
        value += chunk
        if len(value) > LONGEST_FIELD:
            raise Problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "field_too_long", f"The field {part.name} is too long.", "Shorten it.")
    return value.decode("utf-8", errors="replace")


def _too_large() -> Problem:
    return Problem(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "too_large", f"The file is larger than {LARGEST_BYTES >> 20} MB.", "Send it in parts."
    )


def _checked(fields: dict[str, str]) -> TranscriptionRequest:
    asked = TranscriptionRequest(fields.get("response_format") or "json", fields.get("language") or None)
    if asked.response_format not in FORMATS:
        raise Problem(HTTPStatus.BAD_REQUEST, "bad_format", "There is no such response_format.", f"Choose one of {', '.join(FORMATS)}.")
    if asked.language is not None and not re.fullmatch(r"[a-z]{2}", asked.language):
        raise Problem(
            HTTPStatus.BAD_REQUEST, "bad_language", "language should be a two-letter code.", "Such as en; leave it out to detect it."
        )
    return asked


def _told(asked: TranscriptionRequest, segments: list[Segment], duration_s: float) -> web.Response:
    text = " ".join(segment.transcript.text for segment in segments)
    if asked.response_format == "text":
        return web.Response(text=f"{text}\n")
    if asked.response_format == "json":
        return web.json_response({"text": text})
    language = segments[0].transcript.language if segments else asked.language or ""
    told: dict[str, Any] = {
        "task": "transcribe",
        "language": language,
        "duration": round(duration_s, 3),
        "text": text,
        "segments": [
            {"id": number, "start": round(segment.start_s, 3), "end": round(segment.end_s, 3), "text": segment.transcript.text}
            for number, segment in enumerate(segments)
        ],
        "words": [
            {"word": word.text, "start": round(segment.start_s + word.start_s, 3), "end": round(segment.start_s + word.end_s, 3)}
            for segment in segments
            for word in segment.transcript.words
        ],
    }
    return web.json_response(told)


class Mouth:
    """Text to speech."""

    def __init__(self, services: HttpServices) -> None:
        self._engines = services.engines
        self._language = services.settings.language if services.settings.language != "auto" else "en"
        self._turnstile = Turnstile(SPOKEN_AT_ONCE, "speaking")

    async def speak(self, request: web.Request) -> web.StreamResponse:
        """The sound, from its first clause on while the others are still made."""
        await require(request, Scope.VOICE)
        asked = await body_of(request, SpeechRequest)
        name = None if asked.voice.lower() in OPENAI_VOICES else asked.voice
        voice = Voice(asked.language or self._language, name, round((asked.speed - 1) * 100))
        async with self._turnstile.entered(), aclosing(self._encoded(asked, voice)) as chunks:
            first = await anext(chunks, b"")
            if not first:
                raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, "nothing_to_say", "There is nothing in it to say.", "Send some words.")
            response = web.StreamResponse(headers={"Content-Type": asked.response_format.media_type})
            await response.prepare(request)
            await response.write(first)
            async for chunk in chunks:
                await response.write(chunk)
            await response.write_eof()
        return response

    async def _encoded(self, asked: SpeechRequest, voice: Voice) -> AsyncGenerator[bytes, None]:
        encoder = encoded_stream(asked.response_format, PLAYOUT_RATE_HZ)
        spoken = False
        for clause in clauses(asked.input, voice.language):
            async with aclosing(self._engines.tts.synthesize(clause, voice)) as sound:
                async for pcm in sound:
                    spoken = True
                    if data := await asyncio.to_thread(encoder.feed, pcm):
                        yield data
        if spoken:
            yield await asyncio.to_thread(encoder.finish)


def clauses(text: str, language: str) -> Iterator[str]:
    """What is said of a text, in portions that a voice can begin with."""
    for portion in _portions(text):
        splitter = ClauseSplitter(language)
        yield from splitter.feed(portion)
        yield from splitter.flush()


def _portions(text: str) -> Iterator[str]:
    portion = ""
    for sentence in _SENTENCE_END.split(text):
        for start in range(0, len(sentence), PORTION_CHARS):
            part = sentence[start : start + PORTION_CHARS]
            if portion and len(portion) + len(part) > PORTION_CHARS:
                yield portion
                portion = ""
            portion = f"{portion} {part}".strip()
    if portion:
        yield portion
