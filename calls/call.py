"""The life of one call: opened, kept open while it can be, closed once."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections import deque
from collections.abc import Callable
from typing import Any

from audio.playout import Playout
from calls import events
from calls.conversation import Conversation
from calls.drafting import Engines
from calls.lines import (
    Line,
    LineClosed,
    LineDropped,
    LineEvent,
    LineLost,
    LineRemoved,
    MutedByAdmin,
    Participant,
    ParticipantJoined,
    ParticipantLeft,
    UnmutedByAdmin,
)
from calls.manners import Manners
from calls.state import TRANSCRIPT_LINES, CallState, Phase, PublicState
from errors import LineError

log = logging.getLogger(__name__)

GOOD_BYE = "I have to go now. Good-bye."
GOOD_BYE_WITHIN_S = 8.0
REJOIN_WAITS_S = (0.0, 2.0, 4.0, 8.0, 16.0)
"""The server dropping our connection is answered by rejoining at once, then with growing waits, then given up."""


class Call:
    """One chat's call. :meth:`run` lives as long as the call; ``opened`` is done when it was joined or could not be."""

    def __init__(
        self, chat_id: int, title: str, new_line: Callable[[], Line], engines: Engines, manners: Manners, bus: events.EventBus
    ) -> None:
        loop = asyncio.get_running_loop()
        self.opened: asyncio.Future[None] = loop.create_future()
        self.participants: dict[int, Participant] = {}
        self.muted_by_admin = False
        self._chat_id = chat_id
        self._title = title
        self._new_line = new_line
        self._bus = bus
        self._clock = loop.time
        self._playout = Playout(loop.time)
        self._conversation = Conversation(chat_id, engines, manners, self._playout, bus)
        self._state = PublicState.IDLE
        self._line_phase: Phase | None = Phase.CONNECTING
        self._transcript: deque[str] = deque(maxlen=TRANSCRIPT_LINES)
        self._errors = 0
        self._joined_at: float | None = None
        self._answered_at: float | None = None
        self._ending = ""
        self._longest_s = manners.longest_call_s

    async def run(self) -> None:
        """Join, converse, and leave when the voice chat ends, when Parley is removed, or when the task is cancelled.

        :raises errors.LineError: through ``opened``, never from here.
        """
        unsubscribe = self._bus.subscribe(self._note)
        try:
            async with asyncio.TaskGroup() as group:
                talk = group.create_task(self._conversation.run())
                await self._stay_to_the_end(group)
                talk.cancel()
        finally:
            if self._state is PublicState.JOINED:
                self._state = PublicState.LEFT
                self._publish(events.CallLeft, reason=self._ending)
            unsubscribe()

    async def _stay_to_the_end(self, group: asyncio.TaskGroup) -> None:
        try:
            async with asyncio.timeout(None) as end:
                limit = group.create_task(self._say_good_bye_in_time(end))
                try:
                    await self._stay()
                finally:
                    limit.cancel()
        except TimeoutError:
            self._ending = "The call has lasted as long as one may. Send /joincall to go on."
        except LineError as error:
            self._ending = str(error)
            if not self.opened.done():
                self.opened.set_exception(error)

    async def _say_good_bye_in_time(self, end: asyncio.Timeout) -> None:
        await asyncio.sleep(self._longest_s)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(GOOD_BYE_WITHIN_S):
                await self._conversation.announce(GOOD_BYE).wait()
        end.reschedule(self._clock())

    # ---- the line

    async def _stay(self) -> None:
        waits = iter(REJOIN_WAITS_S)
        while True:
            line = self._new_line()
            try:
                await line.open(self._conversation.hear, self._playout)
                self._joined()
                waits = iter(REJOIN_WAITS_S)
                reason = await self._follow(line)
            except LineError:
                if self._state is not PublicState.JOINED:
                    raise
                reason = None
            finally:
                await line.close()
            if reason is not None:
                self._ending = reason
                return
            await self._wait_to_rejoin(next(waits, None))

    async def _wait_to_rejoin(self, wait_s: float | None) -> None:
        if wait_s is None:
            raise LineError("The connection to the voice chat was lost and could not be restored.", "Send /joincall to try again.")
        self._line_phase = Phase.RECONNECTING
        self._publish(events.PhaseChanged, phase=Phase.RECONNECTING.value)
        await asyncio.sleep(wait_s)

    def _joined(self) -> None:
        self._line_phase = None
        if self._state is not PublicState.JOINED:
            self._state = PublicState.JOINED
            self._joined_at = time.time()
            self._publish(events.CallJoined, title=self._title)
        self._publish(events.PhaseChanged, phase=self._conversation.phase.value)
        if not self.opened.done():
            self.opened.set_result(None)

    async def _follow(self, line: Line) -> str | None:
        """Follow the line's events to its end; a plain sentence when the call is over, ``None`` when rejoining is in order."""
        async for event in line.events():
            match event:
                case LineClosed(reason):
                    return f"I am no longer in the call: {reason}."
                case LineRemoved():
                    return "Parley's account was removed from the chat."
                case LineDropped() | LineLost():
                    log.warning("the line broke: %s", event, extra={"chat_id": self._chat_id})
                    self._errors += 1
                    return None
                case _:
                    self._take(event)
        return "The line was closed."

    def _take(self, event: LineEvent) -> None:
        match event:
            case ParticipantJoined(participant):
                self.participants[participant.id] = participant
                self._conversation.participant_joined(participant)
                self._show_participants()
            case ParticipantLeft(participant):
                self.participants.pop(participant.id, None)
                self._conversation.participant_left(participant)
                self._show_participants()
            case MutedByAdmin():
                self.muted_by_admin = True
            case UnmutedByAdmin():
                self.muted_by_admin = False
            case _:
                pass

    def _show_participants(self) -> None:
        self._publish(events.ParticipantsChanged, names=tuple(participant.name for participant in self.participants.values()))

    # ---- what is known of it

    def _publish(self, event: type[events.CallEvent], **fields: Any) -> None:
        self._bus.publish(event(chat_id=self._chat_id, at_s=self._clock(), **fields))

    def _note(self, event: events.CallEvent) -> None:
        if event.chat_id != self._chat_id:
            return
        match event:
            case events.TurnHeard(speaker=speaker, text=text) if text:
                self._transcript.append(f"{speaker}: {text}")
            case events.ExchangeEnded(reply_heard=heard, spans_ms=spans) if heard:
                self._transcript.append(f"Parley: {heard}")
                self._answered_at = time.time()
                shares = ", ".join(f"{name} {ms:.0f}" for name, ms in spans.items())
                log.info("turn %d answered after %.0f ms: %s", event.turn_id, sum(spans.values()), shares, extra={"chat_id": self._chat_id})
            case events.EngineFailed():
                self._errors += 1
            case _:
                pass

    @property
    def state(self) -> CallState:
        """What ``/callinfo`` and the API show."""
        latency = self._conversation.latency
        return CallState(
            state=self._state,
            participants=[participant.name for participant in self.participants.values()],
            transcript=deque(self._transcript, maxlen=TRANSCRIPT_LINES),
            last_response_time=self._answered_at,
            error_count=self._errors,
            join_time=self._joined_at,
            phase=None if self._state is PublicState.LEFT else self._line_phase or self._conversation.phase,
            turns=latency.turns,
            muted_by_admin=self.muted_by_admin,
            latency_p50_ms=latency.percentile_ms(50),
            latency_p95_ms=latency.percentile_ms(95),
        )
