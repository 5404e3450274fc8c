"""Parley under the microphone: ``python -m benchmarks.parley_session --help``. Run by the benchmarks, prints JSON.

``--extra late`` begins no work before the turn has ended, as the other systems do; ``--extra embedded`` thinks with the embedded model.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from typing import Any, Final

from audio.pcm import HEARING_FRAME_BYTES, PLAYOUT_RATE_HZ
from audio.playout import Playout
from audio.stt.whisper import WhisperEngine
from audio.tts.piper import PiperEngine
from audio.turn_model import TurnModel
from audio.vad import EnergyActivity, GatedSilero, VoiceActivity
from benchmarks.harness.script import Prompter
from benchmarks.harness.session import Ends, Setup, prompter_for, run
from benchmarks.harness.speaker import Speaker
from benchmarks.stub_engines import StubBrain, StubEar, StubVoice, WindowedLoudness
from brain.choose import HISTORY_TOKENS
from brain.deadlines import BrainWithDeadlines
from brain.embedded import EmbeddedBrain
from brain.openai import OpenAIBrain
from calls.conversation import Conversation
from calls.drafting import Engines
from calls.events import CallEvent, EventBus
from calls.lines import Participant
from calls.lines.pacer import Pacer
from calls.manners import Manners, manners_from
from calls.speculation import Speculation
from calls.turns.endpointing import PauseRules
from config import Settings, load_settings
from models import path_of

LATE: Final = "late"
EMBEDDED: Final = "embedded"
CALLER: Final = Participant(1, "Ann", 101)
TURN_MODEL: Final = "smart-turn-v3.2"


@dataclass(slots=True)
class Parley:
    """All sessions of the process, with what they share."""

    pacer: Pacer = field(default_factory=Pacer)
    engines: Engines | None = None
    talks: list[asyncio.Task[None]] = field(default_factory=list)
    notes: dict[str, Any] = field(default_factory=lambda: {"spans_ms": []})

    async def build(self, setup: Setup) -> Ends:
        """One more call."""
        prompter, speaker = prompter_for(setup), Speaker()
        engines = await self._real_engines(setup) if setup.real else _stub_engines(setup, prompter)
        clock = asyncio.get_running_loop().time
        playout, bus = Playout(clock), EventBus()
        bus.subscribe(self._note)
        conversation = Conversation(len(self.talks), engines, _manners(setup), playout, bus)
        self.talks.append(asyncio.create_task(conversation.run()))
        self.pacer.add(conversation, lambda: speaker.play(playout.read(), PLAYOUT_RATE_HZ, clock()))

        async def push(packet: bytes) -> None:
            for start in range(0, len(packet), HEARING_FRAME_BYTES):
                conversation.hear(CALLER, packet[start : start + HEARING_FRAME_BYTES])

        return Ends(push, speaker, prompter)

    def _note(self, event: CallEvent) -> None:
        if spans := getattr(event, "spans_ms", None):
            self.notes["spans_ms"].append(spans)

    async def _real_engines(self, setup: Setup) -> Engines:
        if self.engines is None:
            self.engines = _real_engines(setup)
            for engine in (self.engines.stt, self.engines.brain, self.engines.tts):
                await engine.load()
            if isinstance(self.engines.turn_judge, TurnModel):
                await self.engines.turn_judge.load()
        return self.engines

    async def close(self) -> None:
        """End all calls, and the engines."""
        for talk in self.talks:
            talk.cancel()
        await asyncio.gather(*self.talks, return_exceptions=True)
        if self.engines:
            for engine in (self.engines.stt, self.engines.brain, self.engines.tts):
                await engine.close()


def _stub_engines(setup: Setup, prompter: Prompter) -> Engines:
    ahead = Speculation(most_at_once=0) if setup.extra == LATE else Speculation()
    return Engines(StubEar(setup.delays, prompter), StubBrain(setup.delays, prompter), StubVoice(setup.delays), speculation=ahead)


def _settings(setup: Setup) -> Settings:
    return load_settings(None, openai_base_url=setup.brain_url + "/v1" if setup.brain_url else "http://127.0.0.1/v1", openai_model="stub")


def _real_engines(setup: Setup) -> Engines:
    settings = _settings(setup)
    assert setup.whisper is not None
    assert setup.voice is not None
    brain = EmbeddedBrain(settings) if setup.extra == EMBEDDED else OpenAIBrain(settings)
    return Engines(
        WhisperEngine(setup.whisper, name="whisper", threads=settings.whisper_threads, glimpses_give_way=setup.extra == EMBEDDED),
        BrainWithDeadlines(brain, first_token_s=settings.brain_first_token_timeout_s, total_s=settings.brain_total_timeout_s),
        PiperEngine(setup.voice),
        TurnModel(path_of(TURN_MODEL, settings.models_dir)) if setup.own_turn_model else None,
    )


def _manners(setup: Setup) -> Manners:
    small = setup.extra == EMBEDDED
    manners = manners_from(_settings(setup), small_model=small, history_tokens=HISTORY_TOKENS["embedded" if small else "openai"])
    if not setup.own_turn_model:
        stop_s = setup.delays.vad_stop_s
        pauses = PauseRules(end_s=stop_s, pause_s=stop_s) if setup.extra == LATE else PauseRules(end_s=stop_s)
        manners = replace(manners, pauses=pauses, waits=None)
    return replace(manners, new_activity=lambda: _activity(setup))


def _activity(setup: Setup) -> VoiceActivity:
    if setup.silero:
        return GatedSilero()
    return EnergyActivity() if setup.hop_ms == 10 else WindowedLoudness(setup.hop_ms / 1000)


async def main() -> None:
    """Build, talk, print."""
    parley = Parley()
    try:
        await run("parley", parley.build, notes=parley.notes)
    finally:
        await parley.close()


if __name__ == "__main__":
    asyncio.run(main())
