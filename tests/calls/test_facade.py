"""The functions that the second document promises to Python programs, with the answers it promises. A35-A46, A53, K26, K29."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from audio.pcm import FRAME_S, HEARING_FRAME_BYTES, HEARING_RATE_HZ, peak
from audio.wav import wav_bytes
from calls import facade
from calls.admission import Admission
from calls.capture import Capture
from calls.drafting import Engines
from calls.errors import NO_VOICE_CHAT, of
from calls.events import EventBus
from calls.framework import Framework
from calls.lines import ParticipantJoined
from calls.manager import CallManager
from calls.manners import Manners
from calls.raw_call import RAW_FRAME_BYTES, RAW_RATE_HZ, GroupCallRaw
from config import load_settings
from tests.calls.scripted_line import Lines, ScriptedLine
from tests.calls.stage import ANN, BOB, HearsClips, ScriptedBrain, ScriptedVoice, tone
from tests.calls.test_manager import always
from tests.calls.waiting import until

CHAT = -1001


class Client:
    def __init__(self) -> None:
        self.sent: list[tuple[Any, bytes, dict[str, Any]]] = []

    async def send_file(self, chat: Any, data: bytes, **fields: Any) -> None:
        self.sent.append((chat, data, fields))


@dataclass
class Scene:
    framework: Framework
    manager: CallManager
    lines: Lines
    voice: ScriptedVoice
    client: Client
    audio_dir: Path
    heard: list[bytes] = field(default_factory=list)

    async def join(self) -> ScriptedLine:
        assert await facade.join_voice_chat(CHAT)
        call = self.manager.call(CHAT)
        assert call is not None
        self.playing = asyncio.create_task(self._play(call.playout))
        return self.lines.made[-1]

    async def _play(self, playout: Any) -> None:
        while True:
            self.heard += [playout.read() for _ in range(20)]
            await asyncio.sleep(0.002)

    @property
    def audible_s(self) -> float:
        return sum(peak(frame) > 300 for frame in self.heard) * FRAME_S


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Scene]:
    client, voice, lines = Client(), ScriptedVoice(first_audio_s=0.0), Lines(make=lambda: ScriptedLine(opens_after_s=0.0))
    engines = Engines(HearsClips([]), ScriptedBrain(lambda _messages: "Yes."), voice)

    async def input_peer(chat_id: int) -> int:
        return chat_id

    account: Any = SimpleNamespace(client=client, input_peer=input_peer)
    engine: Any = SimpleNamespace(library=object())
    audio_dir = tmp_path / "audio"
    audio_dir.mkdir()
    async with CallManager(lines, engines, always(Manners(alone_s=None)), EventBus(), Admission(2)) as manager:
        framework = Framework(
            settings=load_settings(None, audio_dir=audio_dir), account=account, engine=engine, manager=manager, tts=voice,
            manners_for=always(None),
        )  # fmt: skip
        forget = facade.use(framework)
        yield Scene(framework, manager, lines, voice, client, audio_dir)
        forget()


@pytest.fixture
def logged(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.INFO)
    return caplog


async def test_a35_the_client_of_a_running_parley(scene: Scene) -> None:
    assert await facade.initialize_telethon_client() is scene.client


async def test_a35_a130_without_an_account_there_is_none(tmp_path: Path, logged: pytest.LogCaptureFixture) -> None:
    assert await facade.initialize_telethon_client(load_settings(None, session_path=tmp_path / "none.session")) is None
    assert "❌ Failed to initialize Telethon client" in logged.text
    assert "API_ID and API_HASH required" in logged.text


async def test_a36_shutting_down_leaves_all_calls_and_closes_once(scene: Scene) -> None:
    closed: list[bool] = []

    async def close() -> None:
        closed.append(True)

    line = await scene.join()
    facade.use(Framework(**{name: getattr(scene.framework, name) for name in Framework.__slots__} | {"close": close}))
    await facade.shutdown_telethon_client()
    await facade.shutdown_telethon_client()
    assert closed == [True]
    assert line.closed == 1
    assert not await facade.is_in_call(CHAT)


async def test_a37_one_instance_for_all_chats(scene: Scene) -> None:
    assert scene.framework.engine is not None
    assert await facade.initialize_pytgcalls(CHAT) is await facade.initialize_pytgcalls(CHAT - 1) is scene.framework.engine.library


async def test_a37_a38_a129_without_the_call_library_nothing_is_joined(logged: pytest.LogCaptureFixture) -> None:
    assert await facade.initialize_pytgcalls(CHAT) is None
    assert await facade.join_voice_chat(CHAT) is False
    assert "❌ Cannot join call: pytgcalls initialization failed" in logged.text


async def test_a38_a41_joining(scene: Scene) -> None:
    assert not await facade.is_in_call(CHAT)
    assert await facade.join_voice_chat(CHAT, auto_join=True) is True
    assert await facade.is_in_call(CHAT) is True
    assert (await facade.get_call_state(CHAT))["auto_joined"] is True
    assert await facade.join_voice_chat(CHAT) is True
    assert len(scene.lines.made) == 1


async def test_a38_what_cannot_be_joined_is_logged_with_the_next_step(scene: Scene, logged: pytest.LogCaptureFixture) -> None:
    scene.lines._make = lambda: ScriptedLine(failure=of(NO_VOICE_CHAT), opens_after_s=0.0)
    assert await facade.join_voice_chat(CHAT) is False
    assert "No active voice chat. Start one" in logged.text


async def test_a39_k29_leaving_empties_what_was_held(scene: Scene) -> None:
    line = await scene.join()
    line.waiting.put_nowait(ParticipantJoined(ANN))
    assert await facade.stream_tts_to_call(CHAT, "Hello.")
    assert await facade.leave_voice_chat(CHAT) is True
    state = await facade.get_call_state(CHAT)
    assert (state["state"], state["participants"], state["transcript"]) == ("left", [], deque())
    assert await facade.leave_voice_chat(CHAT) is False


async def test_a40_a53_the_state_has_exactly_the_promised_keys(scene: Scene) -> None:
    keys = {"state", "participants", "transcript", "last_response_time", "error_count", "join_time", "auto_joined"}
    idle = await facade.get_call_state(CHAT)
    assert set(idle) == keys
    assert idle["state"] == "idle"
    assert idle["transcript"].maxlen == 20
    await scene.join()
    joined = await facade.get_call_state(CHAT)
    assert set(joined) == keys
    assert joined["state"] == "joined"
    assert joined["join_time"] is not None


async def test_a42_a129_a_text_is_said_and_logged(scene: Scene, logged: pytest.LogCaptureFixture) -> None:
    await scene.join()
    assert await facade.stream_tts_to_call(CHAT, "Good morning.") is True
    assert scene.voice.spoken == ["Good morning."]
    assert scene.audible_s > 0.5
    assert f"✅ TTS audio streamed to call in chat {CHAT}" in logged.text


async def test_a42_a86_with_another_voice_and_rate(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    voices: list[Any] = []
    spoken = scene.voice.synthesize

    def noted(text: str, voice: Any) -> Any:
        voices.append(voice)
        return spoken(text, voice)

    monkeypatch.setattr(scene.voice, "synthesize", noted)
    await scene.join()
    assert await facade.stream_tts_to_call(CHAT, "One thing. Another thing.", "en-GB-RyanNeural", "+10%")
    assert await facade.stream_tts_to_call(CHAT, "One thing.")
    assert [(voice.name, voice.rate_percent) for voice in voices] == [("en-GB-RyanNeural", 10)] * 2 + [(None, 0)]


@pytest.mark.parametrize("rate", ["+300%", "fast", "-51%"])
async def test_a42_a_wrong_rate_is_refused(scene: Scene, logged: pytest.LogCaptureFixture, rate: str) -> None:
    await scene.join()
    assert await facade.stream_tts_to_call(CHAT, "Hello.", rate=rate) is False
    assert "❌ Failed to stream TTS to call" in logged.text


async def test_a42_a129_outside_a_call_nothing_is_said(scene: Scene, logged: pytest.LogCaptureFixture) -> None:
    assert await facade.stream_tts_to_call(CHAT, "Hello.") is False
    assert await facade.stream_tts_to_call(CHAT, "Hello.", "another") is False
    assert "⚠️ Cannot stream TTS: not in voice chat" in logged.text


async def test_a43_a_file_of_the_folder_is_played(scene: Scene) -> None:
    (scene.audio_dir / "bell.wav").write_bytes(wav_bytes(tone(1.0), 24_000))
    await scene.join()
    assert await facade.play_audio_to_call(CHAT, "bell.wav") is True
    assert 0.9 < scene.audible_s < 1.2
    assert scene.voice.spoken == []


async def test_a43_no_file_outside_the_folder_is_played(scene: Scene, tmp_path: Path, logged: pytest.LogCaptureFixture) -> None:
    (tmp_path / "secret.wav").write_bytes(wav_bytes(tone(0.1), 24_000))
    (scene.audio_dir / "link.wav").symlink_to(tmp_path / "secret.wav")
    (scene.audio_dir / "text.wav").write_text("not a sound")
    (scene.audio_dir / "folder.wav").mkdir()
    await scene.join()
    for path in ("../secret.wav", tmp_path / "secret.wav", "link.wav", "missing.wav", "text.wav", "folder.wav", "/dev/zero"):
        assert await facade.play_audio_to_call(CHAT, path) is False, path
    assert "is not inside" in logged.text
    assert scene.audible_s == 0
    assert await facade.play_audio_to_call(CHAT - 1, "text.wav") is False


async def test_a44_what_is_said_is_captured(scene: Scene) -> None:
    line = await scene.join()
    assert line.sink is not None
    capturing = asyncio.create_task(facade.capture_call_audio(CHAT, 1.0))
    await asyncio.sleep(0)  # it listens as soon as it begins
    line.sink(ANN, b"\x00\x10" * (HEARING_FRAME_BYTES // 2))
    captured = await capturing
    assert captured is not None
    assert len(captured) == 1.0 * HEARING_RATE_HZ * 2
    assert np.count_nonzero(np.frombuffer(captured, "<i2")) == HEARING_FRAME_BYTES // 2
    assert await facade.capture_call_audio(CHAT - 1) is None


def test_a44_people_who_speak_at_once_are_mixed_and_a_pause_stays_one() -> None:
    loud = np.full(160, 30_000, "<i2").tobytes()
    capture = Capture(0.1, began_s=5.0)
    capture.add(ANN, loud, 5.01)
    capture.add(BOB, loud, 5.01)
    capture.add(ANN, loud, 5.011)
    capture.add(ANN, loud, 5.095)
    capture.add(ANN, loud, 5.2)
    samples = np.frombuffer(capture.pcm, "<i2")
    assert [int(samples[at]) for at in (0, 159, 160, 319, 320, 1361, 1599)] == [32767, 32767, 30000, 30000, 0, 30000, 0]


async def test_a46_raw_sound_through_two_callbacks(scene: Scene) -> None:
    recorded: list[bytes] = []
    one_more = asyncio.Event()
    to_play = [tone(0.01 * RAW_RATE_HZ / 24_000)] * 40

    def on_recorded_data(call: GroupCallRaw, data: bytes, length: int) -> None:
        assert length == len(data) == RAW_FRAME_BYTES
        recorded.append(data)
        one_more.set()

    def on_played_data(call: GroupCallRaw, length: int) -> bytes:
        return to_play.pop()[:length] if to_play else b"\x00" * length

    raw = GroupCallRaw(on_played_data, on_recorded_data)
    assert not raw.is_connected
    line = await scene.join()
    assert await raw.start(CHAT)
    assert raw.is_connected
    assert line.sink is not None
    for _ in range(60):
        line.sink(ANN, b"\x00\x10" * (HEARING_FRAME_BYTES // 2))
        line.sink(BOB, b"\x00\x08" * (HEARING_FRAME_BYTES // 2))
        await one_more.wait()
        one_more.clear()
    await raw.stop()
    assert not raw.is_connected
    assert np.median(np.frombuffer(b"".join(recorded), "<i2")) == pytest.approx(0x1800, rel=0.05)
    assert np.count_nonzero(np.frombuffer(b"".join(scene.heard), "<i2")) / 24_000 == pytest.approx(0.4, abs=0.05)
    assert scene.manager.call(CHAT) is not None


async def test_a46_a_callback_that_fails_is_logged_and_the_call_goes_on(scene: Scene, logged: pytest.LogCaptureFixture) -> None:
    def on_played_data(call: GroupCallRaw, length: int) -> bytes:
        raise ValueError("no sound today")

    raw = GroupCallRaw(on_played_data)
    assert await raw.start(CHAT)
    await until(lambda: not raw.is_connected)
    assert "no sound today" in logged.text
    assert await facade.is_in_call(CHAT)
    assert await facade.leave_voice_chat(CHAT)


async def test_a46_without_a_voice_chat_there_is_no_raw_call(scene: Scene) -> None:
    scene.lines._make = lambda: ScriptedLine(failure=of(NO_VOICE_CHAT), opens_after_s=0.0)
    assert not await GroupCallRaw().start(CHAT)


async def test_a45_an_answer_as_a_voice_message(scene: Scene, logged: pytest.LogCaptureFixture) -> None:
    assert await facade.send_voice_message(CHAT, "Here I am.") is True
    ((chat, data, fields),) = scene.client.sent
    assert chat == CHAT
    assert data[:4] == b"OggS"
    assert fields["voice_note"] is True
    assert fields["attributes"][0].waveform
    assert await facade.send_voice_message(CHAT, "…") is False
    assert "❌ Failed to send a voice message" in logged.text
