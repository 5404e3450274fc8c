"""How one call is conducted: everything about the talk that a setting or a chat may change."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from audio.tts import Voice
from audio.tts.choose import default_voice
from audio.vad import GatedSilero, VoiceActivity
from brain.built_in_tools import tool_names
from brain.prompt import WITH_TOOLS, system_prompt
from calls.turns.addressing import AddressingRules, Mode
from calls.turns.barge_in import BargeInRules
from calls.turns.endpointing import PauseRules
from calls.turns.patience import PROFILES, Waits
from config import Settings


@dataclass(frozen=True, slots=True)
class Manners:
    """``language`` ``None`` detects it; ``new_activity`` makes the ear of one participant."""

    pauses: PauseRules = field(default_factory=PauseRules)
    waits: Waits | None = None
    """How long a pause ends a turn, given what is known of it; ``None``: always ``pauses.end_s``."""
    addressing: AddressingRules = field(default_factory=lambda: AddressingRules(mode=Mode.ALWAYS))
    barge_in: BargeInRules = field(default_factory=BargeInRules)
    voice: Voice = field(default_factory=Voice)
    language: str | None = "en"
    bot_name: str = "Parley"
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
    welcome: str = ""
    """Said when the call was joined; empty: nothing."""
    idle_prompt: str = ""
    idle_prompt_s: float | None = None
    """Without a word for this long, ``idle_prompt`` is asked, once until somebody speaks; ``None``: never."""
    longest_call_s: float = 4 * 3600.0
    alone_s: float | None = 60.0
    """A call in which nobody else is for this long is left; ``None``: never."""
    listens: bool = True
    """What people say is heard."""
    unheard: frozenset[int] = frozenset()
    """Participants who do not want to be heard: their sound is dropped before anything is done with it."""
    speaks: bool = True
    """Answers are spoken; otherwise they are written into the chat."""
    tools: tuple[str, ...] = ()
    """The names of the tools that the brain may use while it answers; a small one uses none."""
    time_zone: str = "UTC"
    new_activity: Callable[[], VoiceActivity] = GatedSilero


def manners_from(settings: Settings, *, small_model: bool, history_tokens: int) -> Manners:
    """The manners that the settings ask for; a small model gets instructions that it can follow, and as much history as it bears."""
    language = None if settings.language == "auto" else settings.language
    waits = _waits(settings)
    tools = () if small_model else tool_names(settings.tools)
    return Manners(
        pauses=PauseRules(threshold=settings.vad_threshold, end_s=waits.usual_s, longest_turn_s=settings.max_utterance_ms / 1000),
        waits=waits,
        addressing=AddressingRules(
            mode=Mode(settings.mode),
            names=(settings.bot_name, *(name.strip() for name in settings.bot_aliases.split(",") if name.strip())),
            cooldown_s=settings.cooldown_s,
            probability=settings.reply_probability,
        ),
        barge_in=BargeInRules(threshold=settings.vad_threshold),
        voice=default_voice(settings),
        language=language,
        bot_name=settings.bot_name,
        instructions=" ".join([system_prompt(settings, small_model=small_model), *([WITH_TOOLS] if tools else [])]),
        small_model=small_model,
        welcome=settings.welcome,
        idle_prompt=settings.idle_prompt,
        idle_prompt_s=settings.idle_prompt_s,
        longest_call_s=settings.max_call_minutes * 60.0,
        alone_s=settings.alone_s,
        history_tokens=history_tokens,
        tools=tools,
        time_zone=settings.time_zone,
    )


def _waits(settings: Settings) -> Waits:
    profile = PROFILES[settings.endpointing.value]
    shortest_s = settings.shortest_pause_ms / 1000 if settings.shortest_pause_ms else profile.shortest_s
    longest_s = settings.longest_pause_ms / 1000 if settings.longest_pause_ms else profile.longest_s
    longest_s = max(shortest_s, longest_s)
    return Waits(shortest_s, min(longest_s, max(shortest_s, profile.usual_s)), longest_s)
