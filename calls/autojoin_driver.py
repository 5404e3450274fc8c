"""Joins voice chats without being asked: looks at a chat when something changes in its voice chat, and at all of them now and then."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Final, Protocol

from apscheduler.schedulers.asyncio import AsyncIOScheduler

from calls import events
from calls.admission import Admission
from calls.autojoin import Running, Seen, Situation, Verdict, Why, decide, quiet_hours
from calls.desires import DesiredStore
from calls.errors import CallError, Remedy, mentioned
from calls.gates import JOIN_CALL, Gates
from calls.manager import CallManager
from errors import LineError, ParleyError
from storage import chats
from storage.chats import ChatSettings
from storage.database import Database
from storage.errors import StorageError

log = logging.getLogger(__name__)

SWEEP_S: Final = 30.0
LATE_S: Final = 300
"""A sweep that could not begin in time is made up for within so long."""
STALE_S: Final = 600.0
"""What Telegram told so long ago is asked again: an update may have been lost."""
STALE_ELSEWHERE_S: Final = 60.0
LOOK_UPS_PER_SWEEP: Final = 4
"""Fewer than the gate lets through, so that /joincall need not wait behind sweeps."""
LOOK_UP_WAIT_S: Final = 5.0
MOST_FAILURES: Final = 5
"""After so many joins in a row that failed, joining unasked is switched off in the chat."""
NOBODY: Final = 0
"""Who has asked for a call that nobody asked for."""
NO_FAULT: Final = frozenset(
    {"call_error.no_voice_chat", "call_error.already_in", "call_error.broken_off", "call_error.too_many_joins", "call_error.full",
     "call_error.overloaded"}
)  # fmt: skip
"""Refusals that say nothing against the next try."""


class VoiceChats(Protocol):
    """What is known of the voice chats of all chats."""

    def seen(self, chat_id: int) -> Seen:
        """What is known of a chat's voice chat."""

    def looked_up_ago_s(self, chat_id: int) -> float | None:
        """How long ago Telegram was last asked about a chat; ``None``: never."""

    async def look_up(self, chat_id: int, most_wait_s: float = 0.0) -> Seen:
        """Ask Telegram.

        :raises calls.errors.CallError: it was not asked, or did not tell.
        """

    def subscribe(self, listener: Callable[[int], None]) -> Callable[[], None]:
        """Tell a listener the chats whose voice chat may have changed; calling what is returned removes it."""


class AutoJoin:
    """An async context manager: voice chats are joined inside it. ``wall_clock`` gives seconds since the epoch."""

    def __init__(
        self,
        manager: CallManager,
        voice_chats: VoiceChats,
        database: Database,
        store: DesiredStore,
        gates: Gates,
        admission: Admission,
        bus: events.EventBus,
        *,
        time_zone: str = "UTC",
        wall_clock: Callable[[], float] = time.time,
    ) -> None:
        self._manager = manager
        self._voice_chats = voice_chats
        self._database = database
        self._store = store
        self._gates = gates
        self._admission = admission
        self._bus = bus
        self._time_zone = time_zone
        self._wall_clock = wall_clock
        self._clock = asyncio.get_running_loop().time
        self._failures: dict[int, int] = {}
        self._told: dict[int, Why] = {}
        self._waiting: dict[int, None] = {}
        self._busy: set[int] = set()
        self._something = asyncio.Event()
        self._sweep_is_due = asyncio.Event()
        self._scheduler: Any = AsyncIOScheduler(timezone=UTC)
        self._runner: asyncio.Task[None] | None = None
        self._unlisten: Callable[[], None] = lambda: None

    async def __aenter__(self) -> AutoJoin:
        self._unlisten = self._voice_chats.subscribe(self.look)
        self._runner = asyncio.create_task(self._run(), name="auto-join")
        limits = {"coalesce": True, "max_instances": 1, "misfire_grace_time": LATE_S}
        self._scheduler.add_job(self._begin_sweep, "interval", seconds=SWEEP_S, id="auto-join", next_run_time=datetime.now(UTC), **limits)
        self._scheduler.start()
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        self._unlisten()
        self._scheduler.shutdown(wait=False)
        if self._runner is not None:
            self._runner.cancel()
            await asyncio.wait({self._runner})

    # ---- what is decided

    async def verdict(self, chat_id: int) -> Verdict:
        """What would be done now; Telegram is asked when nothing is known of the chat's voice chat.

        :raises storage.errors.StorageError: the chat's settings are not known.
        """
        chat = await chats.get(self._database, chat_id)
        if chat.auto_join and self._voice_chats.seen(chat_id).running is Running.UNKNOWN:
            await self._ask(chat_id)
        return decide(await self._situation(chat), datetime.fromtimestamp(self._wall_clock(), UTC))

    async def _situation(self, chat: ChatSettings) -> Situation:
        chat_id, seen = chat.chat_id, self._voice_chats.seen(chat.chat_id)
        voice_chat_id = seen.voice_chat_id
        return Situation(
            enabled=chat.auto_join,
            least_people=chat.min_participants,
            quiet=quiet_hours(chat.quiet_from, chat.quiet_until, chat.time_zone or self._time_zone),
            disabled_reason=chat.disabled_reason,
            seen=seen,
            in_call=self._manager.call(chat_id) is not None,
            on_the_way=chat_id in self._manager.active or self._manager.outlook(chat_id) is not None,
            left_by_hand=voice_chat_id is not None and await self._store.was_left_by_hand(chat_id, voice_chat_id),
            last_error_at=await self._store.last_error_at(chat_id),
            join_wait_s=self._join_wait_s(chat_id),
            stopped=self._gates.stopped,
            full=self._admission.refusal(len(self._manager.active)),
        )

    def _join_wait_s(self, chat_id: int) -> float:
        reached = self._gates.join_wait_s(chat_id, auto=True)
        return max(reached[0] if reached else 0.0, self._gates.closed_for_s(JOIN_CALL))

    async def _ask(self, chat_id: int) -> bool:
        """Have Telegram tell about the chat's voice chat; whether it did."""
        try:
            await self._voice_chats.look_up(chat_id, LOOK_UP_WAIT_S)
        except CallError as error:
            log.info("whether there is a voice chat is not known: %s", error, extra={"chat_id": chat_id})
            return False
        return True

    # ---- when

    def look(self, chat_id: int) -> None:
        """Look at the chat at once, not at the next round."""
        self._waiting[chat_id] = None
        self._something.set()

    async def _begin_sweep(self) -> None:
        self._sweep_is_due.set()

    async def _sweep_when_due(self) -> None:
        while True:
            await self._sweep_is_due.wait()
            self._sweep_is_due.clear()
            await self.sweep()

    async def sweep(self) -> None:
        """Look at all chats that may be joined unasked, and have Telegram tell again what is old."""
        try:
            listening = [chat.chat_id for chat in await chats.with_auto_join(self._database)]
        except StorageError as error:
            log.warning("which chats are joined unasked is not known: %s", error)
            return
        away = [chat_id for chat_id in listening if chat_id not in self._manager.active]
        for chat_id in self._oldest(away):
            if not await self._ask(chat_id):
                break
        for chat_id in away:
            if self._voice_chats.seen(chat_id).running is Running.VOICE_CHAT:
                self.look(chat_id)

    def _oldest(self, chat_ids: list[int]) -> list[int]:
        ages = {chat_id: self._voice_chats.looked_up_ago_s(chat_id) for chat_id in chat_ids}
        stale = {chat_id: float("inf") if age_s is None else age_s for chat_id, age_s in ages.items()}
        old = [chat_id for chat_id, age_s in stale.items() if age_s > self._stale_s(chat_id)]
        return sorted(old, key=lambda chat_id: -stale[chat_id])[:LOOK_UPS_PER_SWEEP]

    def _stale_s(self, chat_id: int) -> float:
        return STALE_ELSEWHERE_S if self._voice_chats.seen(chat_id).own_inside else STALE_S

    # ---- what is done

    async def _run(self) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(self._sweep_when_due())
            while True:
                await self._something.wait()
                self._something.clear()
                for chat_id in [chat_id for chat_id in self._waiting if chat_id not in self._busy]:
                    del self._waiting[chat_id]
                    self._busy.add(chat_id)
                    group.create_task(self._consider(chat_id))

    async def _consider(self, chat_id: int) -> None:
        try:
            if chat_id not in self._manager.active:
                await self._join_if_right(chat_id)
        except ParleyError as error:
            log.warning("nothing is joined unasked: %s", error, extra={"chat_id": chat_id})
        except Exception:
            log.exception("auto-join failed", extra={"chat_id": chat_id})
        finally:
            self._busy.discard(chat_id)
            if self._waiting:
                self._something.set()

    async def _join_if_right(self, chat_id: int) -> None:
        """What updates have told may be out of date, so before a join Telegram is asked once more."""
        verdict = await self._noted_verdict(chat_id)
        if verdict.joins and await self._ask(chat_id):
            verdict = await self._noted_verdict(chat_id)
            if verdict.joins:
                await self._join(chat_id, verdict)
        if verdict.why is Why.TOO_MANY_JOINS and (wait_s := self._join_wait_s(chat_id)) < SWEEP_S:
            asyncio.get_running_loop().call_later(wait_s, self.look, chat_id)

    async def _noted_verdict(self, chat_id: int) -> Verdict:
        verdict = await self.verdict(chat_id)
        if verdict.why is not Why.OFF and self._told.get(chat_id) is not verdict.why:
            self._told[chat_id] = verdict.why
            log.info("auto-join: %s %s", verdict.why, dict(verdict.fields), extra={"chat_id": chat_id})
        return verdict

    async def _join(self, chat_id: int, verdict: Verdict) -> None:
        title = (await chats.get(self._database, chat_id)).title
        try:
            await self._manager.join(chat_id, title, NOBODY, auto=True)
        except LineError as error:
            await self._failed(chat_id, error)
            return
        self._failures.pop(chat_id, None)
        text = "I have joined the voice chat by myself. I am an AI assistant: what is said there is turned into text."
        self._tell(chat_id, text, "auto_join.joined", **verdict.fields)

    async def _failed(self, chat_id: int, error: LineError) -> None:
        log.warning("joining unasked failed: %s", error, extra={"chat_id": chat_id})
        if error.key in NO_FAULT or (isinstance(error, CallError) and error.remedy in (Remedy.WAIT, Remedy.AT_ITS_TIME)):
            return
        await self._store.note_error(chat_id, str(error), self._wall_clock())
        failures = self._failures[chat_id] = self._failures.get(chat_id, 0) + 1
        if failures >= MOST_FAILURES:
            del self._failures[chat_id]
            await chats.change(self._database, chat_id, auto_join=False)
            text = f"⚠️ I could not join by myself {failures} times in a row, so I no longer try. /callon switches it on again. {error}"
            self._tell(chat_id, text, "auto_join.gave_up", count=failures, **mentioned(error))

    def _tell(self, chat_id: int, text: str, key: str, **fields: Any) -> None:
        self._bus.publish(events.CallNotice(chat_id=chat_id, at_s=self._clock(), text=text, key=key, fields=fields))
