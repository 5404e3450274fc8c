"""Makes true which calls are wanted: tries again what failed, waits as long as Telegram wants, and gives up what a person has to mend."""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, replace
from enum import Enum, auto
from typing import Any, Final

from calls import backoff, events
from calls.desires import DesiredStore, WantedCall
from calls.ending import End, Ending
from calls.errors import CallError, Remedy, mentioned
from calls.occasions import is_over
from errors import LineError, ParleyError

log = logging.getLogger(__name__)

START_SPREAD_S: Final = 1.0
"""After a start the wanted calls are joined within so long, each at a time of its own."""
GIVE_UP_SCHEDULED_S: Final = 6 * 3600.0
"""A scheduled voice chat that has not begun so long after its time is not waited for."""
ASK_SCHEDULED_S: Final = 60.0
LONGEST_REST_S: Final = 3600.0
COUNTED: Final = frozenset({Remedy.RETRY, Remedy.RETRY_ONCE})
"""Failures after which calls of the chat are not joined unasked for a while."""

Open = Callable[[WantedCall], Awaitable[None]]
"""Joins a call; raises ``errors.LineError`` when it could not be."""


class Standing(Enum):
    """How a wanted call stands."""

    IN_CALL = auto()
    TRYING = auto()
    WAITING = auto()
    """It is tried at ``due_s``."""


@dataclass(slots=True)
class Wish:
    """A wanted call. ``due_s`` is on the loop's clock; ``why`` is what went wrong last."""

    call: WantedCall
    standing: Standing
    due_s: float
    failures: int = 0
    paused: bool = False
    why: ParleyError | None = None
    expected_at: float | None = None
    """When a scheduled voice chat should begin, in seconds since the epoch."""


@dataclass(frozen=True, slots=True)
class Outlook:
    """A wanted call that Parley is not in just now: when it is tried next (seconds since the epoch), and what went wrong."""

    next_try_at: float
    failures: int
    paused: bool
    why: ParleyError | None
    auto_joined: bool = False


class Reconciler:
    """Knows every wanted call. :meth:`run` does the work; the manager tells what people ask and how calls end."""

    def __init__(
        self,
        open_call: Open,
        store: DesiredStore,
        bus: events.EventBus,
        *,
        stop_account: Callable[[CallError], None] = lambda _why: None,
        until_reachable: Callable[[], Awaitable[None]] | None = None,
        chance: Callable[[], float] = random.random,
        wall_clock: Callable[[], float] = time.time,
    ) -> None:
        self._open = open_call
        self._store = store
        self._bus = bus
        self._stop_account = stop_account
        self._until_reachable = until_reachable
        self._chance = chance
        self._wall_clock = wall_clock
        self._clock = asyncio.get_running_loop().time
        self._wishes: dict[int, Wish] = {}
        self._changed = asyncio.Event()
        self._group: asyncio.TaskGroup | None = None
        self._stopped = False

    # ---- life

    async def run(self) -> None:
        """Join what is wanted, again and again, until cancelled."""
        await self._load()
        async with asyncio.TaskGroup() as self._group:
            while True:
                self._changed.clear()
                self._try_what_is_due(self._group)
                await self._until_next()

    async def _load(self) -> None:
        now = self._wall_clock()
        for call in await self._store.wanted():
            if call.chat_id not in self._wishes:
                rest_s = min(LONGEST_REST_S, max(0.0, (call.paused_until or 0.0) - now))
                due_s = self._clock() + rest_s + self._chance() * START_SPREAD_S
                self._wishes[call.chat_id] = Wish(call, Standing.WAITING, due_s, call.failures)

    def _try_what_is_due(self, group: asyncio.TaskGroup) -> None:
        for wish in tuple(self._wishes.values()):
            if wish.standing is Standing.WAITING and wish.due_s <= self._clock() and not self._stopped:
                wish.standing = Standing.TRYING
                group.create_task(self._try(wish))

    async def _until_next(self) -> None:
        waiting = [wish.due_s for wish in self._wishes.values() if wish.standing is Standing.WAITING and not self._stopped]
        try:
            async with asyncio.timeout_at(min(waiting) if waiting else None):
                await self._changed.wait()
        except TimeoutError:
            return

    async def _try(self, wish: Wish) -> None:
        if self._until_reachable:
            await self._until_reachable()
        if self._wishes.get(wish.call.chat_id) is not wish:
            return
        if is_over(wish.call, self._wall_clock()):
            await self.unwant(wish.call.chat_id)
            return
        try:
            await self._open(wish.call)
        except LineError as error:
            if self._wishes.get(wish.call.chat_id) is wish:
                await self._failed(wish, error)
        else:
            await self._is_in(wish)

    async def _is_in(self, wish: Wish) -> None:
        wish.standing = Standing.IN_CALL
        if wish.failures or wish.why:
            wish.failures, wish.paused, wish.why, wish.expected_at = 0, False, None, None
            await self._store.note_failure(wish.call.chat_id, 0, None)

    # ---- what people ask

    async def want(self, call: WantedCall) -> Wish:
        """A call that is being joined now, by somebody's wish."""
        wish = self._wishes[call.chat_id] = Wish(call, Standing.TRYING, self._clock())
        await self._store.want(call)
        return wish

    async def joined(self, chat_id: int) -> None:
        """The join that somebody asked for has succeeded."""
        if wish := self._wishes.get(chat_id):
            await self._is_in(wish)

    async def not_joined(self, chat_id: int, error: LineError) -> None:
        """It has failed; that was told already. Only a scheduled voice chat stays wanted."""
        wish = self._wishes.get(chat_id)
        if wish is None:
            return
        if isinstance(error, CallError) and error.remedy is Remedy.AT_ITS_TIME:
            await self._wait_for_its_time(wish, error)
            return
        await self.unwant(chat_id)
        await self._act_on(chat_id, error)

    async def take_up(self, chat_id: int, purpose: str) -> None:
        """The call that Parley is in has this purpose from now on."""
        if wish := self._wishes.get(chat_id):
            wish.call = replace(wish.call, purpose=purpose, failures=wish.failures, paused_until=None)
            await self._store.want(wish.call)

    async def unwant(self, chat_id: int) -> bool:
        """This call is wanted no longer; whether it was."""
        wish = self._wishes.pop(chat_id, None)
        if wish is not None:
            await self._store.unwant(chat_id)
        return wish is not None

    def look(self, chat_id: int) -> None:
        """Something has changed there: a voice chat that was waited for may have begun."""
        wish = self._wishes.get(chat_id)
        if wish and wish.standing is Standing.WAITING and wish.expected_at is not None:
            wish.due_s = self._clock()
            self._changed.set()

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Do something beside, while :meth:`run` does."""
        if self._group is None:
            work.close()
            return
        self._group.create_task(work)

    @property
    def wanted(self) -> tuple[int, ...]:
        """The chats of all wanted calls."""
        return tuple(self._wishes)

    def call(self, chat_id: int) -> WantedCall | None:
        """The wanted call of a chat."""
        wish = self._wishes.get(chat_id)
        return wish.call if wish else None

    def outlook(self, chat_id: int) -> Outlook | None:
        """Of a wanted call that Parley is not in just now; ``None`` for every other."""
        wish = self._wishes.get(chat_id)
        if wish is None or wish.standing is Standing.IN_CALL:
            return None
        next_try_at = self._wall_clock() + max(0.0, wish.due_s - self._clock())
        return Outlook(next_try_at, wish.failures, wish.paused, wish.why, wish.call.auto_joined)

    # ---- what happens to calls

    def ended(self, chat_id: int, how: Ending) -> None:
        """A call that had been joined has ended by itself."""
        wish = self._wishes.get(chat_id)
        if wish is None or wish.standing is not Standing.IN_CALL or self._group is None:
            return
        wish.standing = Standing.TRYING
        self._group.create_task(self._after(wish, how))

    async def _after(self, wish: Wish, how: Ending) -> None:
        if how.end is End.FAILED and isinstance(how.error, LineError):
            wish.failures = max(wish.failures, backoff.MOST_FAILURES - 1)
            await self._failed(wish, how.error, told=True)
            return
        await self.unwant(wish.call.chat_id)
        if how.end is End.REMOVED:
            await self._store.disable(wish.call.chat_id, how.reason)

    async def _failed(self, wish: Wish, error: LineError, *, told: bool = False) -> None:
        chat_id = wish.call.chat_id
        log.warning("the call could not be joined: %s", error, extra={"chat_id": chat_id})
        wish.why = error
        match error:
            case CallError(remedy=Remedy.WAIT, retry_after_s=seconds):
                self._wait(wish, (seconds or 0) + self._chance())
            case CallError(remedy=Remedy.AT_ITS_TIME):
                await self._wait_for_its_time(wish, error)
            case CallError(remedy=Remedy.RETRY):
                await self._act_on(chat_id, error)
                await self._try_later(wish)
            case CallError(remedy=Remedy.STOP_ACCOUNT):
                wish.standing = Standing.WAITING
                await self._act_on(chat_id, error)
            case CallError():
                await self._give_up(wish, error, told=told)
            case _:
                await self._try_later(wish)

    async def _try_later(self, wish: Wish) -> None:
        wish.failures += 1
        if wish.failures < backoff.MOST_FAILURES:
            self._wait(wish, backoff.wait_s(wish.failures, self._chance()))
            await self._store.note_failure(wish.call.chat_id, wish.failures, None)
            return
        wish.failures, wish.paused = 0, True
        self._wait(wish, backoff.PAUSE_S)
        await self._store.note_failure(wish.call.chat_id, 0, self._wall_clock() + backoff.PAUSE_S)
        minutes = round(backoff.PAUSE_S / 60)
        text = (
            f"⚠️ I could not get into the call {backoff.MOST_FAILURES} times in a row. I try again in {minutes} minutes."
            f" Send /leavecall to have me stop trying. {wish.why}"
        )
        self._tell(wish, text, "notice.paused", minutes=minutes, count=backoff.MOST_FAILURES, **mentioned(wish.why))

    async def _wait_for_its_time(self, wish: Wish, error: CallError) -> None:
        assert error.starts_at is not None
        now, starts = self._wall_clock(), error.starts_at.timestamp()
        if now - starts > GIVE_UP_SCHEDULED_S:
            await self._give_up(wish, error)
            return
        if wish.expected_at is not None and wish.expected_at != starts:
            self._tell(wish, f"📅 {error}", error.key, **error.fields)
        wish.expected_at, wish.why = starts, error
        self._wait(wish, min(max(starts - now, ASK_SCHEDULED_S if starts <= now else 0.0), LONGEST_REST_S) + self._chance())
        await self._store.note_failure(wish.call.chat_id, wish.failures, starts)

    async def _give_up(self, wish: Wish, error: CallError, *, told: bool = False) -> None:
        await self.unwant(wish.call.chat_id)
        await self._act_on(wish.call.chat_id, error)
        if not told and error.remedy is not Remedy.DISABLE_CHAT:
            self._tell(wish, str(error), error.key, **error.fields)

    async def _act_on(self, chat_id: int, error: LineError) -> None:
        """What a failure means beyond this call."""
        if not isinstance(error, CallError):
            return
        if error.remedy in COUNTED:
            await self._store.note_error(chat_id, str(error), self._wall_clock())
        if error.remedy is Remedy.DISABLE_CHAT:
            log.error("I stay away from this chat: %s", error, extra={"chat_id": chat_id})
            await self._store.disable(chat_id, str(error))
        elif error.remedy is Remedy.STOP_ACCOUNT and not self._stopped:
            self._stopped = True
            log.error("No more calls are joined: %s", error)
            self._stop_account(error)
            self._bus.publish(events.AccountTrouble(chat_id=chat_id, at_s=self._clock(), text=str(error), key=error.key))

    def _wait(self, wish: Wish, seconds: float) -> None:
        wish.standing = Standing.WAITING
        wish.due_s = self._clock() + seconds
        self._changed.set()

    def _tell(self, wish: Wish, text: str, key: str, **fields: Any) -> None:
        self._bus.publish(events.CallNotice(chat_id=wish.call.chat_id, at_s=self._clock(), text=text, key=key, fields=fields))
