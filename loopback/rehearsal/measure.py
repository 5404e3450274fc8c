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
from calls.events import ExchangeEnded
from loopback.people.ear import Ear

LINE_SPAN: Final = "line"
"""The span that the bot can't see: both ways between the caller and the bot, packets and jitter buffers included."""
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


@dataclass(slots=True)
class Turn:
    """One thing said and what became of it, as the caller knows it.

    ``said`` is empty where nobody spoke, ``None`` where the words are not known.
    ``line_ms`` is the span of the line in its two directions.
    """

    speaker: str
    said: str | None
    wanted_answer: bool = True
    to_be_interrupted: bool = False
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


def measure_turns(all_said: Sequence[Said], exchanges: Sequence[ExchangeEnded], ears: Mapping[str, Ear]) -> list[Turn]:
    """One turn for everything said, in order; and one for each exchange that belongs to nothing that was said.

    ``ears`` holds, per person, what was heard of the bot.
    """
    left = list(exchanges)
    turns = []
    for said in all_said:
        own = [exchange for exchange in left if _belongs(exchange, said)]
        left = [exchange for exchange in left if exchange not in own]
        turns.append(_measured(said, own, ears[said.speaker]))
    _end_windows(turns)
    _measure_interruptions(all_said, turns, ears)
    return turns + [_unprompted(exchange) for exchange in left if exchange.reply_heard]


def percentile(values: Sequence[float], percent: float) -> float | None:
    """The linearly interpolated percentile, ``None`` of nothing."""
    return float(np.percentile(values, percent)) if values else None


def _belongs(exchange: ExchangeEnded, said: Said) -> bool:
    return exchange.speaker == said.speaker and said.first_s <= exchange.speech_ended_at_s <= said.last_s + HEARING_SLACK_S


def _measured(said: Said, exchanges: Sequence[ExchangeEnded], ear: Ear) -> Turn:
    turn = Turn(speaker=said.speaker, said=said.words, wanted_answer=said.wants_answer, spoken_at_s=said.first_s)
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
    for said, before in zip(all_said[1:], turns, strict=False):
        before.to_be_interrupted = said.interrupts
        if said.interrupts and before.answered:
            last_heard_s = ears[said.speaker].last_audible_before(said.last_s) or said.first_s
            still_heard_ms = (last_heard_s - said.first_s) * 1000
            before.interruption_ms = max(0.0, still_heard_ms) if before.interrupted or still_heard_ms > 0 else None


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
