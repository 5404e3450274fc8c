# SPDX-License-Identifier: GPL-3.0-or-later
"""LiveKit Agents under the microphone: an ``AgentSession`` without room or server. Prints JSON, see :mod:`benchmarks.harness.session`."""

# mypy: disable-error-code="import-not-found, import-untyped, misc, no-untyped-call, untyped-decorator, no-any-return, unused-ignore"
from __future__ import annotations

import asyncio
import functools
import logging
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import numpy as np
from livekit import rtc
from livekit.agents import Agent, AgentSession, inference, stt, tts, utils, vad
from livekit.agents.language import LanguageCode
from livekit.agents.llm import LLM, ChatChunk, ChoiceDelta, LLMStream
from livekit.agents.types import DEFAULT_API_CONNECT_OPTIONS
from livekit.agents.voice.io import AudioInput, AudioOutput, AudioOutputCapabilities

from audio.pcm import HEARING_RATE_HZ, PLAYOUT_RATE_HZ, peak
from benchmarks.harness.script import Delays, Prompter, tokens
from benchmarks.harness.session import Ends, Setup, prompter_for, run
from benchmarks.harness.sounds import spoken
from benchmarks.harness.speaker import PacedSpeaker, Speaker

LOUD: Final = 1000
PIECE_BYTES: Final = PLAYOUT_RATE_HZ // 10 * 2
DEVICE_BUFFER_S: Final = 0.2
"""As the framework's own rooms: it pushes back when this much waits to be heard."""
SPEECH_STARTS_S: Final = 0.05
PRE_ROLL_S: Final = 0.5
INTERRUPTION_S: Final = 0.2
"""Speech that interrupts; 0.5 is the framework's default."""
OWN_SILENCE_S: Final = 0.25
"""The framework's default silence, which its turn model expects."""
WHISPER_PADDING: Final = bytes(HEARING_RATE_HZ)
"""Half a second, as Pipecat pads."""


class Input(AudioInput):
    """Where the microphone pushes."""

    def __init__(self) -> None:
        super().__init__(label="microphone")
        self._frames: Any = utils.aio.Chan()

    async def __anext__(self) -> rtc.AudioFrame:
        return await self._frames.__anext__()

    async def feed(self, pcm: bytes) -> None:
        """One packet."""
        self._frames.send_nowait(rtc.AudioFrame(pcm, HEARING_RATE_HZ, 1, len(pcm) // 2))


class Output(AudioOutput):
    """A device with a buffer: plays in real time, can be flushed, cut and paused."""

    def __init__(self, speaker: Speaker) -> None:
        super().__init__(label="speaker", capabilities=AudioOutputCapabilities(pause=True), sample_rate=PLAYOUT_RATE_HZ)
        self._paced = PacedSpeaker(speaker, DEVICE_BUFFER_S)
        self._pushed_s = 0.0
        self._began_s = 0.0
        self._ending: asyncio.TimerHandle | None = None
        self._may_play = asyncio.Event()
        self._may_play.set()

    async def capture_frame(self, frame: rtc.AudioFrame) -> None:
        """Sound to be played."""
        await super().capture_frame(frame)
        await self._may_play.wait()
        if not self._pushed_s:
            self._began_s = time.perf_counter()
            self.on_playback_started(created_at=time.time())
        self._pushed_s += frame.duration
        await self._paced.play(bytes(frame.data), frame.sample_rate)

    def flush(self) -> None:
        """No more sound for this segment."""
        super().flush()
        if self._pushed_s:
            left_s = max(0.0, self._paced.until_s - time.perf_counter())
            self._ending = asyncio.get_running_loop().call_later(left_s, self._ended, False)

    def _ended(self, interrupted: bool) -> None:
        played_s = min(self._pushed_s, time.perf_counter() - self._began_s) if interrupted else self._pushed_s
        self._pushed_s = 0.0
        if self._ending:
            self._ending.cancel()
            self._ending = None
        self.on_playback_finished(playback_position=played_s, interrupted=interrupted, synchronized_transcript=None)

    def clear_buffer(self) -> None:
        """Silence, for good."""
        self._paced.cut()
        if self._pushed_s:
            self._ended(True)

    def pause(self) -> None:
        """Silence, for now."""
        super().pause()
        self._paced.cut()
        self._may_play.clear()

    def resume(self) -> None:
        """Go on."""
        super().resume()
        self._may_play.set()


class Loudness(vad.VAD):
    """A threshold in windows of ``hop_ms``, with the framework's default of 50 ms for a start."""

    def __init__(self, delays: Delays, hop_ms: int) -> None:
        self.hop_s = hop_ms / 1000
        self.stop_s = delays.vad_stop_s
        super().__init__(capabilities=vad.VADCapabilities(update_interval=self.hop_s))

    def stream(self) -> vad.VADStream:
        """One participant's."""
        return LoudnessStream(self)


class LoudnessStream(vad.VADStream):
    """Windows in, starts and ends of speech out."""

    async def _main_task(self) -> None:
        self._held: list[bytes] = []
        self._speaking = False
        self._speech_s = self._silence_s = 0.0
        self._samples = 0
        size = round(self._vad.hop_s * HEARING_RATE_HZ) * 2
        pending = b""
        async for frame in self._input_ch:
            if isinstance(frame, rtc.AudioFrame):
                pending += bytes(frame.data)
            while len(pending) >= size:
                self._window(pending[:size])
                pending = pending[size:]

    def _window(self, window: bytes) -> None:
        hop_s = self._vad.hop_s
        loud = peak(window) > LOUD
        self._samples += len(window) // 2
        self._silence_s = 0.0 if loud else self._silence_s + hop_s
        self._speech_s = self._speech_s + hop_s if loud else self._speech_s * self._speaking
        self._held.append(window)
        if not self._speaking:
            del self._held[: -round(PRE_ROLL_S / hop_s)]
        self._tell(vad.VADEventType.INFERENCE_DONE, loud)
        if not self._speaking and self._speech_s >= SPEECH_STARTS_S - hop_s / 2:
            self._speaking = True
            self._tell(vad.VADEventType.START_OF_SPEECH, loud, self._frames())
        elif self._speaking and self._silence_s >= self._vad.stop_s - hop_s / 2:
            self._speaking = False
            self._tell(vad.VADEventType.END_OF_SPEECH, loud, self._frames())
            self._held.clear()
            self._speech_s = 0.0

    def _frames(self) -> list[rtc.AudioFrame]:
        pcm = b"".join(self._held)
        return [rtc.AudioFrame(pcm, HEARING_RATE_HZ, 1, len(pcm) // 2)]

    def _tell(self, kind: Any, loud: bool, frames: list[rtc.AudioFrame] | None = None) -> None:
        event = vad.VADEvent(
            type=kind,
            samples_index=self._samples,
            timestamp=self._samples / HEARING_RATE_HZ,
            speech_duration=self._speech_s,
            silence_duration=self._silence_s,
            frames=frames or [],
            speaking=self._speaking,
            probability=float(loud),
            raw_accumulated_speech=self._speech_s * loud,
            raw_accumulated_silence=self._silence_s,
        )
        self._event_ch.send_nowait(event)


class BatchStt(stt.STT):
    """Words of a whole segment by ``hear``."""

    def __init__(self, hear: Callable[[Any], Any]) -> None:
        super().__init__(capabilities=stt.STTCapabilities(streaming=False, interim_results=False))
        self._hear = hear

    async def _recognize_impl(self, buffer: Any, *, language: Any, conn_options: Any) -> stt.SpeechEvent:
        text = await self._hear(buffer)
        words = [stt.SpeechData(text=text, language=LanguageCode("en"))]
        return stt.SpeechEvent(type=stt.SpeechEventType.FINAL_TRANSCRIPT, alternatives=words)


def _stub_stt(delays: Delays, prompter: Prompter) -> BatchStt:
    async def hear(_buffer: Any) -> str:
        hears = prompter.hears
        await asyncio.sleep(delays.stt_s)
        return hears

    return BatchStt(hear)


@functools.cache
def _whisper(path: Path) -> Any:
    from faster_whisper import WhisperModel

    return WhisperModel(str(path), device="cpu", compute_type="int8")


def _whisper_stt(path: Path, beams: int) -> BatchStt:
    model = _whisper(path)

    def decoded(pcm: bytes) -> str:
        floats = np.frombuffer(pcm + WHISPER_PADDING, np.int16).astype(np.float32) / 32768
        return "".join(segment.text for segment in model.transcribe(floats, language="en", beam_size=beams)[0]).strip()

    async def hear(buffer: Any) -> str:
        return await asyncio.to_thread(decoded, bytes(utils.merge_frames(buffer).data))

    return BatchStt(hear)


class StubLlm(LLM):
    """Answers what the script says, on a fixed clock."""

    def __init__(self, delays: Delays, prompter: Prompter) -> None:
        super().__init__()
        self.delays = delays
        self.prompter = prompter

    def chat(self, *, chat_ctx: Any, tools: Any = None, conn_options: Any = DEFAULT_API_CONNECT_OPTIONS, **_: Any) -> LLMStream:
        """One answer."""
        return StubStream(self, chat_ctx=chat_ctx, tools=tools or [], conn_options=conn_options)


class StubStream(LLMStream):
    """One answer, token by token."""

    async def _run(self) -> None:
        delays = self._llm.delays
        words = tokens(self._llm.prompter.answers)
        await asyncio.sleep(delays.first_token_s)
        for place, word in enumerate(words):
            if place:
                await asyncio.sleep(delays.token_s)
            self._event_ch.send_nowait(ChatChunk(id="x", delta=ChoiceDelta(role="assistant", content=word)))


class StubTts(tts.TTS):
    """Speaks in tones, after a fixed time."""

    def __init__(self, delays: Delays) -> None:
        super().__init__(capabilities=tts.TTSCapabilities(streaming=False), sample_rate=PLAYOUT_RATE_HZ, num_channels=1)
        self.delays = delays

    def synthesize(self, text: str, *, conn_options: Any = DEFAULT_API_CONNECT_OPTIONS) -> tts.ChunkedStream:
        """One sentence."""
        return StubSound(tts=self, input_text=text, conn_options=conn_options)


class StubSound(tts.ChunkedStream):
    """One sentence in pieces of 100 ms."""

    async def _run(self, output_emitter: Any) -> None:
        pcm = spoken(self._input_text)
        output_emitter.initialize(request_id="x", sample_rate=PLAYOUT_RATE_HZ, num_channels=1, mime_type="audio/pcm")
        await asyncio.sleep(self._tts.delays.first_audio_s)
        for start in range(0, len(pcm), PIECE_BYTES):
            output_emitter.push(pcm[start : start + PIECE_BYTES])
        output_emitter.flush()


class PiperTts(tts.TTS):
    """The same Piper voice."""

    def __init__(self, path: Path) -> None:
        from piper import PiperVoice

        self.voice = PiperVoice.load(path)
        super().__init__(capabilities=tts.TTSCapabilities(streaming=False), sample_rate=self.voice.config.sample_rate, num_channels=1)

    def synthesize(self, text: str, *, conn_options: Any = DEFAULT_API_CONNECT_OPTIONS) -> tts.ChunkedStream:
        """One sentence."""
        return PiperSound(tts=self, input_text=text, conn_options=conn_options)


class PiperSound(tts.ChunkedStream):
    """One sentence, as it is made."""

    async def _run(self, output_emitter: Any) -> None:
        voice = self._tts.voice
        output_emitter.initialize(request_id="x", sample_rate=voice.config.sample_rate, num_channels=1, mime_type="audio/pcm")
        chunks = iter(voice.synthesize(self._input_text))
        while (chunk := await asyncio.to_thread(next, chunks, None)) is not None:
            output_emitter.push(chunk.audio_int16_bytes)
        output_emitter.flush()


def _engines(setup: Setup, prompter: Prompter) -> tuple[Any, Any, Any]:
    if not setup.real:
        return _stub_stt(setup.delays, prompter), StubLlm(setup.delays, prompter), StubTts(setup.delays)
    from livekit.plugins import openai

    assert setup.whisper is not None
    assert setup.voice is not None
    llm = openai.LLM(model="stub", base_url=f"{setup.brain_url}/v1", api_key="none")
    return _whisper_stt(setup.whisper, setup.beams), llm, PiperTts(setup.voice)


def _vad(setup: Setup) -> Any:
    if not setup.silero:
        return Loudness(setup.delays, setup.hop_ms)
    return inference.VAD(min_silence_duration=OWN_SILENCE_S if setup.own_turn_model else setup.delays.vad_stop_s)


def _turn_handling(setup: Setup) -> dict[str, Any]:
    return {
        "turn_detection": inference.TurnDetector(version="v1-mini") if setup.own_turn_model else "vad",
        "endpointing": {} if setup.own_turn_model else {"min_delay": 0.0, "max_delay": 3.0},
        "interruption": {"mode": "vad", "min_duration": INTERRUPTION_S},
        "preemptive_generation": {"enabled": setup.extra == "preemptive"},
    }


class Sessions:
    """All sessions of the process."""

    def __init__(self) -> None:
        self._sessions: list[Any] = []

    async def build(self, setup: Setup) -> Ends:
        """One more session."""
        speaker, prompter, entrance = Speaker(), prompter_for(setup), Input()
        heard, thought, said = _engines(setup, prompter)
        session = AgentSession(
            vad=_vad(setup), stt=heard, llm=thought, tts=said, turn_handling=_turn_handling(setup), aec_warmup_duration=None
        )
        session.input.audio = entrance
        session.output.audio = Output(speaker)
        await session.start(Agent(instructions="x"))
        self._sessions.append(session)
        return Ends(entrance.feed, speaker, prompter)

    async def close(self) -> None:
        """End them."""
        for session in self._sessions:
            await session.aclose()


async def main() -> None:
    """Build, talk, print."""
    logging.basicConfig(level=logging.ERROR)
    sessions = Sessions()
    await run("livekit", sessions.build)
    await sessions.close()


if __name__ == "__main__":
    asyncio.run(main())
