"""What is left of a rehearsal: turns, totals, and what went wrong."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from audio.stt.word_errors import WordErrors, pooled, word_errors
from loopback.rehearsal.cast import ChatMessage, Happening
from loopback.rehearsal.expecting import Met
from loopback.rehearsal.measure import OURS, SPAN_OWNERS, Resumed, Turn, percentile, span_names
from loopback.rehearsal.patterns import pattern_of
from loopback.rehearsal.presence import Stay


@dataclass(slots=True)
class Report:
    """The outcome of one rehearsal. ``errors`` are of the bot's engines, ``failures`` is everything that makes it fail."""

    title: str
    bot_name: str
    turns: list[Turn]
    messages: Sequence[ChatMessage] = ()
    false_interruptions: list[Resumed] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    happenings: Sequence[Happening] = ()
    met: Sequence[Met] = ()
    stays: Sequence[Stay] = ()

    @property
    def passed(self) -> bool:
        """Every expectation held, every question was answered, nothing broke."""
        return not self.failures and not self.errors

    @property
    def answered(self) -> list[Turn]:
        """The turns whose answer the caller heard."""
        return [turn for turn in self.turns if turn.answered]

    def voice_to_voice_ms(self, percent: float) -> float | None:
        """A percentile of what the callers waited."""
        return percentile([turn.voice_to_voice_ms for turn in self.turns if turn.voice_to_voice_ms is not None], percent)

    @property
    def interruptions(self) -> list[Turn]:
        """The turns whose answer was cut off."""
        return [turn for turn in self.turns if turn.interrupted]

    @property
    def left_alone(self) -> list[Turn]:
        """The turns that rightly got no answer."""
        return [turn for turn in self.turns if turn.wanted_silence and not turn.answered and not turn.silence_broken]

    @property
    def began_s(self) -> float:
        """When the first thing was done, written or said."""
        moments = [message.at_s for message in self.messages] + [what.at_s for what in self.happenings]
        return min(moments + [turn.spoken_at_s for turn in self.turns if turn.spoken_at_s is not None], default=0.0)

    @property
    def wer_heard(self) -> float | None:
        """Word error rate of the bot's transcript against what was said, over all words of the call."""
        return _rate(turn.errors_heard for turn in self.turns)

    @property
    def wer_reply(self) -> float | None:
        """Word error rate of what the caller heard against what the bot says it played, over all words of the call."""
        return _rate(turn.errors_reply for turn in self.turns)

    def as_json(self) -> dict[str, Any]:
        """The whole as plain data; ``None`` where something was not measured."""
        return {
            "title": self.title,
            "passed": self.passed,
            "failures": self.failures,
            "errors": self.errors,
            "expectations": [{"step": met.step, "what": met.what, "took_s": round(met.took_s, 2)} for met in self.met],
            "happenings": [{"at_s": round(what.at_s - self.began_s, 2), "what": what.text} for what in self.happenings],
            "in_call": [self._stay_as_json(stay) for stay in self.stays],
            "messages": [self._message_as_json(message) for message in self.messages],
            "turns": [_turn_as_json(turn) for turn in self.turns],
            "false_interruptions": [self._resumed_as_json(resumed) for resumed in self.false_interruptions],
            "totals": {
                "turns": len([turn for turn in self.turns if turn.said != ""]),
                "answered": len(self.answered),
                "left_alone": len(self.left_alone),
                "expectations_met": len(self.met),
                "interruptions": len(self.interruptions),
                "false_interruptions": len(self.false_interruptions),
                "interruption_ms": _rounded(max((turn.interruption_ms or 0.0 for turn in self.interruptions), default=None)),
                "errors": len(self.errors) + len(self.failures),
                "wer": {"heard": _rounded(self.wer_heard, 4), "reply": _rounded(self.wer_reply, 4)},
                "wer_heard": _rounded(self.wer_heard, 4),
                "wer_reply": _rounded(self.wer_reply, 4),
                "voice_to_voice_ms": {"p50": _rounded(self.voice_to_voice_ms(50)), "p95": _rounded(self.voice_to_voice_ms(95))},
                "spans_ms": {name: self._span_as_json(name) for name in span_names(self.turns)},
                "p50_ms": _rounded(self.voice_to_voice_ms(50)),
                "p95_ms": _rounded(self.voice_to_voice_ms(95)),
            },
        }

    def _span_as_json(self, name: str) -> dict[str, Any]:
        values = [turn.spans_ms.get(name, 0.0) for turn in self.answered]
        return {
            "owner": SPAN_OWNERS.get(name, OURS),
            "p50": _rounded(percentile(values, 50)),
            "p95": _rounded(percentile(values, 95)),
        }

    def _resumed_as_json(self, resumed: Resumed) -> dict[str, Any]:
        return {
            "turn_id": resumed.turn_id,
            "by": resumed.by,
            "words": resumed.words,
            "resumed_at_s": round(resumed.at_s - self.began_s, 2),
            "silent_ms": _rounded(resumed.silent_ms),
        }

    def _message_as_json(self, message: ChatMessage) -> dict[str, Any]:
        return {"at_s": round(message.at_s - self.began_s, 2), "chat": message.chat, "author": message.author, "text": message.text}

    def _stay_as_json(self, stay: Stay) -> dict[str, Any]:
        return {"chat": stay.chat, "from_s": round(stay.begin_s - self.began_s, 2), "to_s": round(stay.end_s - self.began_s, 2)}

    def as_markdown(self) -> str:
        """The conversation to read: what happened, messages and speech in the order of time."""
        several = len({message.chat for message in self.messages}) > 1
        lines = [
            (message.at_s, f"**{message.author}** wrote{f' in {message.chat}' if several else ''}: {_inline(message.text)}")
            for message in self.messages
        ]
        lines += [(what.at_s, f"*{what.text}*") for what in self.happenings]
        for turn in self.turns:
            lines += _turn_lines(turn, self.bot_name)
        lines += [(resumed.at_s, f"**{self.bot_name}** goes on{_because_of(resumed)}") for resumed in self.false_interruptions]
        body = "\n".join(f"- `{_clock(at_s - self.began_s)}` {text}" for at_s, text in sorted(lines))
        return f"# {self.title}\n\n{body}\n"


def shortcomings(turns: Sequence[Turn]) -> Iterator[str]:
    """In plain words: each question without an answer or with a wrong one, each answer that nobody asked for, each that went on or
    ended where it should not.
    """
    for turn in turns:
        question = f"{turn.speaker}'s “{turn.said or '(a recording)'}”"
        if turn.wanted_answer and not turn.answered:
            yield f"{question} got no answer{_why(turn)}."
        elif turn.wanted_silence and (turn.answered or turn.silence_broken):
            yield f"{question} got an answer, and should have got none."
        elif turn.answered:
            yield from _answered_badly(turn, question)


def _answered_badly(turn: Turn, question: str) -> Iterator[str]:
    if turn.expected is not None and not pattern_of(turn.expected).search(turn.reply):
        yield f"The answer to {question} was “{_inline(turn.reply)}”, and should have said {turn.expected!r}."
    if turn.to_be_interrupted and not turn.interrupted:
        yield f"The answer to {question} was not interrupted."
    if turn.to_go_on and not turn.to_be_interrupted and _inline(turn.reply_played) != _inline(turn.reply):
        yield f"The answer to {question} did not go on to its end: the last heard of it was “…{_inline(turn.reply_played)[-40:]}”."


def _why(turn: Turn) -> str:
    if turn.turn_id is None:
        return ", and was not heard as a turn"
    return f" ({turn.ignored})" if turn.ignored else ""


def score(turns: Sequence[Turn]) -> None:
    """Count the word errors of each turn where both texts are known."""
    for turn in turns:
        if turn.said and turn.turn_id is not None:
            turn.errors_heard = word_errors(turn.said, turn.heard)
        if turn.reply_played and turn.reply_window_s is not None:
            turn.errors_reply = word_errors(turn.reply_played, turn.reply_as_heard_by_caller)


def _rate(errors: Iterable[WordErrors | None]) -> float | None:
    known = [error for error in errors if error is not None]
    return pooled(known).rate if known else None


def _turn_as_json(turn: Turn) -> dict[str, Any]:
    return {
        "turn_id": turn.turn_id,
        "speaker": turn.speaker,
        "said": turn.said,
        "heard": turn.heard,
        "reply": turn.reply,
        "reply_played": turn.reply_played,
        "reply_as_heard_by_caller": turn.reply_as_heard_by_caller,
        "wanted_answer": turn.wanted_answer,
        "ignored": turn.ignored or None,
        "interrupted": turn.interrupted,
        "interruption_ms": _rounded(turn.interruption_ms),
        "spans_ms": _rounded_spans(turn),
        "line_ms": {way: _rounded(value) for way, value in turn.line_ms.items()},
        "voice_to_voice_ms": _rounded(turn.voice_to_voice_ms),
        "wer_heard": _rounded(_rate([turn.errors_heard]), 4),
        "wer_reply": _rounded(_rate([turn.errors_reply]), 4),
    }


def _rounded_spans(turn: Turn) -> dict[str, float]:
    """Tenths of a millisecond that still sum to the rounded whole: the last span takes what rounding left."""
    spans = {name: round(value, 1) for name, value in turn.spans_ms.items()}
    if turn.voice_to_voice_ms is not None and spans:
        last = next(reversed(spans))
        spans[last] = round(round(turn.voice_to_voice_ms, 1) - sum(value for name, value in spans.items() if name != last), 1)
    return spans


def _rounded(value: float | None, digits: int = 1) -> float | None:
    return None if value is None else round(value, digits)


def _turn_lines(turn: Turn, bot_name: str) -> list[tuple[float, str]]:
    lines = []
    if turn.spoken_at_s is not None:
        said = turn.said if turn.said is not None else "(a recording)"
        ignored = f" — *left alone: {turn.ignored}*" if turn.ignored else ""
        lines.append((turn.spoken_at_s, f"**{turn.speaker}**: {_inline(said)}{ignored}"))
    if turn.reply_window_s is not None:
        cut = " — *interrupted*" if turn.interrupted else ""
        waited = f" *({turn.voice_to_voice_ms / 1000:.2f} s)*" if turn.voice_to_voice_ms is not None else ""
        lines.append((turn.reply_window_s[0], f"**{bot_name}**: {_inline(turn.reply_played)}{cut}{waited}"))
    return lines


def _because_of(resumed: Resumed) -> str:
    by = f": {resumed.by}'s “{_inline(resumed.words)}” was no interruption" if resumed.words else ": it was no interruption"
    return by + (f" *(silent for {resumed.silent_ms / 1000:.2f} s)*" if resumed.silent_ms is not None else "")


def _inline(text: str) -> str:
    return " ".join(text.split())


def _clock(seconds: float) -> str:
    minutes, rest = divmod(max(0.0, seconds), 60)
    return f"{int(minutes)}:{rest:04.1f}"
