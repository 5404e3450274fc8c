"""How one call is conducted: everything about the talk that a setting or a chat may change."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from audio.tts import Voice
from audio.vad import GatedSilero, VoiceActivity
from brain.prompt import system_prompt
from calls.turns.barge_in import BargeInRules
from calls.turns.endpointing import PauseRules
from config import EndpointingProfile, Settings

PAUSE_THAT_ENDS_S: Final = {EndpointingProfile.FAST: 0.5, EndpointingProfile.BALANCED: 0.7, EndpointingProfile.PATIENT: 1.5}
"""K8."""


@dataclass(frozen=True, slots=True)
class Manners:
    """``language`` ``None`` detects it; ``new_activity`` makes the ear of one participant."""

    pauses: PauseRules = field(default_factory=PauseRules)
    barge_in: BargeInRules = field(default_factory=BargeInRules)
    voice: Voice = field(default_factory=Voice)
    language: str | None = "en"
    instructions: str = "You are Parley, a friendly voice assistant in a group call."
    """What the brain is told before everything else; the same during a whole call."""
    small_model: bool = False
    """The brain is one that needs to be told things simply."""
    history_tokens: int = 1500
    """Of what was said before, the brain is told the newest that fit."""
    lowest_confidence: float = 0.3
    """A transcript the engine is less sure of counts as not understood."""
    longest_wait_for_floor_s: float = 5.0
    """A reply waits this long for somebody else to finish before it is spoken all the same."""
    new_activity: Callable[[], VoiceActivity] = GatedSilero


def manners_from(settings: Settings, *, small_model: bool, history_tokens: int) -> Manners:
    """The manners that the settings ask for; a small model gets instructions that it can follow, and as much history as it bears."""
    language = None if settings.language == "auto" else settings.language
    return Manners(
        pauses=PauseRules(
            threshold=settings.vad_threshold,
            end_s=PAUSE_THAT_ENDS_S[settings.endpointing],
            longest_turn_s=settings.max_utterance_ms / 1000,
        ),
        barge_in=BargeInRules(threshold=settings.vad_threshold),
        voice=Voice(language=language or "en", rate_percent=int(settings.edge_tts_rate.rstrip("%"))),
        language=language,
        instructions=system_prompt(settings, small_model=small_model),
        small_model=small_model,
        history_tokens=history_tokens,
    )
