"""The third document's WebSocket protocol, word for word (A108, A109), over real sockets."""

from __future__ import annotations

import io
import wave
from pathlib import Path

from audio.pcm import PLAYOUT_RATE_HZ, peak
from audio.wav import read_wav
from benchmarks.harness.sounds import clip
from calls.drafting import Engines
from calls.manners import Manners
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
