"""The life of one call: opened, kept open while it can be, closed once."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
import time
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

from audio.playout import Playout
from audio.tts import Voice
from brain.clauses import ClauseSplitter
from calls import backoff, ending, errors, events
from calls.call_record import CallRecord
from calls.chosen_sounds import ChosenSounds
from calls.conversation import Conversation
from calls.drafting import Engines
from calls.ending import Ending
from calls.errors import CallError, Remedy
from calls.history import History
from calls.lines import (
    AttendanceKnown,
    HearingSink,
    Line,
    LineClosed,
    LineDropped,
    LineEvent,
    LineHungUp,
    LineLost,
    LineRemoved,
    MutedByAdmin,
    Participant,
    ParticipantJoined,
    ParticipantLeft,
    UnmutedByAdmin,
)
from calls.manners import Manners
from calls.quiet_engines import engines_of_a_call
from calls.state import CallState, Phase, PublicState
from errors import LineError
from logs import of_call

log = logging.getLogger(__name__)

GOOD_BYE = "I have to go now. Good-bye."
GOOD_BYE_WITHIN_S = 8.0
STEADY_S = 30.0
"""A connection that has held for this long is a good one: when it breaks it is restored at once, and earlier failures are forgotten."""
LONGEST_WAIT_INSIDE_S = 60.0
"""If Telegram wants to be left alone for longer, the call is over for now."""
LOOK_AROUND_S = 1.0


async def at_once() -> None:
    """There is nothing to wait for."""


class Call:
    """One chat's call. :meth:`run` lives as long as the call; ``opened`` is done when it was joined or could not be.

    ``until_reachable`` returns when there is a connection over which it could be joined at all; ``too_long`` is how it ends when it has
    lasted as long as it may.
    """

    def __init__(
        self,
        chat_id: int,
        title: str,
        new_line: Callable[[], Line],
        engines: Engines,
        manners: Manners,
        bus: events.EventBus,
        *,
        auto_joined: bool = False,
        history: History | None = None,
        until_reachable: Callable[[], Awaitable[None]] = at_once,
        too_long: Ending = ending.TOO_LONG,
        chance: Callable[[], float] = random.random,
    ) -> None:
        loop = asyncio.get_running_loop()
        self.opened: asyncio.Future[None] = loop.create_future()
        self.participants: dict[int, Participant] = {}
        self.muted_by_admin = False
        self.voice_chat_id: int | None = None
        self.ending = ending.SENT_AWAY
        self._chat_id = chat_id
        self._title = title
        self._new_line = new_line
        self._bus = bus
        self._clock = loop.time
        self._chance = chance
        self._until_reachable = until_reachable
        self._too_long = too_long
        self._manners = manners
        self._auto_joined = auto_joined
        self._playout = Playout(loop.time)
        engines = engines_of_a_call(engines, speaks=manners.speaks, silenced=lambda: self.muted_by_admin)
        self._sounds = ChosenSounds(engines.tts)
        engines = replace(engines, tts=self._sounds)
        self._conversation = Conversation(chat_id, engines, manners, self._playout, bus, history=history)
        self._over: asyncio.Future[Ending] = loop.create_future()
        self._state = PublicState.IDLE
        self._line_phase: Phase | None = Phase.CONNECTING
        self._attendance_known = False
        self._named: set[int] = set()
        self._record = CallRecord(chat_id)
        self._listeners: list[HearingSink] = []
        self._said: dict[str, asyncio.Future[str]] = {}
        self._breaks = 0
        self._joined_at: float | None = None

    async def run(self) -> None:
        """Join, converse, and leave when the voice chat ends, when Parley is removed or alone, or when the task is cancelled.

        :raises errors.LineError: through ``opened``, never from here. How it ended is in ``ending``.
        """
        unsubscribe = [self._bus.subscribe(listener, self._chat_id) for listener in (self._record, self._note)]
        try:
            with of_call(self._chat_id, uuid.uuid4().hex[:8]):
                await self._live()
        finally:
            self._close()
            for each in unsubscribe:
                each()

    async def _live(self) -> None:
        async with asyncio.TaskGroup() as group:
            parts = [group.create_task(part) for part in (self._conversation.run(), self._stay(), self._limit(), self._look_around())]
            self.ending = await self._over
            for part in parts:
                part.cancel()

    def _close(self) -> None:
        if self._state is PublicState.JOINED:
            self._state = PublicState.LEFT
            self._publish(events.CallLeft, reason=self.ending.reason, key=self.ending.key, fields=self.ending.fields)
        for said in self._said.values():
            said.cancel()
        if not self.opened.done():
            self.opened.set_exception(self.ending.error or errors.of(errors.BROKEN_OFF))
            self.opened.exception()

    def end(self, how: Ending) -> None:
        """Leave; what was decided first counts."""
        if not self._over.done():
            self._over.set_result(how)

    # ---- the line

    async def _stay(self) -> None:
        try:
            self.end(await self._keep_open())
        except LineError as error:
            self.end(ending.failed(error))

    async def _keep_open(self) -> Ending:
        failures = 0
        while True:
            line = self._new_line()
            opened_s: float | None = None
            try:
                await line.open(self._hear, self._playout)
                opened_s = self._clock()
                self._joined(line)
                if (how := await self._follow(line)) is not None:
                    return how
            except LineError as error:
                if self._state is not PublicState.JOINED or not await self._may_try_again(error):
                    raise
            finally:
                await line.close()
            if opened_s is not None and self._clock() - opened_s >= STEADY_S:
                failures = 0
            if failures >= backoff.MOST_FAILURES:
                raise errors.of(errors.CONNECTION_LOST)
            await self._wait_to_rejoin(failures)
            failures += 1

    async def _may_try_again(self, error: LineError) -> bool:
        if not isinstance(error, CallError):
            return True
        if error.remedy is Remedy.WAIT and (error.retry_after_s or 0) <= LONGEST_WAIT_INSIDE_S:
            self._reconnecting()
            await asyncio.sleep(error.retry_after_s or 0)
            return True
        return error.remedy is Remedy.RETRY

    async def _wait_to_rejoin(self, failures: int) -> None:
        self._reconnecting()
        await self._until_reachable()
        await asyncio.sleep(backoff.wait_s(failures, self._chance()))

    def _reconnecting(self) -> None:
        self._line_phase = Phase.RECONNECTING
        self._publish(events.PhaseChanged, phase=Phase.RECONNECTING.value)

    def _joined(self, line: Line) -> None:
        self.voice_chat_id = line.voice_chat_id
        self._line_phase = None
        self._attendance_known = False
        self._named.clear()
        if self._state is not PublicState.JOINED:
            self._state = PublicState.JOINED
            self._joined_at = time.time()
            self._publish(events.CallJoined, title=self._title)
        self._publish(events.PhaseChanged, phase=self._conversation.phase.value)
        if not self.opened.done():
            self.opened.set_result(None)

    async def _follow(self, line: Line) -> Ending | None:
        """Follow the line's events to its end; how the call ended, or ``None`` when rejoining is in order."""
        async for event in line.events():
            match event:
                case LineClosed(reason, goes_on):
                    return ending.taken_over(reason) if goes_on else ending.closed(reason)
                case LineRemoved():
                    return ending.REMOVED
                case LineHungUp(reason, key):
                    return ending.hung_up(reason, key)
                case LineDropped() | LineLost():
                    log.warning("the line broke: %s", event, extra={"chat_id": self._chat_id})
                    self._breaks += 1
                    return None
                case _:
                    self._take(event)
        return ending.closed("the line was closed")

    def _take(self, event: LineEvent) -> None:
        match event:
            case ParticipantJoined(participant):
                self.participants[participant.id] = participant
                self._named.add(participant.id)
                self._conversation.participant_joined(participant)
                self._show_participants()
            case ParticipantLeft(participant):
                self._has_left(participant)
            case AttendanceKnown():
                self._attendance_known = True
                for participant in [known for known in self.participants.values() if known.id not in self._named]:
                    self._has_left(participant)
            case MutedByAdmin():
                self.muted_by_admin = True
                self._playout.cut()
            case UnmutedByAdmin():
                self.muted_by_admin = False
            case _:
                pass

    def _has_left(self, participant: Participant) -> None:
        self.participants.pop(participant.id, None)
        self._conversation.participant_left(participant)
        self._show_participants()

    def _show_participants(self) -> None:
        self._publish(events.ParticipantsChanged, names=tuple(participant.name for participant in self.participants.values()))

    # ---- when it has lasted long enough

    async def _limit(self) -> None:
        await asyncio.sleep(self._manners.longest_call_s)
        await self.say_good_bye(GOOD_BYE_WITHIN_S)
        self.end(self._too_long)

    async def _look_around(self) -> None:
        """Leave when nobody else has been there for long."""
        alone_s = self._manners.alone_s
        if alone_s is None:
            return
        company_s = self._clock()
        while self._clock() - company_s < alone_s:
            await asyncio.sleep(LOOK_AROUND_S)
            if self.participants or not self._attendance_known or self._line_phase is not None:
                company_s = self._clock()
        self.end(ending.alone(alone_s))

    async def say_good_bye(self, within_s: float) -> None:
        """Finish what is being said and take leave, if there is anybody to hear it; returns when that is done, or the time is up."""
        if self._state is PublicState.JOINED and self.participants and not self.muted_by_admin:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(within_s):
                    await self._conversation.announce(GOOD_BYE).wait()

    # ---- sound for and from others than the conversation

    async def speak(self, text: str, language: str | None = None, *, first: bool = False) -> bool:
        """Say something that nobody in the call asked for, when what they asked is answered; whether any of it was heard.

        ``language`` is that of the text, where it is not the call's; ``first``: before everything that waits to be answered.
        """
        if self._state is not PublicState.JOINED or self.muted_by_admin or not self._manners.speaks:
            return False
        return await self._announce(text, language, first=first)

    async def speak_with(self, text: str, voice: Voice | None = None, sound: bytes | None = None) -> bool:
        """Like :meth:`speak`, with another voice than the chat's; a ``sound`` (24 kHz mono) is played instead, which ``text`` describes."""
        splitter = ClauseSplitter(self._manners.voice.language)
        with self._sounds.chosen([*splitter.feed(text), *splitter.flush()], voice, sound):
            return await self.speak(text)

    def typed(self, participant: Participant, text: str) -> None:
        """A participant writes something that is to be answered aloud."""
        if self._state is PublicState.JOINED and self._manners.listens:
            self._conversation.typed(participant, text)

    async def _announce(self, text: str, language: str | None, *, first: bool) -> bool:
        said = self._said.setdefault(text, asyncio.get_running_loop().create_future())
        over = asyncio.create_task(self._conversation.announce(text, language, first=first).wait())
        waited: set[asyncio.Future[Any]] = {said, over}
        try:
            await asyncio.wait(waited, return_when=asyncio.FIRST_COMPLETED)
            return said.done() and not said.cancelled() and bool(said.result())
        finally:
            over.cancel()
            self._said.pop(text, None)

    def change_manners(self, manners: Manners) -> None:
        """Conduct the call differently from the next turn on. Whether it listens and speaks at all changes with the next call."""
        newly_unheard = manners.unheard - self._manners.unheard
        self._manners = replace(manners, speaks=self._manners.speaks)
        self._conversation.change_manners(self._manners)
        for participant_id in newly_unheard:
            self._conversation.forget(participant_id)

    def listen(self, sink: HearingSink) -> Callable[[], None]:
        """Hand every frame that is heard to ``sink`` as well; calling what is returned ends that."""
        self._listeners.append(sink)
        return lambda: self._listeners.remove(sink)

    @property
    def playout(self) -> Playout:
        """What people in the call are about to hear."""
        return self._playout

    def _hear(self, participant: Participant, frame: bytes) -> None:
        if participant.id in self._manners.unheard:
            return
        if self._manners.listens:
            self._conversation.hear(participant, frame)
        for listener in self._listeners:
            listener(participant, frame)

    # ---- what is known of it

    def _publish(self, event: type[events.CallEvent], **fields: Any) -> None:
        self._bus.publish(event(chat_id=self._chat_id, at_s=self._clock(), **fields))

    def _note(self, event: events.CallEvent) -> None:
        if isinstance(event, events.Announced) and event.chat_id == self._chat_id:
            said = self._said.get(event.text)
            if said and not said.done():
                said.set_result(event.heard)

    @property
    def joined(self) -> bool:
        """Parley is in the call, or about to be back in it."""
        return self._state is PublicState.JOINED

    @property
    def state(self) -> CallState:
        """What ``/callinfo`` and the API show."""
        latency = self._conversation.latency
        return CallState(
            state=self._state,
            participants=[participant.name for participant in self.participants.values()],
            transcript=self._record.transcript.copy(),
            last_response_time=self._record.answered_at,
            error_count=self._breaks + self._record.errors,
            join_time=self._joined_at,
            auto_joined=self._auto_joined,
            phase=None if self._state is PublicState.LEFT else self._line_phase or self._conversation.phase,
            turns=latency.turns,
            muted_by_admin=self.muted_by_admin,
            latency_p50_ms=latency.percentile_ms(50),
            latency_p95_ms=latency.percentile_ms(95),
        )
