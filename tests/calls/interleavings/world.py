"""Plays one schedule to one conversation and records what happens."""

from __future__ import annotations

import array
import asyncio
import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from importlib import import_module
from typing import Any, Final

from audio.pcm import BYTES_PER_SAMPLE, HEARING_FRAME_BYTES, HEARING_RATE_HZ
from audio.playout import Playout
from brain import Message, Role, toolbox
from calls import answer, drafting, events, floor, interruptions, reply, turn
from calls.conversation import Conversation
from calls.drafting import Engines
from calls.hearing import Hearing
from calls.lines import Participant
from calls.manners import Manners
from calls.state import Phase
from calls.turn import Turn
from calls.turns.barge_in import BargeInRules
from calls.turns.endpointing import Edge, PauseRules
from calls.turns.lulls import LullEdge, Lulls
from tests.calls.interleavings import actions
from tests.calls.interleavings.engines import ALLOWED, FORBIDDEN, Hears, Looks, Result, Speaks, Thinks, number_of
from tests.calls.interleavings.loop import InstantLoop, run_instantly
from tests.calls.interleavings.record import Asked, Happened, Heard, Record, Said, Speech
from tests.calls.interleavings.sound import PERSON_NUMBERS, person_word

PEOPLE: Final = (Participant(1, "Ann", 101), Participant(2, "Bob", 102))
HOP_BYTES: Final = int(actions.HOP_S * HEARING_RATE_HZ) * BYTES_PER_SAMPLE
SILENCE: Final = bytes(HOP_BYTES)
PROBABILITY_OF_MURMUR: Final = 0.4
"""Enough to go on with a turn, too little to begin one."""
LONGEST_REST_HOPS: Final = 400
QUIET_HOPS: Final = 8

Chooser = Callable[["World"], str | None]
"""Says what happens next; ``None`` is the same as hanging up."""


class ScriptedActivity:
    """Hears at once what a frame is meant to be; hops are as long as those of the schedule."""

    hop_s: Final = actions.HOP_S

    def __init__(self) -> None:
        self._bytes = 0

    def feed(self, frame: bytes) -> float | None:
        self._bytes += len(frame)
        if self._bytes < HOP_BYTES:
            return None
        self._bytes -= HOP_BYTES
        if frame[0] == 0 and frame[1] == 0:
            return 0.0
        return PROBABILITY_OF_MURMUR if frame[1] == 0xFF else 1.0


MANNERS: Final = Manners(
    pauses=PauseRules(begin_s=0.04, pause_s=0.04, end_s=0.19, shortest_speech_s=0.14, longest_turn_s=0.59),
    barge_in=BargeInRules(duck_s=0.04, hold_s=0.09, cut_s=0.29, forget_s=0.09),
    longest_wait_for_floor_s=0.4,
    tools=(ALLOWED, FORBIDDEN),
    new_activity=ScriptedActivity,
)
"""The bot's own manners with shorter times: the same order of things in 1, 1, 4, 3 and 12 hops, and 1, 2, 6 and 2."""

SHORTER: Final = (
    (turn, "LONG_STRETCH_BYTES", 4 * HOP_BYTES),
    (floor, "LONGEST_CARRIED_BYTES", 12 * HOP_BYTES),
    (interruptions, "LONGEST_HOLD_S", 0.5),
    (reply, "AHEAD_S", 0.4),
    (drafting, "WORDS_LATE_S", 0.5),
    (floor, "WORDS_LATE_S", 0.5),
    (toolbox, "LONGEST_S", 0.5),
    (answer, "MOST_TOOLS", 2),
    (answer, "MOST_ROUNDS", 4),
)
"""The same for what is no manner of a chat, so that this too comes to pass."""

REMEMBERED: Final = tuple(
    (module, function, lru_cache(100_000)(getattr(module, function)))
    for name, functions in {
        "audio.playout": ("estimated_word_times", "words_heard"),
        "brain.clauses": ("speakable",),
        "brain.prompt": ("cleaned",),
        "calls.hearing": ("loudness",),
        "calls.turns.addressing": ("is_called", "is_named"),
        "calls.turns.naming": ("likeness",),
    }.items()
    for module in (import_module(name),)
    for function in functions
)
"""The same few words and sounds come again and again: what only depends on them is found out once."""


FALLING: Final = ((LullEdge.DIPPED, 0.0), (LullEdge.BEGAN, 0.02), (LullEdge.LASTS, 0.05))
"""What follows one after the other when a voice falls, and how long it has been quiet by then."""
LOUD: Final = 30_000.0
NO_MARKS: Final = str.maketrans("[].", "   ")


class ObservedConversation(Conversation):
    """A conversation that lets somebody look on when turns change."""

    observer: Callable[[Hearing, Edge], None]
    revised: Callable[[Participant, Turn | None], None]

    def on_edge(self, hearing: Hearing, edge: Edge) -> None:
        before = self._turns.get(hearing.participant.id)
        self.observer(hearing, edge)
        super().on_edge(hearing, edge)
        self.revised(hearing.participant, self._turns.get(hearing.participant.id, before))

    def on_lull(self, hearing: Hearing, edge: LullEdge) -> None:
        super().on_lull(hearing, edge)
        self.revised(hearing.participant, self._turns.get(hearing.participant.id))

    def lulls_of(self, who: Participant) -> Lulls | None:
        """How loud somebody is, while they are in the middle of a turn."""
        hearing = self._hearings.get(who.id)
        return hearing._lulls if hearing and hearing.speaking else None

    def fall(self, who: Participant, edge: LullEdge) -> None:
        """Somebody's voice falls."""
        self.on_lull(self._hearings[who.id], edge)


class Complaints(logging.Handler):
    """Collects what the conversation logs as an error."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.said: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        cause = f": {record.exc_info[1]!r}" if record.exc_info else ""
        self.said.append(f"{record.getMessage()}{cause}")


@dataclass(eq=False)
class Person:
    """One participant, as the schedule moves them."""

    who: Participant
    present: bool = False
    """In the call: from their first sound until they leave."""
    talking: bool = False
    murmuring: bool = False
    muted: bool = False
    speaking_since_s: float | None = None
    fallen: int = 0
    """So many steps of :data:`FALLING` since their last sound."""
    said: Said | None = None
    spoken_in: dict[int, Said] = field(default_factory=dict)
    """In which revision each of their words was spoken."""


class World:
    """Everything around one conversation. Must be made and used on a running loop."""

    def __init__(self) -> None:
        self.record = Record(MANNERS.longest_wait_for_floor_s)
        self.done: list[str] = []
        self.people = [Person(who) for who in PEOPLE]
        self.hears = Hears(self._words_in, self._hum_for, self._note_unclear)
        self.thinks = Thinks(self.record, self._asked)
        self.speaks = Speaks(self.record)
        self.looks = Looks(self.record)
        loop = asyncio.get_running_loop()
        assert isinstance(loop, InstantLoop)
        self._loop = loop
        self._requests_of = {"s": self.hears.requests, "t": self.thinks.requests, "v": self.speaks.requests, "u": self.looks.requests}
        self._spoken_words = 0
        self._turns: dict[int, Said] = {}
        self._hummed: dict[str, Said] = {}
        self.playout = Playout(self._loop.time)
        bus = events.EventBus()
        bus.subscribe(self._note_event)
        engines = Engines(self.hears, self.thinks, self.speaks, tools=self.looks.tools)
        self.conversation = ObservedConversation(-100, engines, MANNERS, self.playout, bus)
        self.conversation.observer = self._note_edge
        self.conversation.revised = self._note_revision
        self._talk = self._loop.create_task(self.conversation.run())

    # ---- what can happen

    def enabled(self) -> Iterator[str]:
        """The actions that would change something now, except for the last ones."""
        yield from (*actions.SPEAKING, actions.HOP, actions.LONG)
        if self.playout.audible:
            yield actions.FRAME
        if self._loop.busy:
            yield actions.LOOP
        yield from (*actions.MURMURS, actions.ANNOUNCE)
        for name, place in (*actions.MUTES.items(), *actions.LEAVES.items()):
            if self.people[place].present:
                yield name
        for name, place in actions.FALLS.items():
            if self._may_fall(self.people[place]):
                yield name
        for engine in actions.ENGINES:
            waiting = self._requests_of[engine].waiting
            if waiting:
                yield from self._completions(engine, "", begun=bool(waiting[0].given))
            if len(waiting) > 1:
                yield from self._completions(engine, "2", begun=bool(waiting[-1].given))

    @staticmethod
    def _completions(engine: str, which: str, *, begun: bool) -> Iterator[str]:
        """A voice that has begun makes the whole clause or fails."""
        yield from (f"{engine}{mark}{which}" for mark in actions.MARKS[engine] if mark != "0" or engine != "v" or not begun)

    async def act(self, name: str) -> None:
        """Let it happen; what can't happen now is left out."""
        self.done.append(name)
        if name in actions.COMPLETIONS:
            self._complete(*actions.COMPLETIONS[name])
        elif name == actions.FRAME:
            self._play_frame()
        elif name == actions.LOOP:
            await asyncio.sleep(0)
        elif name in actions.MUTES:
            person = self.people[actions.MUTES[name]]
            person.muted = not person.muted
        elif name == actions.ANNOUNCE:
            self._announce()
        elif name in actions.FALLS:
            self._fall(self.people[actions.FALLS[name]])
        elif name in actions.LEAVES:
            self._leave(self.people[actions.LEAVES[name]])
        else:
            await self._let_time_pass(name)

    def _complete(self, engine: str, result: Result, newest: bool) -> None:
        waiting = self._requests_of[engine].waiting
        if not waiting or (newest and len(waiting) < 2):
            return
        request = waiting[-1 if newest else 0]
        if engine != "v" or result is not Result.NOTHING or not request.given:
            request.give(result)

    def _announce(self) -> None:
        asked = Asked(self.record.place(), [], None)
        text = self.thinks.words_for(asked, actions.WORDS_IN_ANNOUNCEMENT) + "."
        self.record.announcements.append((text, self.conversation.announce(text)))

    def _leave(self, person: Person) -> None:
        person.talking = person.present = False
        self._fall_silent(person)
        self.conversation.participant_left(person.who)

    def _may_fall(self, person: Person) -> bool:
        return person.talking and person.fallen < len(FALLING) and self.conversation.lulls_of(person.who) is not None

    def _fall(self, person: Person) -> None:
        lulls = self.conversation.lulls_of(person.who)
        if lulls is None or not self._may_fall(person):
            return
        edge, lulls.quiet_s = FALLING[person.fallen]
        lulls._peak = LOUD
        person.fallen += 1
        self.conversation.fall(person.who, edge)

    async def _let_time_pass(self, name: str) -> None:
        if name in actions.SPEAKING:
            person = self.people[actions.SPEAKING[name]]
            person.talking = not person.talking
            person.present = True
        elif name in actions.MURMURS:
            person = self.people[actions.MURMURS[name]]
            person.murmuring = person.present = True
        for _ in range(actions.LONG_HOPS if name == actions.LONG else 1):
            await self._hop()

    async def _hop(self) -> None:
        for person in self.people:
            self._speak(person)
        for _ in range(actions.FRAMES_IN_HOP):
            self._play_frame()
        await asyncio.sleep(actions.HOP_S)

    def _speak(self, person: Person) -> None:
        if person.muted or not person.present:
            self._fall_silent(person)
            return
        if not person.talking:
            self._fall_silent(person)
        elif person.speaking_since_s is None:
            person.speaking_since_s = self._loop.time()
        if person.talking or person.murmuring:
            self._spoken_words += 1
            self._rise(person)
            self.conversation.hear(person.who, _sound_of(self._spoken_words if person.talking else -self._spoken_words))
            if person.said:
                person.spoken_in[self._spoken_words] = person.said
        else:
            self.conversation.hear(person.who, SILENCE)
        person.murmuring = False

    def _rise(self, person: Person) -> None:
        if person.fallen and (lulls := self.conversation.lulls_of(person.who)):
            lulls._peak = 0.0
        person.fallen = 0

    def _fall_silent(self, person: Person) -> None:
        if person.speaking_since_s is not None:
            self.record.speech.append(Speech(person.who.id, person.speaking_since_s, self._loop.time()))
        person.speaking_since_s = None

    def _play_frame(self) -> None:
        frame = self.playout.read()
        if frame != Playout.SILENCE:
            at = self.record.place()
            words = self.record.ear.recognise(frame, at)
            self.record.heard.append(Heard(at, self._loop.time(), words))

    # ---- looking on

    def _note_edge(self, hearing: Hearing, edge: Edge) -> None:
        at = self.record.place()
        person = self._person(hearing.participant.id)
        self.record.edges.append((at, person.who.id, edge))
        said = person.said
        if said is None:
            return
        if edge is Edge.RESUMED:
            self._supersede(person, said)
        elif edge is Edge.ENDED or (edge is Edge.DROPPED and said.taken_back):
            said.ended_at = at
        elif edge is Edge.DROPPED:
            said.superseded_at = at

    def _note_revision(self, who: Participant, turn: Turn | None) -> None:
        """Lulls, too, make new revisions: of the same words."""
        said = self._person(who.id).said
        if said and turn and said.turn_id == turn.turn_id:
            said.number = max(said.number, turn.revision.number)

    def _supersede(self, person: Person, said: Said) -> None:
        said.superseded_at = at = self.record.place()
        taken_back = said.taken_back or said.ended_at is not None
        person.said = self._turns[said.turn_id] = Said(said.turn_id, said.number + 1, said.speaker_id, at, taken_back)

    def _note_event(self, event: events.CallEvent) -> None:
        if isinstance(event, events.TurnBegan):
            self._note_beginning(event)
        newest = self._turns.get(getattr(event, "turn_id", 0))
        self.record.happened.append(Happened(self.record.place(), event, newest))

    def _note_beginning(self, event: events.TurnBegan) -> None:
        person = self._person(event.speaker_id)
        if event.turn_id in self._turns:
            self._supersede(person, self._turns[event.turn_id])
        else:
            person.said = self._turns[event.turn_id] = Said(event.turn_id, 1, person.who.id, self.record.place())

    def _asked(self, messages: Sequence[Message]) -> Asked:
        question = next(message for message in reversed(messages) if message.role is Role.USER)
        used = messages[-1].uses
        first = self.record.call_of[number_of(used[0].call)] if used else None
        asked = Asked(self.record.place(), list(messages), self._answered_by(question), first)
        self.record.asked.append(asked)
        return first or asked

    def _answered_by(self, question: Message) -> Said | None:
        numbers = [PERSON_NUMBERS[word] for word in question.text.translate(NO_MARKS).split() if word in PERSON_NUMBERS]
        candidates = [person.spoken_in[max(numbers)] for person in self.people if numbers and max(numbers) in person.spoken_in]
        candidates += [said for hum, said in self._hummed.items() if hum in question.text.split()]
        return max(candidates, key=lambda said: (said.turn_id, said.number), default=None)

    def _words_in(self, pcm: bytes) -> str:
        return " ".join(person_word(number) for number in _numbers_in(pcm))

    def _hum_for(self, pcm: bytes) -> str:
        """A backchannel for what was said last, unlike every other."""
        hum = "m" * (len(self._hummed) + 2)
        if said := self._newest_in(pcm):
            self._bring_words_up_to(said)
            self._hummed[hum] = said
        return hum

    def _note_unclear(self, pcm: bytes) -> None:
        """The newest words were not understood: those before them are all that there is of the revision, also where its reply was begun."""
        if said := self._newest_in(pcm):
            self._bring_words_up_to(said)
            for asked in self.record.asked:
                if asked.said and asked.said.turn_id == said.turn_id and asked.said.number < said.number and asked.at > said.began_at:
                    asked.said = said

    def _newest_in(self, pcm: bytes) -> Said | None:
        newest = (_numbers_in(pcm) or [0])[-1]
        return next((person.spoken_in[newest] for person in self.people if newest in person.spoken_in), None)

    def _bring_words_up_to(self, said: Said) -> None:
        for person in self.people:
            _bring_up_to(said, person.spoken_in)
        _bring_up_to(said, self._hummed)

    def _person(self, participant_id: int) -> Person:
        return self.people[participant_id - 1]

    # ---- the end

    async def come_to_rest(self) -> None:
        """Everybody falls silent and every engine works, until nothing is left to be said."""
        for person in self.people:
            person.talking = person.muted = False
        quiet = 0
        for _ in range(LONGEST_REST_HOPS):
            await self._hop()
            self._let_engines_work()
            quiet = quiet + 1 if self._at_rest() else 0
            if quiet > QUIET_HOPS:
                self.record.came_to_rest = True
                return
        self.record.faults.append(f"The conversation never comes to rest: {self._state()}.")

    def _let_engines_work(self) -> None:
        for engine in actions.ENGINES:
            for request in self._requests_of[engine].waiting:
                request.give(Result.MORE if engine != "t" or not request.given else Result.NOTHING)

    def _at_rest(self) -> bool:
        working = any(self._requests_of[engine].open for engine in actions.ENGINES)
        return not working and not self.playout.audible and not self.playout.held and self.conversation.phase is Phase.LISTENING

    def _state(self) -> str:
        working = [engine for engine in actions.ENGINES if self._requests_of[engine].open]
        held = "held" if self.playout.held else "audible" if self.playout.audible else "silent"
        return f"phase {self.conversation.phase.value}, playout {held}, engines at work: {', '.join(working) or 'none'}"

    async def hang_up(self) -> None:
        """End the conversation and look for what it left behind."""
        self.record.hung_up_at = self.record.place()
        if self._talk.done():
            self.record.faults.append(f"The conversation ended by itself: {self._talk.exception()!r}.")
        self._talk.cancel()
        await asyncio.wait({self._talk}, timeout=1)
        left = asyncio.all_tasks(self._loop) - {asyncio.current_task(self._loop)}
        self.record.faults += [f"After the end this task still lives: {task.get_coro()!r}." for task in left]
        for engine in actions.ENGINES:
            if still_open := len(self._requests_of[engine].open):
                self.record.faults.append(f"After the end {still_open} requests to the engine {engine} are still open.")
        for person in self.people:
            self._fall_silent(person)
        self.record.uses = [use for past in self.conversation.history.exchanges for use in past.uses]
        self.record.history = [(past.said, past.reply_heard) for past in self.conversation.history.exchanges]


def _bring_up_to(said: Said, words: dict[Any, Said]) -> None:
    """What was said in older revisions of the same turn now counts as said in this one."""
    words.update({word: said for word, before in words.items() if before.turn_id == said.turn_id and before.number < said.number})


def _numbers_in(pcm: bytes) -> list[int]:
    samples = array.array("h", pcm)[:: HEARING_FRAME_BYTES // BYTES_PER_SAMPLE]
    return sorted({abs(sample) for sample in samples if sample})


@lru_cache(1000)
def _sound_of(number: int) -> bytes:
    """One hop of somebody's word; of a murmur, if negative."""
    return array.array("h", [number]).tobytes() * (HOP_BYTES // BYTES_PER_SAMPLE)


def play(choose: Chooser) -> World:
    """One conversation, to its end; it is hung up on when ``choose`` says so, or nothing any more."""
    with _shorter_times(), _complaints() as complaints:
        world = run_instantly(_play(choose))
    world.record.faults += complaints.said
    return world


@contextmanager
def _shorter_times() -> Iterator[None]:
    changed = (*SHORTER, *REMEMBERED)
    usual = [getattr(module, name) for module, name, _value in changed]
    for module, name, value in changed:
        setattr(module, name, value)
    try:
        yield
    finally:
        for (module, name, _value), value in zip(changed, usual, strict=True):
            setattr(module, name, value)


@contextmanager
def _complaints() -> Iterator[Complaints]:
    complaints = Complaints()
    log = logging.getLogger("calls")
    log.addHandler(complaints)
    try:
        yield complaints
    finally:
        log.removeHandler(complaints)


async def _play(choose: Chooser) -> World:
    world = World()
    await asyncio.sleep(0)
    while (name := choose(world)) not in (None, *actions.LAST):
        await world.act(str(name))
    if name == actions.REST:
        await world.come_to_rest()
    world.done.append(name or actions.HANG_UP)
    await world.hang_up()
    return world


def play_schedule(schedule: Sequence[str]) -> World:
    """Play these actions, in order."""
    names: Any = iter(schedule)
    return play(lambda _world: next(names, None))
