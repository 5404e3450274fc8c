"""What the callers measured: how long they waited, how soon an interruption was heeded, and what they heard.

Everything is derived from what went out of the people's mouths and into their ears; the bot's own events only say which reply is which.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final

import numpy as np

from audio.stt.word_errors import WordErrors
from calls.events import ExchangeEnded, FalseInterruption, TurnBegan, TurnIgnored
from calls.latency import OWNERS
from loopback.people.ear import Ear

LINE_SPAN: Final = "line"
"""The span that the bot can't see: both ways between the caller and the bot, packets and jitter buffers included."""
SPAN_OWNERS: Final = {**OWNERS, LINE_SPAN: "network"}
OURS: Final = "ours"
"""Who owns a span that nobody else does."""
HEARING_SLACK_S: Final = 1.5
"""The bot's end of a turn lies at most this long after the caller's: the line and the edge of the speech detection."""
REPLY_TAIL_S: Final = 1.0
"""A reply is wholly heard this long after the bot said that the exchange ended."""


@dataclass(frozen=True, slots=True)
class Said:
    """What one person said into the call. Times are of the first and last speech sample that was sent."""

    speaker: str
    words: str | None
    first_s: float
    last_s: float
    wants_answer: bool = True
    interrupts: bool = False
    bot_goes_on: bool = False
    """It is spoken into an answer, and must not end it."""
    silence_s: float | None = None
    """For so long after it the bot must not be heard."""
    expected: str | None = None
    """What the answer must say, see :func:`loopback.rehearsal.script.pattern_of`."""


@dataclass(slots=True)
class Turn:
    """One thing said and what became of it, as the caller knows it.

    ``said`` is empty where nobody spoke, ``None`` where the words are not known. ``ignored`` is why the bot says it gave no answer.
    ``line_ms`` is the span of the line in its two directions.
    """

    speaker: str
    said: str | None
    wanted_answer: bool = True
    wanted_silence: bool = False
    expected: str | None = None
    to_be_interrupted: bool = False
    to_go_on: bool = False
    silence_broken: bool = False
    ignored: str = ""
    spoken_at_s: float | None = None
    turn_id: int | None = None
    heard: str = ""
    reply: str = ""
    reply_played: str = ""
    interrupted: bool = False
    spans_ms: dict[str, float] = field(default_factory=dict)
    line_ms: dict[str, float] = field(default_factory=dict)
    voice_to_voice_ms: float | None = None
    interruption_ms: float | None = None
    reply_window_s: tuple[float, float] | None = None
    reply_as_heard_by_caller: str = ""
    errors_heard: WordErrors | None = None
    errors_reply: WordErrors | None = None

    @property
    def answered(self) -> bool:
        """The caller heard a reply to it."""
        return self.voice_to_voice_ms is not None


@dataclass(frozen=True, slots=True)
class LeftAlone:
    """A turn that the bot heard and did not answer, and why."""

    turn_id: int
    speaker: str
    began_s: float
    heard: str
    reason: str


@dataclass(frozen=True, slots=True)
class Resumed:
    """The bot fell silent in the reply of turn ``turn_id`` because of ``by``, and went on at ``at_s``.

    ``silent_ms`` is the gap that ``by`` heard, ``None`` if nothing was heard before or after it.
    """

    turn_id: int
    by: str
    words: str
    at_s: float
    silent_ms: float | None


def measure_turns(
    all_said: Sequence[Said], exchanges: Sequence[ExchangeEnded], ears: Mapping[str, Ear], left_alone: Sequence[LeftAlone] = ()
) -> list[Turn]:
    """One turn for everything said, in order; and one for each exchange that belongs to nothing that was said.

    ``ears`` holds, per person, what was heard of the bot.
    """
    left = list(exchanges)
    turns = []
    for said in all_said:
        own = [exchange for exchange in left if _belongs(exchange, said)]
        left = [exchange for exchange in left if exchange not in own]
        turns.append(_measured(said, own, ears[said.speaker]))
    for said, turn in zip(all_said, turns, strict=True):
        _note_ignored(said, turn, left_alone)
    _end_windows(turns)
    _measure_interruptions(all_said, turns, ears)
    return turns + [_unprompted(exchange) for exchange in left if exchange.reply_heard]


def turns_left_alone(began: Sequence[TurnBegan], ignored: Sequence[TurnIgnored]) -> list[LeftAlone]:
    """The ignored turns with the time at which each began; that it is ignored may be told much later, after an answer that goes on."""
    began_s = {event.turn_id: event.at_s for event in reversed(began)}
    return [LeftAlone(event.turn_id, event.speaker, began_s.get(event.turn_id, event.at_s), event.text, event.reason) for event in ignored]


def measure_resumed(false_interruptions: Sequence[FalseInterruption], ears: Mapping[str, Ear]) -> list[Resumed]:
    """How each false interruption sounded to the one who caused it (to anybody, where that is not known)."""
    return [_resumed(event, ears.get(event.by) or next(iter(ears.values()))) for event in false_interruptions if ears]


def span_names(turns: Sequence[Turn]) -> list[str]:
    """All spans of the answered turns in the order of time; the line, which lies at both ends, comes last."""
    names = dict.fromkeys(name for turn in turns if turn.answered for name in turn.spans_ms if name != LINE_SPAN)
    return [*names, LINE_SPAN] if any(turn.answered for turn in turns) else []


def percentile(values: Sequence[float], percent: float) -> float | None:
    """The linearly interpolated percentile, ``None`` of nothing."""
    return float(np.percentile(values, percent)) if values else None


def _belongs(exchange: ExchangeEnded, said: Said) -> bool:
    return exchange.speaker == said.speaker and said.first_s <= exchange.speech_ended_at_s <= said.last_s + HEARING_SLACK_S


def _note_ignored(said: Said, turn: Turn, left_alone: Sequence[LeftAlone]) -> None:
    own = [left for left in left_alone if left.speaker == said.speaker and said.first_s <= left.began_s <= said.last_s + HEARING_SLACK_S]
    turn.ignored = ", ".join(dict.fromkeys(left.reason for left in own))
    if own and turn.turn_id is None:
        turn.turn_id, turn.heard = own[-1].turn_id, " ".join(left.heard for left in own)


def _resumed(event: FalseInterruption, ear: Ear) -> Resumed:
    before_s, after_s = ear.last_audible_before(event.at_s), ear.first_audible_after(event.at_s)
    silent_ms = (after_s - before_s) * 1000 if before_s is not None and after_s is not None else None
    return Resumed(event.turn_id, event.by, event.words, event.at_s, silent_ms)


def _silence_is_broken(said: Said, ear: Ear) -> bool:
    heard_s = ear.first_audible_after(said.last_s)
    return said.silence_s is not None and heard_s is not None and heard_s < said.last_s + said.silence_s


def _measured(said: Said, exchanges: Sequence[ExchangeEnded], ear: Ear) -> Turn:
    turn = Turn(speaker=said.speaker, said=said.words, wanted_answer=said.wants_answer, spoken_at_s=said.first_s, expected=said.expected)
    turn.wanted_silence = said.silence_s is not None or said.bot_goes_on
    turn.silence_broken = _silence_is_broken(said, ear)
    turn.heard = " ".join(exchange.heard for exchange in exchanges if exchange.heard)
    if not exchanges:
        return turn
    main = next((exchange for exchange in reversed(exchanges) if exchange.first_sound_at_s is not None), exchanges[-1])
    turn.turn_id, turn.reply, turn.reply_played, turn.interrupted = main.turn_id, main.reply, main.reply_heard, main.interrupted
    turn.spans_ms = dict(main.spans_ms)
    if main.first_sound_at_s is None:
        return turn
    first_heard_s = ear.first_audible_after(max(said.last_s, main.first_sound_at_s))
    if first_heard_s is not None and first_heard_s <= main.at_s + REPLY_TAIL_S:
        turn.voice_to_voice_ms = (first_heard_s - said.last_s) * 1000
        turn.spans_ms[LINE_SPAN] = turn.voice_to_voice_ms - sum(main.spans_ms.values())
        to_bot_ms = (main.speech_ended_at_s - said.last_s) * 1000
        turn.line_ms = {"to_bot": to_bot_ms, "to_caller": turn.spans_ms[LINE_SPAN] - to_bot_ms}
        turn.reply_window_s = (first_heard_s, main.at_s + REPLY_TAIL_S)
    return turn


def _end_windows(turns: Sequence[Turn]) -> None:
    answered = [(turn, turn.reply_window_s) for turn in turns if turn.reply_window_s is not None]
    for (turn, (begin_s, end_s)), (_, (following_s, _)) in pairwise(answered):
        turn.reply_window_s = (begin_s, max(begin_s, min(end_s, following_s)))


def _measure_interruptions(all_said: Sequence[Said], turns: Sequence[Turn], ears: Mapping[str, Ear]) -> None:
    """From the first interrupting sample to the last that is heard of the answer before the interrupting speech ends.

    An answer that was over by itself before the interruption has no such time.
    """
    before: Turn | None = None
    for said, turn in zip(all_said, turns, strict=True):
        if said.interrupts and before is not None:
            before.to_go_on = before.to_go_on or said.bot_goes_on
            before.to_be_interrupted = not said.bot_goes_on
        if said.interrupts and not said.bot_goes_on and before is not None and before.answered:
            last_heard_s = ears[said.speaker].last_audible_before(said.last_s) or said.first_s
            still_heard_ms = (last_heard_s - said.first_s) * 1000
            before.interruption_ms = max(0.0, still_heard_ms) if before.interrupted or still_heard_ms > 0 else None
        before = turn if not said.bot_goes_on else before


def _unprompted(exchange: ExchangeEnded) -> Turn:
    return Turn(
        speaker=exchange.speaker,
        said="",
        wanted_answer=False,
        turn_id=exchange.turn_id,
        heard=exchange.heard,
        reply=exchange.reply,
        reply_played=exchange.reply_heard,
        interrupted=exchange.interrupted,
        spans_ms=dict(exchange.spans_ms),
    )
