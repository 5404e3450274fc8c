"""The third document's WebSocket protocol, word for word (A108, A109), over real sockets."""

from __future__ import annotations

import hashlib
import io
import wave
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, cast

from audio.pcm import PLAYOUT_RATE_HZ, peak
from audio.vad import AboveFloor
from audio.wav import read_wav
from benchmarks.harness.sounds import clip
from calls import events
from calls.drafting import Engines
from calls.manners import Manners
from config import load_settings
from control.http.voice_session import adaptation
from tests.calls.stage import Clip, HearsClips, ScriptedBrain, ScriptedVoice, tone
from tests.control.http.voice_stage import WELCOME, voice_stage

SPEECH = Path(__file__).parents[2] / "speech"


def question() -> Clip:
    return Clip(clip(SPEECH / "goforward.wav"), "go forward ten meters")


async def test_a_call_of_the_third_document(tmp_path: Path) -> None:
    """A108, A109, A100: a welcome as a whole WAV file, ``status`` with the call's id, ``pong``, and the end."""
    async with voice_stage(tmp_path) as stage:
        client = await stage.connect()
        status = await client.text("status")
        assert status["call_id"] == stage.guests.calls[0].call_id
        assert status["state"] in ("listening", "thinking", "speaking")
        await client.socket.send_str('{"type": "ping"}')
        assert await client.text("pong") == {"type": "pong"}
        [welcome] = await client.sound()
        with wave.open(io.BytesIO(welcome)) as wav:
            assert (wav.getframerate(), wav.getnchannels(), wav.getsampwidth()) == (PLAYOUT_RATE_HZ, 1, 2)
            assert wav.readframes(wav.getnframes()) == tone(0.06 * len(WELCOME))
        await client.socket.send_str('{"type": "end_call"}')
        assert (await client.text("status", state="ended"))["call_id"] == status["call_id"]
        assert await client.closed() == 1000
        await stage.no_calls()


async def test_all_that_is_sent_at_once_is_heard_in_order(tmp_path: Path) -> None:
    """A client may send a recording faster than it sounds, within reason."""
    asked = question()
    engines = Engines(HearsClips([asked]), ScriptedBrain(lambda _messages: "Yes."), ScriptedVoice(first_audio_s=0.0))
    async with voice_stage(tmp_path, manners=Manners(), engines=engines) as stage:
        client = await stage.connect("?captions=true")
        await client.socket.send_bytes(asked.pcm[:60_000])
        await client.socket.send_bytes(asked.pcm[60_000:] + bytes(30_000))
        assert (await client.text("heard"))["text"] == asked.text


async def test_a_question_in_raw_pcm_is_answered_in_wav(tmp_path: Path) -> None:
    """A61, K22."""
    asked = question()
    engines = Engines(HearsClips([asked]), ScriptedBrain(lambda _messages: "Yes."), ScriptedVoice(first_audio_s=0.0))
    async with voice_stage(tmp_path, manners=Manners(), engines=engines) as stage:
        client = await stage.connect("?captions=true")
        sound = asked.pcm + bytes(32000)
        for start in range(0, len(sound), 4096):
            await client.socket.send_bytes(sound[start : start + 4096])
        assert (await client.text("heard"))["text"] == asked.text
        [answer] = await client.sound()
        assert peak(read_wav(answer).pcm) > 5000
        exchange = await client.text("exchange")
        assert exchange["reply"] == "Yes."
        assert {message["state"] for message in client.texts if message["type"] == "status"} >= {"thinking", "speaking", "listening"}


async def test_replies_in_raw_pcm_are_cleared_when_the_caller_interrupts(tmp_path: Path) -> None:
    """Who opts in gets PCM as it is spoken and ``clear`` at a cut; the history ends where the ear did."""
    asked = question()
    engines = Engines(HearsClips([asked]), ScriptedBrain(lambda _messages: "Yes."), ScriptedVoice(first_audio_s=0.0))
    manners = Manners(welcome="Hello, this is a rather long sentence that nobody wants to hear to its end, and it goes on. " * 3)
    async with voice_stage(tmp_path, manners=manners, engines=engines) as stage:
        client = await stage.connect("?output=pcm&rate=16000&captions=true")
        await client.sound(50)
        assert {len(message) for message in client.sounds[3:]} == {640}
        for start in range(0, len(asked.pcm), 32_000):
            await client.socket.send_bytes(asked.pcm[start : start + 32_000])
        await client.socket.send_bytes(bytes(30_000))
        await client.text("clear")
        announced = await client.text("announced")
        assert 0 < len(announced["heard"]) < len(announced["text"])


async def test_start_chooses_how_replies_come(tmp_path: Path) -> None:
    async with voice_stage(tmp_path, manners=Manners(welcome="Hello there.")) as stage:
        client = await stage.connect()
        await client.socket.send_str('{"type": "start", "output": "pcm", "rate": 8000}')
        sounds = await client.sound(8)
        assert len(sounds[-1]) == 320
        await client.socket.send_bytes(bytes(1600))
        await client.socket.send_str('{"type": "start", "rate": 16000}')
        assert (await client.text("error"))["code"] == "too_late"


async def test_a_conversation_goes_on_after_the_connection_broke(tmp_path: Path) -> None:
    """A112: within a minute, also when Parley has not noticed yet that the old connection is gone."""
    async with voice_stage(tmp_path) as stage:
        first = await stage.connect()
        begun = await first.text("status")
        assert begun["resumed"] is False
        await first.sound()
        await first.socket.close()
        await stage.no_calls()
        second = await stage.connect(f"?session_id={begun['session_id']}")
        assert (await second.text("status", resumed=True))["session_id"] == begun["session_id"]
        third = await stage.connect(f"?session_id={begun['session_id']}")
        assert (await third.text("status", resumed=True))["session_id"] == begun["session_id"]
        await second.closed()
        assert len(stage.guests.calls) == 1
        assert not third.sounds


async def test_a_session_that_there_is_not_begins_anew(tmp_path: Path) -> None:
    async with voice_stage(tmp_path) as stage:
        client = await stage.connect("?session_id=nonsense")
        assert (await client.text("status", resumed=False))["session_id"] != "nonsense"


async def test_the_first_status_tells_what_to_send(tmp_path: Path) -> None:
    """A14."""
    async with voice_stage(tmp_path, sample_rate=8000, chunk_size=1024) as stage:
        status = await (await stage.connect()).text("status")
        assert (status["sample_rate"], status["chunk_size"]) == (8000, 1024)


async def test_audio_format_chooses_for_those_who_do_not(tmp_path: Path) -> None:
    """A14."""
    async with voice_stage(tmp_path, audio_format="pcm") as stage:
        [first, *_] = await (await stage.connect()).sound()
        assert not first.startswith(b"RIFF")


def test_settings_of_the_third_document_change_how_turns_are_taken() -> None:
    """A15, K9, K10: and without them the settings of every call hold."""
    plain = Manners()
    assert adaptation(load_settings(None))(plain) == plain
    wanted = load_settings(None, min_audio_length_ms=500, silence_threshold=0.01, silence_duration_ms=500)
    manners = adaptation(wanted)(plain)
    assert (manners.pauses.shortest_speech_s, manners.pauses.end_s, manners.waits) == (0.5, 0.5, None)
    ear = manners.new_activity()
    assert isinstance(ear, AboveFloor)


async def test_captions_of_a_turn_that_goes_on_are_not_too_many(tmp_path: Path) -> None:
    """A15, K9: ``BUFFER_DURATION_MS`` is the least time between two of them; no turn is cut after it."""
    async with voice_stage(tmp_path, buffer_duration_ms=30_000) as stage:
        client = await stage.connect("?captions=true")
        await client.text("status")
        guest = stage.guests.calls[0]
        for text in ("go", "go forward", "go forward ten"):
            told = {"chat_id": guest.chat_id, "at_s": 0.0, "turn_id": 1, "revision": 1, "speaker": "caller", "speaker_id": -1}
            stage.services.bus.publish(events.TurnPartial(**told, text=text))  # type: ignore[arg-type]
        await client.socket.send_str('{"type": "ping"}')
        await client.text("pong")
        assert [message["text"] for message in client.texts if message["type"] == "partial"] == ["go"]


def test_the_printed_client_is_the_third_documents() -> None:
    """Byte for byte; tests/e2e plays it in a browser."""
    printed = Path(__file__).parents[2] / "e2e" / "voice_client.js"
    assert hashlib.sha256(printed.read_bytes()).hexdigest() == "a7bd89ba3076f1ccffff956babec3fac4be89711226f1b116c4bf380440fe060"


def client_of_the_document() -> Callable[..., Awaitable[list[bytes]]]:
    """The Python client that docs/websocket.md prints."""
    page = (Path(__file__).parents[3] / "docs" / "websocket.md").read_text(encoding="utf-8")
    program = page.partition("```python\n")[2].partition("```")[0]
    names: dict[str, Any] = {"__name__": "client"}
    exec(compile(program, "docs/websocket.md", "exec"), names)
    return cast(Callable[..., Awaitable[list[bytes]]], names["talk"])


async def test_the_python_client_of_the_document_holds_a_conversation(tmp_path: Path) -> None:
    asked = question()
    engines = Engines(HearsClips([asked]), ScriptedBrain(lambda _messages: "Yes."), ScriptedVoice(first_audio_s=0.0))
    async with voice_stage(tmp_path, manners=Manners(), engines=engines) as stage:
        heard = await client_of_the_document()(f"{stage.url}/ws/voice", asked.pcm, listen_s=5.0)
    assert peak(b"".join(heard)) > 5000
    assert [event.text for event in stage.happened if isinstance(event, events.TurnHeard)] == [asked.text]
