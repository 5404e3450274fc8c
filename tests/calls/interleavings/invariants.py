"""What must be so in every conversation, whatever happens in whatever order: each function gives what it finds broken, in plain words."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import pairwise
from typing import Final

from brain import Role
from brain.tools import Outcome, ToolCall, ToolResult, ToolUse
from calls import events
from calls.events import CallEvent
from tests.brain.tool_pairs import unpaired
from tests.calls.interleavings.engines import number_of
from tests.calls.interleavings.record import Happened, Record, Said, ToolRun, plain
from tests.calls.interleavings.sound import Word

SILENT_WITHIN_S: Final = 0.25
FRAME_S: Final = 0.01

Check = Callable[[Record], Iterator[str]]


def nothing_counts_as_heard_that_was_not(record: Record) -> Iterator[str]:
    """No word in an event, a prompt or the history that the ear has not heard to its end by then, but for those of the same reply."""
    for happened in record.happened:
        match happened.event:
            case events.ExchangeEnded(reply_heard=claimed) | events.Interrupted(heard=claimed) | events.Announced(heard=claimed):
                yield from _unheard(record, claimed, happened.at, type(happened.event).__name__)
    for asked in record.asked:
        for message in asked.messages:
            if message.role is Role.ASSISTANT:
                others = (word for word in message.text.split() if not asked.first or record.answers_to.get(plain(word)) is not asked.first)
                yield from _unheard(record, " ".join(others), asked.at, "a prompt")
    for _said, claimed in record.history:
        yield from _unheard(record, claimed, record.hung_up_at, "the history")


def _unheard(record: Record, claimed: str, by: int, where: str) -> Iterator[str]:
    if not claimed:
        return
    heard = {plain(word.text) for word in _words(record) if word.ended_at is not None and word.ended_at <= by}
    for word in claimed.split():
        if plain(word) not in heard:
            yield f"{where} has {word!r} of {claimed!r} as heard, and it was not heard to its end."


def _words(record: Record) -> Iterator[Word]:
    return (word for clause in record.ear.clauses for word in clause.words)


def what_was_heard_is_remembered(record: Record) -> Iterator[str]:
    """At rest, every word that was heard to its end is in the history, but for clauses of which not all sound had been made by then."""
    if not record.came_to_rest:
        return
    remembered = {plain(word) for _said, claimed in record.history for word in claimed.split()}
    for word in _words(record):
        whole_at = word.clause.whole_at
        if whole_at and word.ended_at and whole_at < word.ended_at and plain(word.text) not in remembered:
            yield f"{word.text!r} was heard to its end and is not in the history."


def silent_soon_after_somebody_speaks(record: Record) -> Iterator[str]:
    """Continuous speech silences the reply that it began over within 250 ms; a reply that begins later has as long from its beginning.

    A reply that had to wait too long for its turn is spoken over somebody's speech all the same.
    """
    if not record.speech:
        return
    began: dict[object, float] = {}
    for heard in record.heard:
        since_s = began.setdefault(_reply_of(record, heard.words[0]), heard.at_s) if heard.words else heard.at_s
        for speech in record.speech:
            if since_s - speech.from_s > record.patience_s:
                continue
            from_s = max(speech.from_s, since_s)
            if from_s + SILENT_WITHIN_S + FRAME_S < heard.at_s < speech.to_s and heard.words:
                yield (
                    f"{heard.words[0].text!r} sounds at {heard.at_s:.2f} s, "
                    f"though participant {speech.speaker_id} speaks since {speech.from_s:.2f} s."
                )
                return


def _reply_of(record: Record, word: Word) -> object:
    return record.question_of(word.clause) or word.clause


def nothing_stale_is_heard(record: Record) -> Iterator[str]:
    """No sound of an answer to what somebody had said before they went on."""
    for heard in record.heard:
        for word in heard.words:
            asked = record.question_of(word.clause)
            if asked and asked.said and _over(asked.said, heard.at):
                yield f"{word.text!r} is heard, an answer to {asked.said}, which was superseded."
                return


def _over(said: Said, at: int) -> bool:
    return said.superseded_at is not None and said.superseded_at < at


def nothing_stale_is_told(record: Record) -> Iterator[str]:
    """Events are about the newest revision of their turn and have its words; the history has no words of a stale reply."""
    for happened in record.of(events.TurnHeard, events.ExchangeEnded):
        event, newest = happened.event, happened.newest
        assert isinstance(event, events.TurnHeard | events.ExchangeEnded)
        if newest is None:
            yield f"{type(event).__name__} is about turn {event.turn_id}, which never began."
        elif event.revision != newest.number or _over(newest, happened.at):
            yield f"{type(event).__name__} is about revision {event.revision} of turn {event.turn_id}; the newest is {newest.number}."
    for happened in record.of(events.ExchangeEnded):
        event = happened.event
        assert isinstance(event, events.ExchangeEnded)
        yield from _foreign_words(record, event.reply, event, happened)


def _foreign_words(record: Record, reply: str, event: events.ExchangeEnded, happened: Happened) -> Iterator[str]:
    for word in reply.split():
        asked = record.answers_to.get(plain(word))
        if asked and asked.said and (asked.said.turn_id != event.turn_id or _over(asked.said, happened.at)):
            yield f"ExchangeEnded of turn {event.turn_id} has {word!r}, an answer to {asked.said}."


def one_answer_for_each_turn(record: Record) -> Iterator[str]:
    """At most one ExchangeEnded and one TurnHeard for each revision, and one ExchangeEnded for each turn."""
    ended = [happened.event.turn_id for happened in record.of(events.ExchangeEnded) if isinstance(happened.event, events.ExchangeEnded)]
    heard = [
        (happened.event.turn_id, happened.event.revision)
        for happened in record.of(events.TurnHeard)
        if isinstance(happened.event, events.TurnHeard)
    ]
    if len(ended) > len(set(ended)):
        yield f"A turn has more than one ExchangeEnded: {ended}."
    if len(heard) > len(set(heard)):
        yield f"A revision has more than one TurnHeard: {heard}."


def nothing_is_taken_down_twice(record: Record) -> Iterator[str]:
    """No word that somebody said is in the words of two turns, or twice in those of one."""
    words_of: dict[int, str] = {}
    for happened in record.of(events.TurnHeard):
        assert isinstance(happened.event, events.TurnHeard)
        words_of[happened.event.turn_id] = happened.event.text
    words = [word for text in words_of.values() for word in text.split()]
    twice = sorted({word for word in words if words.count(word) > 1})
    if twice:
        yield f"{twice} are in {list(words_of.values())}."


def replies_never_mix(record: Record) -> Iterator[str]:
    """Once another reply has sounded, nothing more is heard of the one before."""
    over: set[object] = set()
    current: object = None
    for heard in record.heard:
        for word in heard.words:
            reply = _reply_of(record, word)
            if reply is current:
                continue
            if reply in over:
                yield f"{word.text!r} is heard after another reply had begun."
                return
            over.add(current)
            current = reply


def words_come_in_order(record: Record) -> Iterator[str]:
    """Within a reply no word is left out, and none that was heard to its end comes again, unless its clause was still being made."""
    before: Word | None = None
    before_at = 0
    for heard in record.heard:
        for word in heard.words:
            if before is not None and word is not before:
                yield from _wrong_step(record, before, word, before_at)
            before, before_at = word, heard.at


def _wrong_step(record: Record, before: Word, word: Word, before_at: int) -> Iterator[str]:
    if word.clause is before.clause:
        if word.place > before.place + 1 or (word.place == before.place + 1 and before.ended_at is None):
            yield f"After {before.text!r} comes {word.text!r}: something was left out."
        if word.place < before.place and word.clause.whole_at is not None and word.clause.whole_at < before_at:
            yield f"After {before.text!r} comes {word.text!r} again."
    elif word.place != 0:
        yield f"A clause begins with {word.text!r}, its word {word.place}."
    elif _same_reply(record, before, word) and before.clause not in record.failed_clauses and before is not before.clause.words[-1]:
        yield f"The clause of {before.text!r} stops in the middle, and {word.text!r} follows."


def _same_reply(record: Record, before: Word, word: Word) -> bool:
    asked = record.question_of(before.clause)
    return asked is not None and asked is record.question_of(word.clause)


def nothing_is_heard_before_the_turn_is_over(record: Record) -> Iterator[str]:
    """A reply sounds only after the end of the turn it answers."""
    for heard in record.heard:
        for word in heard.words:
            asked = record.question_of(word.clause)
            if asked and asked.said and (asked.said.ended_at is None or asked.said.ended_at > heard.at):
                yield f"{word.text!r} is heard before turn {asked.said.turn_id} has ended."
                return


def replies_know_what_was_said_before(record: Record) -> Iterator[str]:
    """When a reply begins to sound, its prompt has every word that was heard of the replies before it."""
    begun: set[int] = set()
    for heard in record.heard:
        for word in heard.words:
            asked = record.question_of(word.clause)
            if asked is None or not asked.messages or asked.at in begun:
                continue
            begun.add(asked.at)
            told = {plain(each) for message in asked.messages if message.role is Role.ASSISTANT for each in message.text.split()}
            remembered = _remembered(record, heard.at)
            if missing := remembered - told:
                yield f"{word.text!r} begins a reply that knows nothing of {sorted(missing)}, which was heard before."


def _remembered(record: Record, by: int) -> set[str]:
    ended = (happened for happened in record.of(events.ExchangeEnded) if happened.at < by)
    return {
        plain(word) for happened in ended if isinstance(happened.event, events.ExchangeEnded) for word in happened.event.reply_heard.split()
    }


def every_turn_comes_to_something(record: Record) -> Iterator[str]:
    """At rest, each turn that ended was answered, heard as nothing, or told as ignored."""
    if not record.came_to_rest:
        return
    told = {getattr(happened.event, "turn_id", 0) for happened in record.happened if type(happened.event) in _OUTCOMES}
    for happened in record.of(events.TurnBegan):
        assert isinstance(happened.event, events.TurnBegan)
        turn_id = happened.event.turn_id
        ended = happened.newest is not None and happened.newest.ended_at is not None
        if ended and turn_id not in told:
            yield f"Turn {turn_id} ended and nothing came of it."


_OUTCOMES: Final = (events.TurnHeard, events.TurnIgnored, events.ExchangeEnded)


def understood_turns_are_answered(record: Record) -> Iterator[str]:
    """At rest, a turn whose newest words were told has an exchange, or is told as ignored."""
    if not record.came_to_rest:
        return
    answered = {getattr(happened.event, "turn_id", 0) for happened in record.of(events.ExchangeEnded, events.TurnIgnored)}
    words = {
        happened.event.turn_id: happened.event.text
        for happened in record.of(events.TurnHeard)
        if isinstance(happened.event, events.TurnHeard)
    }
    for turn_id, text in words.items():
        if text and turn_id not in answered:
            yield f"Turn {turn_id} ({text!r}) was heard and never answered."


def announcements_come_to_an_end(record: Record) -> Iterator[str]:
    """At rest, everything that the bot was told to say was said, cut off, or given up; and told at most once."""
    told = [happened.event.text for happened in record.happened if isinstance(happened.event, events.Announced)]
    for text, over in record.announcements:
        if record.came_to_rest and not over.is_set():
            yield f"The announcement {text!r} never comes to an end."
        if told.count(text) > 1:
            yield f"{text!r} was announced more than once."


_STAGE: Final[dict[type[CallEvent], int]] = {
    events.TurnBegan: 0,
    events.TurnHeard: 1,
    events.TurnIgnored: 2,
    events.ReplyBegan: 2,
    events.ClauseSpoken: 3,
    events.Interrupted: 4,
    events.ExchangeEnded: 5,
}


def events_are_in_order(record: Record) -> Iterator[str]:
    """Began, heard, reply, clauses, cut, ended; nothing after the end; the clock never goes back; a phase never follows itself."""
    for before, after in pairwise(record.happened):
        if after.event.at_s < before.event.at_s:
            yield f"{after.event} is earlier than {before.event}."
    phases = [happened.event.phase for happened in record.happened if isinstance(happened.event, events.PhaseChanged)]
    if any(phase == following for phase, following in pairwise(phases)):
        yield f"The phase changes to itself: {phases}."
    stages: dict[int, type[CallEvent]] = {}
    for happened in record.happened:
        if (stage := _STAGE.get(type(happened.event))) is not None:
            turn_id = getattr(happened.event, "turn_id", 0)
            before_kind = stages.get(turn_id)
            if not _may_follow(before_kind, stage):
                yield f"{type(happened.event).__name__} of turn {turn_id} follows {before_kind.__name__ if before_kind else 'nothing'}."
            stages[turn_id] = type(happened.event)


def _may_follow(before: type[CallEvent] | None, stage: int) -> bool:
    if before is None:
        return stage in (0, 2)
    if before in (events.ExchangeEnded, events.TurnIgnored):
        return False
    before_stage = _STAGE[before]
    if stage == 0:
        return before_stage <= 1
    return stage > before_stage or stage == before_stage == _STAGE[events.ClauseSpoken]


def cuts_are_told_whole(record: Record) -> Iterator[str]:
    """Interrupted is followed by the end of the same exchange with the same words heard, and only such an exchange is interrupted."""
    told = record.of(events.Interrupted, events.ExchangeEnded, events.Announced)
    cut: events.Interrupted | None = None
    for event in (happened.event for happened in told if happened.at < record.hung_up_at):
        if isinstance(event, events.Interrupted):
            cut = event
        elif isinstance(event, events.Announced):
            if cut is not None and cut.heard != event.heard:
                yield f"{event} after {cut}."
            cut = None
        elif isinstance(event, events.ExchangeEnded):
            if event.interrupted != (cut is not None and cut.turn_id == event.turn_id and cut.heard == event.reply_heard):
                yield f"{event} after {cut}."
            cut = None


def whole_replies_are_remembered_whole(record: Record) -> Iterator[str]:
    """A reply that nobody cut and whose sound was all made counts as heard from its first word to its last."""
    failed = {plain(word.text) for clause in record.ear.clauses if not clause.whole for word in clause.words}
    for happened in record.of(events.ExchangeEnded):
        event = happened.event
        assert isinstance(event, events.ExchangeEnded)
        if not event.interrupted and event.reply_heard != event.reply and not failed & {plain(word) for word in event.reply.split()}:
            yield f"Of the reply {event.reply!r}, which nobody cut, only {event.reply_heard!r} counts as heard."


def tools_wait_until_they_are_wanted(record: Record) -> Iterator[str]:
    """A tool runs only after the end of the turn it is used for, and not for what somebody had said before they went on."""
    for run in record.tool_runs:
        said = record.call_of[run.number].said
        if said and (said.ended_at is None or said.ended_at > run.began_at):
            yield f"Tool {run.number} runs before turn {said.turn_id} has ended."
        if said and _over(said, run.began_at):
            yield f"Tool {run.number} runs for {said}, which was superseded."


def calls_and_results_are_whole(record: Record) -> Iterator[str]:
    """In every prompt and in the history each call is followed by its result, which is what came of it by then."""
    for asked in record.asked:
        uses = [use for message in asked.messages for use in message.uses]
        if uses and (wrong := unpaired(asked.messages)):
            yield f"A prompt has {wrong}, call or result alone."
        yield from _wrong_results(record, uses, asked.at, "A prompt")
    yield from _wrong_results(record, record.uses, record.places + 1, "The history")


def _wrong_results(record: Record, uses: list[ToolUse], by: int, where: str) -> Iterator[str]:
    runs = {run.number: run for run in record.tool_runs}
    for use in uses:
        run = runs.get(number_of(use.call))
        if not _agrees(use, run, by):
            yield f"{where} has {use}, and what came of it is {run}."


def _agrees(use: ToolUse, run: ToolRun | None, by: int) -> bool:
    match use.result.outcome:
        case Outcome.REFUSED:
            return run is None
        case Outcome.DONE:
            return run is not None and run.ended_at < by and run.text == use.result.text
        case Outcome.FAILED:
            return run is not None and run.ended_at < by and run.failed
        case Outcome.TIMED_OUT:
            return run is not None and run.ended_at < by and not run.text and not run.failed
        case Outcome.CUT_OFF:
            return run is None or not run.text or not run.ended_at or run.ended_at > by


def every_tool_is_told_once(record: Record) -> Iterator[str]:
    """Each tool that ran is told with its result, once, whatever became of its turn and of the call."""
    told = [happened.event for happened in record.happened if isinstance(happened.event, events.ToolUsed)]
    numbers = [number_of(ToolCall(event.tool, event.arguments)) for event in told]
    if len(numbers) > len(set(numbers)):
        yield f"A tool was told more than once: {numbers}."
    if missing := {run.number for run in record.tool_runs} - set(numbers):
        yield f"Tools {sorted(missing)} have run and were not told."
    uses = [ToolUse(ToolCall(event.tool, event.arguments), ToolResult(Outcome(event.outcome), event.result)) for event in told]
    yield from _wrong_results(record, uses, record.places + 1, "An event")


def tools_of_replies_are_remembered(record: Record) -> Iterator[str]:
    """When a reply that was told has ended, the history has every tool that was used for it."""
    remembered = {number_of(use.call) for use in record.uses}
    for happened in record.of(events.ExchangeEnded):
        assert isinstance(happened.event, events.ExchangeEnded)
        replies = [record.answers_to[plain(word)] for word in happened.event.reply.split() if plain(word) in record.answers_to]
        for run in record.tool_runs:
            if run.began_at < happened.at and record.call_of[run.number] in replies and run.number not in remembered:
                yield f"Tool {run.number} was used for {happened.event.reply!r} and is not in the history."


def nothing_is_left_behind(record: Record) -> Iterator[str]:
    """No task, no generator, no exception; and the conversation comes to rest when everybody is silent."""
    yield from record.faults


INVARIANTS: Final[tuple[Check, ...]] = (
    nothing_is_left_behind,
    nothing_counts_as_heard_that_was_not,
    what_was_heard_is_remembered,
    silent_soon_after_somebody_speaks,
    nothing_stale_is_heard,
    nothing_stale_is_told,
    one_answer_for_each_turn,
    nothing_is_taken_down_twice,
    replies_never_mix,
    words_come_in_order,
    nothing_is_heard_before_the_turn_is_over,
    replies_know_what_was_said_before,
    every_turn_comes_to_something,
    understood_turns_are_answered,
    announcements_come_to_an_end,
    events_are_in_order,
    cuts_are_told_whole,
    whole_replies_are_remembered_whole,
    tools_wait_until_they_are_wanted,
    calls_and_results_are_whole,
    every_tool_is_told_once,
    tools_of_replies_are_remembered,
)


def violations(record: Record, checks: Iterable[Check] = INVARIANTS) -> list[str]:
    """Everything that is wrong, each with the name of what it breaks."""
    return [f"{check.__name__}: {found}" for check in checks for found in check(record)]
