"""Another program drives Parley over its control socket, in a real call on the loopback Telegram: the first document's own requests."""

from __future__ import annotations

import contextlib
import json
import time
import wave
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import pytest

from audio.stt import Transcript
from audio.tts import Voice
from calls.drafting import Engines
from control.framing import Framing
from loopback.people.pacer import Pacer
from loopback.people.person import Person
from tests.call_process import run_in_process
from tests.calls.stage import HearsClips, ScriptedBrain, ScriptedVoice
from tests.control.stage import CHAT, JOIN, LEAVE, SPEAK, STATUS, Client
from tests.e2e.whole_parley import Scene, scene

CHANNEL_ID = 1234567890
TRANSCRIPT = b'{"jsonrpc": "2.0", "method": "transcript.get", "params": [-1001234567890], "id": 2}'
SPEECH = Path(__file__).resolve().parents[1] / "speech" / "goforward.wav"


class HearsOneSentence(HearsClips):
    async def transcribe(self, pcm: bytes, language: str | None = None) -> Transcript:
        return Transcript("Go forward ten meters.", language="en", confidence=0.9)

    async def glimpse(self, pcm: bytes, language: str | None = None) -> Transcript | None:
        return None


class KeepsVoices(ScriptedVoice):
    def __init__(self) -> None:
        super().__init__()
        self.languages: dict[str, str] = {}

    async def synthesize(self, text: str, voice: Voice) -> AsyncGenerator[bytes, None]:
        self.languages[text] = voice.language
        async for pcm in super().synthesize(text, voice):
            yield pcm


async def asked(client: Client, request: bytes, told: list[Any]) -> Any:
    """The answer to a request; what is told before it is kept."""
    client.send(request)
    while "method" in (message := await client.message(30.0)):
        told.append(message)
    return message["result"]


async def until_told(client: Client, what: str, told: list[Any]) -> Any:
    while not (found := [message["params"] for message in told if message["method"] == what]):
        told.append(await client.message(30.0))
    return found[-1]


async def connected(club: Scene, path: Path, framing: Framing) -> Client:
    await club.until(path.is_socket)
    return await Client.connect(path, framing)


async def another_program_drives_parley(folder: str, framing: str) -> None:
    path, voice = Path(folder) / "control.sock", KeepsVoices()
    told: list[Any] = []
    engines = Engines(HearsOneSentence([]), ScriptedBrain(lambda _messages: "Yes."), voice)
    async with scene(folder, engines, control_socket=str(path)) as club, Pacer() as pacer, contextlib.AsyncExitStack() as online:
        agora = club.telegram.add_group("Àgora", club.ann, members=[club.bob, club.parley], chat_id=CHANNEL_ID)
        club.telegram.start_voice_chat(agora, club.ann)
        async with club.running():
            client = await connected(club, path, Framing[framing])
            status = await asked(client, STATUS, told)
            assert status | {"active_sessions": [], "running": True, "pyrogram": True, "pytgcalls": True} == status

            assert await asked(client, JOIN, told) == {"chat_id": CHAT, "title": "Àgora", "joined": True}
            assert club.parley in club.telegram.in_voice_chat(agora)
            assert (await until_told(client, "call.joined", told))["title"] == "Àgora"
            assert (await asked(client, STATUS, told))["active_sessions"] == [CHAT]

            ann = Person("Ann", club.telegram.session_for(club.ann), pacer)
            online.push_async_callback(ann.disconnect)
            await ann.connect()
            await ann.join_call(CHAT)
            since_s = time.monotonic()
            assert await asked(client, SPEAK, told) == {"chat_id": CHAT, "spoken": True}
            await ann.wait_until_heard(club.parley.id, since_s=since_s, audible_ms=300)
            assert voice.languages == {"Hola a tothom!": "ca"}

            with wave.open(str(SPEECH)) as speech:
                await ann.speak(speech.readframes(speech.getnframes()), speech.getframerate())
            heard = await until_told(client, "transcription", told)
            assert (heard["speaker"], heard["text"], heard["chat_id"]) == ("Ann", "Go forward ten meters.", CHAT)
            assert (await until_told(client, "reply", told))["heard"] == "Yes."

            ringing = club.telegram.phone(club.bob, club.parley)
            assert (await until_told(client, "call.incoming", told))["chat_id"] == club.bob.id
            club.telegram.hang_up(ringing)
            assert await until_told(client, "call.ended", told)

            lines: list[dict[str, Any]] = []
            while not lines:  # it is told before it is stored
                lines = (await asked(client, TRANSCRIPT, told))["lines"]
            assert {line["heard"] for line in lines} == {"Go forward ten meters."}
            assert await asked(client, LEAVE, told) == {"chat_id": CHAT, "left": True}
            assert await until_told(client, "call.left", told)
            assert club.parley not in club.telegram.in_voice_chat(agora)
            client.close()
        assert not path.exists()


async def what_cannot_be_joined(folder: str) -> None:
    path = Path(folder) / "control.sock"
    async with scene(folder, control_socket=str(path)) as club:
        parley_in, parley_out = club.group, club.telegram.add_group("Chess", club.ann)
        async with club.running():
            client = await connected(club, path, Framing.LINES)
            for chat_id, code in ((parley_in.dialog_id, -32002), (parley_out.dialog_id, -32004), (club.ann.id, -32004), (-5, -32004)):
                error = (await client.ask("join", chat_id=chat_id))["error"]
                assert error["code"] == code, error
            club.telegram.start_voice_chat(parley_in, club.ann)
            client.send(json.dumps({"jsonrpc": "2.0", "method": "join", "params": [parley_in.dialog_id], "id": 1}).encode())
            assert (await client.message(30.0))["result"]["joined"]
            assert (await client.ask("join", chat_id=parley_in.dialog_id))["error"]["code"] == -32003
            client.close()


@pytest.mark.parametrize("framing", [framing.name for framing in Framing])
def test_the_requests_of_the_first_document_in_a_real_call(framing: str, tmp_path: Path) -> None:
    run_in_process(another_program_drives_parley, str(tmp_path), framing, timeout_s=110)


def test_what_cannot_be_joined_is_told_by_code(tmp_path: Path) -> None:
    run_in_process(what_cannot_be_joined, str(tmp_path), timeout_s=110)
