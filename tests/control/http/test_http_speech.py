"""Speech to text and text to speech over HTTP, as programs written for OpenAI's audio API ask for it (C.9)."""

from __future__ import annotations

import io
import wave
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from audio.codecs import decode
from audio.encoded_stream import Form, encoded_stream
from audio.pcm import PLAYOUT_RATE_HZ, peak
from audio.wav import wav_bytes
from control.http import speech
from errors import EngineError
from tests.calls.stage import tone
from tests.control.http.http_stage import HttpStage, http_stage

HELLO = {"input": "Good morning.", "model": "tts-1", "voice": "alloy"}


async def heard(stage: HttpStage, sound: bytes | None, **fields: str) -> tuple[int, Any]:
    form = aiohttp.FormData(default_to_multipart=True)
    for name, value in {"model": "whisper-1", **fields}.items():
        form.add_field(name, value)
    if sound is not None:
        form.add_field("file", sound, filename="../../etc/passwd.wav", content_type="audio/wav")
    async with stage.client.post("/v1/audio/transcriptions", data=form) as answer:
        return answer.status, await (answer.json() if answer.content_type == "application/json" else answer.text())


async def test_a_sound_file_becomes_text(tmp_path: Path) -> None:
    sound = wav_bytes(tone(2.0), PLAYOUT_RATE_HZ)
    async with http_stage(tmp_path) as stage:
        assert await heard(stage, sound) == (200, {"text": "Good morning."})
        assert await heard(stage, sound, response_format="text", language="ca") == (200, "Good morning.\n")
        assert stage.hearing.asked == [None, "ca"]
        assert await heard(stage, wav_bytes(bytes(96_000), PLAYOUT_RATE_HZ)) == (200, {"text": ""})


async def test_a_long_sound_file_becomes_segments_and_words_with_times(tmp_path: Path) -> None:
    async with http_stage(tmp_path) as stage:
        _, told = await heard(stage, wav_bytes(tone(20.0), PLAYOUT_RATE_HZ), response_format="verbose_json")
    assert (told["task"], told["language"], told["duration"]) == ("transcribe", "en", pytest.approx(20.0, abs=0.01))
    first, second = told["segments"]
    assert (first["start"], first["text"], second["end"]) == (0.0, "Good morning.", pytest.approx(20.0, abs=0.01))
    assert first["end"] == second["start"]
    assert [word["word"] for word in told["words"]] == ["Good", "morning."] * 2
    assert told["words"][2]["start"] == pytest.approx(second["start"] + 0.1, abs=0.002)


@pytest.mark.parametrize(
    ("sound", "fields", "status", "words"),
    [
        (b"garbage" * 100, {}, 422, "no sound file"),
        (b"", {}, 422, "empty"),
        (None, {}, 400, "Send the sound in the field file."),
        (b"RIFF", {"response_format": "srt"}, 400, "Choose one of json, text, verbose_json."),
        (b"RIFF", {"language": "english"}, 400, "two-letter code"),
        (b"RIFF", {"prompt": "x" * 5_000}, 413, "The field prompt is too long."),
        (b"RIFF", {str(number): "x" for number in range(40)}, 400, "too many fields"),
    ],
)
async def test_what_cannot_be_heard_is_told(tmp_path: Path, sound: bytes | None, fields: dict[str, str], status: int, words: str) -> None:
    async with http_stage(tmp_path) as stage:
        refused = await heard(stage, sound, **fields)
    assert refused[0] == status
    assert words in refused[1]["error"]["message"]


async def test_a_file_that_is_too_large_is_not_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(speech, "LARGEST_BYTES", 1_000)
    async with http_stage(tmp_path) as stage:
        status, refused = await heard(stage, bytes(2_000))
        assert (status, refused["error"]["code"]) == (413, "too_large")


async def test_a_form_that_is_none_is_told(tmp_path: Path) -> None:
    async with http_stage(tmp_path) as stage:
        for kind, status in (("application/json", 415), ("multipart/form-data", 400), ("multipart/form-data; boundary=b", 400)):
            async with stage.client.post("/v1/audio/transcriptions", data=b"{}", headers={"Content-Type": kind}) as answer:
                assert answer.status == status


@pytest.mark.parametrize(("form", "kind"), [("pcm", "audio/pcm"), ("wav", "audio/wav"), ("opus", "audio/ogg"), ("mp3", "audio/mpeg")])
async def test_text_becomes_speech(tmp_path: Path, form: str, kind: str) -> None:
    async with http_stage(tmp_path) as stage:
        async with stage.client.post("/v1/audio/speech", json=HELLO | {"response_format": form, "speed": 1.25}) as answer:
            assert (answer.status, answer.content_type) == (200, kind)
            sound = await answer.read()
        assert stage.voice.spoken == ["Good morning."]
    expected = tone(0.06 * len("Good morning."))
    if form == "pcm":
        assert sound == expected
        return
    if form == "wav":
        with wave.open(io.BytesIO(sound)) as file:
            assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (PLAYOUT_RATE_HZ, 1, 2)
    decoded = decode(sound, PLAYOUT_RATE_HZ)
    assert len(decoded) == pytest.approx(len(expected), rel=0.15)
    assert 7_000 < peak(decoded) < 11_000


async def test_a_long_text_is_spoken_clause_by_clause(tmp_path: Path) -> None:
    text = " ".join(f"This is sentence number {number} of a long text." for number in range(60))
    async with http_stage(tmp_path) as stage:
        async with stage.client.post("/v1/audio/speech", json={"input": text, "response_format": "pcm"}) as answer:
            await answer.read()
        assert len(stage.voice.spoken) > 10
        assert " ".join(stage.voice.spoken) == text


@pytest.mark.parametrize(
    ("asked", "status", "words"),
    [
        ({"input": "x" * 5_000}, 400, "at most 4096"),
        ({"input": ""}, 400, "input"),
        ({"input": "Hi", "response_format": "flac"}, 400, "'pcm', 'wav', 'opus' or 'mp3'"),
        ({"input": "Hi", "speed": 9}, 400, "speed"),
        ({"input": "Hi", "stream_format": "sse"}, 400, "stream_format"),
        ({"input": "```\nprint()\n```"}, 422, "There is nothing in it to say."),
    ],
)
async def test_what_cannot_be_said_is_told(tmp_path: Path, asked: dict[str, Any], status: int, words: str) -> None:
    async with http_stage(tmp_path) as stage:
        refused = await stage.ask("/v1/audio/speech", asked)
    assert refused[0] == status
    assert words in refused[1]["error"]["message"]


async def test_an_engine_that_fails_is_told_before_anything_is_sent(tmp_path: Path) -> None:
    async with http_stage(tmp_path) as stage:
        stage.voice.failure = EngineError("The voice is gone.", "Try again.")
        status, refused = await stage.ask("/v1/audio/speech", HELLO)
        assert (status, refused["error"]["message"]) == (503, "The voice is gone. Try again.")


async def test_more_than_can_be_spoken_at_once_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(speech, "MOST_WAITING", 0)
    async with http_stage(tmp_path) as stage:
        status, refused = await stage.ask("/v1/audio/speech", HELLO)
        assert (status, refused["error"]["code"]) == (503, "busy")


@pytest.mark.parametrize("form", list(Form))
def test_sound_in_small_pieces_is_encoded_whole(form: Form) -> None:
    sound, encoder = tone(1.0), encoded_stream(form, PLAYOUT_RATE_HZ)
    pieces = [encoder.feed(sound[start : start + 500]) for start in range(0, len(sound), 500)]
    assert sum(bool(piece) for piece in pieces) > 3
    whole = b"".join(pieces) + encoder.finish()
    if form is Form.PCM:
        assert whole == sound
    else:
        assert len(decode(whole, PLAYOUT_RATE_HZ)) == pytest.approx(len(sound), rel=0.1)
