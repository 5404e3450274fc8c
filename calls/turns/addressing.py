"""Group manners: is this turn the bot's to answer? Pure; time and chance are arguments.

Alone with somebody, everything is said to the bot. Among several, it answers when it is named, when the person it has just answered goes
on, and, where it was told to take part always, whenever nobody else is being spoken to.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from enum import Enum, StrEnum, auto
from typing import Final

from calls.turns.backchannels import LONGEST_SPEECH_S, is_backchannel
from calls.turns.naming import calls_everyone, is_called, is_named

MOST_FOLLOW_UPS: Final = 32
"""People whose follow-up is kept in mind; of more, the oldest is forgotten."""


class Mode(StrEnum):
    """How far the bot takes part in a chat's calls."""

    ALWAYS = "always"
    ADDRESSED = "addressed"
    SILENT = "silent"


class Verdict(Enum):
    """Whether to answer, and why; ``answers`` tells the two apart."""

    ALONE = auto()
    """Nobody else is there to be spoken to."""
    NAMED = auto()
    FOLLOW_UP = auto()
    """The person whom the bot has just answered or asked goes on."""
    TAKES_PART = auto()
    """Mode ``always``, and nothing speaks against it."""
    SILENCED = auto()
    """Mode ``silent``."""
    NOT_ADDRESSED = auto()
    SAID_TO_ANOTHER = auto()
    """Somebody else was called by name."""
    COOLING_DOWN = auto()
    """Mode ``always``: the last answer was too recent."""
    BY_CHANCE = auto()
    """Mode ``always``: chance decided against it."""
    BOT_LOOP = auto()
    """Another bot, and no person has spoken for too many turns."""

    @property
    def answers(self) -> bool:
        """The bot answers the turn."""
        return self in (Verdict.ALONE, Verdict.NAMED, Verdict.FOLLOW_UP, Verdict.TAKES_PART)


@dataclass(frozen=True, slots=True)
class AddressingRules:
    """A chat's manners. Cooldown and probability hold for mode ``always`` among several people: who speaks to the bot gets an answer."""

    mode: Mode = Mode.ADDRESSED
    names: tuple[str, ...] = ("Parley",)
    """The bot's name and its other names, compared by sound."""
    follow_up_s: float = 12.0
    """For this long after the bot's reply, the person it spoke to need not say the name again."""
    follow_up_to_question_s: float = 20.0
    """The same when the reply ended in a question."""
    cooldown_s: float = 0.0
    """Least time between two answers that nobody asked for."""
    probability: float = 1.0
    """Of giving an answer that nobody asked for."""
    most_turns_with_bot: int = 3
    """Answers to other bots in a row, while no person speaks."""


@dataclass(frozen=True, slots=True)
class Heard:
    """A committed turn and who is there."""

    text: str
    speaker_id: int
    others: int
    """How many are in the call besides the bot, the speaker included."""
    language: str = "en"
    other_names: tuple[str, ...] = ()
    """The names of everybody else, bot and speaker excepted."""
    by_bot: bool = False
    """The speaker is known to be a bot."""


@dataclass(slots=True)
class Addressing:
    """One call's. Ask :meth:`decide` once for each committed turn, and tell of each reply that was heard with :meth:`replied`."""

    rules: AddressingRules = field(default_factory=AddressingRules)
    _follow_up_until_s: dict[int, float] = field(default_factory=dict)
    _last_answer_s: float = -math.inf
    _turns_with_bot: int = 0

    def decide(self, heard: Heard, now_s: float, chance: float) -> Verdict:
        """Whose turn it is. ``chance`` is from 0 up to 1, drawn anew for each turn."""
        if not heard.by_bot:
            self._turns_with_bot = 0
        verdict = self._verdict(heard, now_s, chance)
        if heard.by_bot and verdict.answers:
            self._turns_with_bot += 1
        if not verdict.answers and not is_backchannel(heard.text, LONGEST_SPEECH_S, heard.language):
            self._people_talk_among_themselves(heard, verdict)
        return verdict

    def foresee(self, heard: Heard, now_s: float) -> bool:
        """Whether :meth:`decide` is likely to answer the turn, if these were all its words. Changes nothing."""
        return self._verdict(heard, now_s, chance=0.0).answers

    def replied(self, speaker_id: int, now_s: float, reply: str) -> None:
        """The bot's ``reply`` to ``speaker_id`` has been heard, as far as it was; a reply to nobody in particular is not told here."""
        asked = reply.rstrip(" \"'”»)").endswith("?")
        window_s = self.rules.follow_up_to_question_s if asked else self.rules.follow_up_s
        self._follow_up_until_s.pop(speaker_id, None)
        self._follow_up_until_s[speaker_id] = now_s + window_s
        if len(self._follow_up_until_s) > MOST_FOLLOW_UPS:
            del self._follow_up_until_s[next(iter(self._follow_up_until_s))]
        self._last_answer_s = now_s

    def _verdict(self, heard: Heard, now_s: float, chance: float) -> Verdict:
        if self.rules.mode is Mode.SILENT:
            return Verdict.SILENCED
        if heard.by_bot and self._turns_with_bot >= self.rules.most_turns_with_bot:
            return Verdict.BOT_LOOP
        if heard.others <= 1:
            return Verdict.ALONE
        if is_named(heard.text, self.rules.names, heard.language, heard.other_names):
            return Verdict.NAMED
        if is_called(heard.text, heard.other_names, heard.language):
            return Verdict.SAID_TO_ANOTHER
        if now_s <= self._follow_up_until_s.get(heard.speaker_id, -math.inf):
            return Verdict.FOLLOW_UP
        return self._unasked(now_s, chance) if self.rules.mode is Mode.ALWAYS else Verdict.NOT_ADDRESSED

    def _unasked(self, now_s: float, chance: float) -> Verdict:
        if now_s - self._last_answer_s < self.rules.cooldown_s:
            return Verdict.COOLING_DOWN
        return Verdict.TAKES_PART if chance < self.rules.probability else Verdict.BY_CHANCE

    def _people_talk_among_themselves(self, heard: Heard, verdict: Verdict) -> None:
        """Who calls another has turned away; a turn of a third person ends what others may go on with, unless it is said to everybody."""
        if verdict is Verdict.SAID_TO_ANOTHER:
            self._follow_up_until_s.clear()
        elif not calls_everyone(heard.text, heard.language):
            self._follow_up_until_s = {who: until for who, until in self._follow_up_until_s.items() if who == heard.speaker_id}
