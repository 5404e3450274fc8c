"""Pipecat under the microphone. Runs in Pipecat's own environment; prints JSON, see :mod:`benchmarks.harness.session`."""

# mypy: disable-error-code="import-not-found, import-untyped, misc, no-untyped-call, untyped-decorator, no-any-return, unused-ignore"
from __future__ import annotations

import asyncio
import functools
import sys
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Any, Final

from loguru import logger

logger.remove()
logger.add(sys.stderr, level="WARNING")

from pipecat.audio.vad.silero import SileroVADAnalyzer  # noqa: E402
from pipecat.audio.vad.vad_analyzer import VADAnalyzer, VADParams  # noqa: E402
from pipecat.frames.frames import (  # noqa: E402
    Frame,
    InputAudioRawFrame,
    InterruptionFrame,
    LLMContextFrame,
    LLMFullResponseEndFrame,
    LLMFullResponseStartFrame,
    LLMTextFrame,
    OutputAudioRawFrame,
    StartFrame,
    TranscriptionFrame,
    TTSAudioRawFrame,
)
from pipecat.pipeline.pipeline import Pipeline  # noqa: E402
from pipecat.pipeline.worker import PipelineParams, PipelineWorker  # noqa: E402
from pipecat.processors.aggregators.llm_context import LLMContext  # noqa: E402
from pipecat.processors.aggregators.llm_response_universal import LLMContextAggregatorPair, LLMUserAggregatorParams  # noqa: E402
from pipecat.processors.frame_processor import FrameDirection  # noqa: E402
from pipecat.services.llm_service import LLMService  # noqa: E402
from pipecat.services.settings import LLMSettings, STTSettings, TTSSettings  # noqa: E402
from pipecat.services.stt_service import SegmentedSTTService  # noqa: E402
from pipecat.services.tts_service import TTSService  # noqa: E402
from pipecat.transports.base_input import BaseInputTransport  # noqa: E402
from pipecat.transports.base_output import BaseOutputTransport  # noqa: E402
from pipecat.transports.base_transport import TransportParams  # noqa: E402
from pipecat.turns.user_start import VADUserTurnStartStrategy  # noqa: E402
from pipecat.turns.user_stop import SpeechTimeoutUserTurnStopStrategy  # noqa: E402
from pipecat.turns.user_turn_strategies import UserTurnStrategies  # noqa: E402
from pipecat.utils.time import time_now_iso8601  # noqa: E402
from pipecat.workers.runner import WorkerRunner  # noqa: E402

from audio.pcm import HEARING_RATE_HZ, PLAYOUT_RATE_HZ, peak  # noqa: E402
from benchmarks.harness.script import Delays, Prompter, tokens  # noqa: E402
from benchmarks.harness.session import Ends, Setup, prompter_for, run  # noqa: E402
from benchmarks.harness.sounds import spoken  # noqa: E402
from benchmarks.harness.speaker import PacedSpeaker, Speaker  # noqa: E402

LOUD: Final = 1000
PIECE_BYTES: Final = PLAYOUT_RATE_HZ // 10 * 2


class Loudness(VADAnalyzer):
    """A threshold in windows of ``hop_ms``: the framework's way of detecting speech without a model's cost."""

    def __init__(self, hop_ms: int, params: VADParams) -> None:
        self._samples = HEARING_RATE_HZ * hop_ms // 1000
        super().__init__(params=params)

    def num_frames_required(self) -> int:
        """Samples of one window."""
        return self._samples

    def voice_confidence(self, buffer: bytes) -> float:
        """1.0 for loud ones."""
        return 1.0 if peak(buffer) > LOUD else 0.0


class Input(BaseInputTransport):
    """Where the microphone pushes."""

    async def start(self, frame: StartFrame) -> None:
        """Ready at once."""
        await super().start(frame)
        await self.set_transport_ready(frame)

    async def feed(self, pcm: bytes) -> None:
        """One packet."""
        await self.push_audio_frame(InputAudioRawFrame(audio=pcm, sample_rate=HEARING_RATE_HZ, num_channels=1))


class Output(BaseOutputTransport):
    """Plays into the speaker in real time, one chunk at a time."""

    def __init__(self, params: TransportParams, speaker: Speaker) -> None:
        super().__init__(params)
        self._paced = PacedSpeaker(speaker)

    async def start(self, frame: StartFrame) -> None:
        """Ready at once."""
        await super().start(frame)
        await self.set_transport_ready(frame)

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        """An interruption silences the device."""
        await super().process_frame(frame, direction)
        if isinstance(frame, InterruptionFrame):
            self._paced.cut()

    async def write_audio_frame(self, frame: OutputAudioRawFrame) -> bool:
        """One chunk."""
        await self._paced.play(frame.audio, frame.sample_rate)
        return True


class StubStt(SegmentedSTTService):
    """Hears what the script says, after a fixed time."""

    def __init__(self, delays: Delays, prompter: Prompter) -> None:
        super().__init__(settings=STTSettings(model="stub", language=None), ttfs_p99_latency=delays.stt_s)
        self._delays = delays
        self._prompter = prompter

    async def run_stt(self, audio: bytes) -> AsyncGenerator[Frame, None]:
        """One transcript."""
        hears = self._prompter.hears
        await asyncio.sleep(self._delays.stt_s)
        if hears:
            yield TranscriptionFrame(hears, "", time_now_iso8601())


class StubLlm(LLMService):
    """Answers what the script says, on a fixed clock."""

    def __init__(self, delays: Delays, prompter: Prompter) -> None:
        super().__init__(settings=_llm_settings())
        self._delays = delays
        self._prompter = prompter

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        """A context is answered; everything else goes on."""
        await super().process_frame(frame, direction)
        if not isinstance(frame, LLMContextFrame):
            await self.push_frame(frame, direction)
            return
        words = tokens(self._prompter.answers)
        await self.push_frame(LLMFullResponseStartFrame())
        await asyncio.sleep(self._delays.first_token_s)
        for place, word in enumerate(words):
            if place:
                await asyncio.sleep(self._delays.token_s)
            await self.push_frame(LLMTextFrame(word))
        await self.push_frame(LLMFullResponseEndFrame())


def _llm_settings() -> LLMSettings:
    unset = ("system_instruction", "temperature", "max_tokens", "top_p", "top_k", "frequency_penalty", "presence_penalty", "seed")
    return LLMSettings(model="stub", filter_incomplete_user_turns=False, user_turn_completion_config=None, **dict.fromkeys(unset))


class StubTts(TTSService):
    """Speaks in tones, after a fixed time."""

    def __init__(self, delays: Delays) -> None:
        settings = TTSSettings(model="stub", voice="stub", language=None)
        super().__init__(push_start_frame=True, push_stop_frames=True, sample_rate=PLAYOUT_RATE_HZ, settings=settings)
        self._delays = delays

    def can_generate_metrics(self) -> bool:
        """As the framework's own services."""
        return True

    async def run_tts(self, text: str, context_id: str) -> AsyncGenerator[Frame, None]:
        """Pieces of 100 ms."""
        pcm = spoken(text)
        await asyncio.sleep(self._delays.first_audio_s)
        for start in range(0, len(pcm), PIECE_BYTES):
            yield TTSAudioRawFrame(pcm[start : start + PIECE_BYTES], PLAYOUT_RATE_HZ, 1, context_id=context_id)


def _real_services(setup: Setup) -> tuple[Any, Any, Any]:
    """The framework's own services for the same models."""
    from pipecat.services.openai.llm import OpenAILLMService
    from pipecat.services.piper.tts import PiperTTSService
    from pipecat.services.whisper.stt import WhisperSTTService

    assert setup.voice is not None
    stt = WhisperSTTService(device="cpu", compute_type="int8", settings=WhisperSTTService.Settings(model=str(setup.whisper)))
    if setup.beams != 5:
        stt._model.transcribe = functools.partial(stt._model.transcribe, beam_size=setup.beams)
    llm = OpenAILLMService(base_url=f"{setup.brain_url}/v1", api_key="none", settings=OpenAILLMService.Settings(model="stub"))
    tts = PiperTTSService(download_dir=setup.voice.parent, settings=PiperTTSService.Settings(voice=setup.voice.stem))
    return stt, llm, tts


def _vad(setup: Setup) -> Any:
    if setup.silero:
        return SileroVADAnalyzer(params=VADParams(stop_secs=setup.delays.vad_stop_s))
    return Loudness(setup.hop_ms, VADParams(stop_secs=setup.delays.vad_stop_s, min_volume=0.0))


def _strategies(setup: Setup) -> Any:
    if setup.own_turn_model:
        return UserTurnStrategies()
    return UserTurnStrategies(start=[VADUserTurnStartStrategy()], stop=[SpeechTimeoutUserTurnStopStrategy(user_speech_timeout=0.0)])


class Sessions:
    """All pipelines of the process."""

    def __init__(self) -> None:
        self._workers: list[Any] = []
        self._runner = WorkerRunner(handle_sigint=False)
        self._running: asyncio.Task[None] | None = None

    async def build(self, setup: Setup) -> Ends:
        """One more pipeline."""
        params = TransportParams(
            audio_in_enabled=True,
            audio_in_sample_rate=HEARING_RATE_HZ,
            audio_out_enabled=True,
            audio_out_sample_rate=PLAYOUT_RATE_HZ,
            audio_out_end_silence_secs=0,
        )
        speaker, prompter = Speaker(), prompter_for(setup)
        entrance, exit_ = Input(params), Output(params, speaker)
        stt, llm, tts = _real_services(setup) if setup.real else _stubs(setup, prompter)
        pair = LLMContextAggregatorPair(
            LLMContext([{"role": "system", "content": "x"}]),
            user_params=LLMUserAggregatorParams(user_turn_strategies=_strategies(setup), vad_analyzer=_vad(setup)),
        )
        pipeline = Pipeline([entrance, stt, pair.user(), llm, tts, exit_, pair.assistant()])
        rates = PipelineParams(audio_in_sample_rate=HEARING_RATE_HZ, audio_out_sample_rate=PLAYOUT_RATE_HZ)
        self._workers.append(PipelineWorker(pipeline, params=rates, idle_timeout_secs=None))
        feed: Callable[[bytes], Awaitable[None]] = entrance.feed
        return Ends(feed, speaker, prompter)

    async def ready(self) -> None:
        """Start all pipelines."""
        await self._runner.add_workers(*self._workers)
        self._running = asyncio.create_task(self._runner.run())

    async def close(self) -> None:
        """End them."""
        await self._runner.cancel()
        if self._running:
            await asyncio.wait([self._running], timeout=10)


def _stubs(setup: Setup, prompter: Prompter) -> tuple[Any, Any, Any]:
    return StubStt(setup.delays, prompter), StubLlm(setup.delays, prompter), StubTts(setup.delays)


async def main() -> None:
    """Build, talk, print."""
    sessions = Sessions()
    await run("pipecat", sessions.build, sessions.ready)
    await sessions.close()


if __name__ == "__main__":
    asyncio.run(main())
