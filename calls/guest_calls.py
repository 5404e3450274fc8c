"""Calls that come by another door than Telegram: a web page, a WebSocket, the telephone.

Each is a :class:`calls.call.Call` on a line of its own, conducted like the private calls of Telegram: whoever is there is answered.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from types import TracebackType
from typing import Final

from calls import ending, errors, events, phone_errors
from calls.call import Call
from calls.drafting import Engines
from calls.ending import Ending
from calls.errors import CallError
from calls.history import History
from calls.lines.line import Line
from calls.manners import Manners
from calls.state import CallState
from calls.turns.addressing import Mode

log = logging.getLogger(__name__)

GUEST_IDS_BELOW: Final = -(2**61)
"""The ``chat_id`` under which events of such calls are published is below this; no chat of Telegram has such an id."""
RESUME_WITHIN_S: Final = 60.0
"""A caller who comes back sooner goes on with the conversation."""
MOST_RESUMABLE: Final = 2_000
FAREWELL_WITHIN_S: Final = 4.5
LEAVING_WITHIN_S: Final = 3.0


def is_guest(chat_id: int) -> bool:
    """Whether it stands for a call by another door, and not for a chat of Telegram."""
    return chat_id < GUEST_IDS_BELOW


def unchanged(manners: Manners) -> Manners:
    """As the settings and the chat want it."""
    return manners


class Door(StrEnum):
    """How a caller reaches Parley without Telegram."""

    BROWSER = "browser"
    WEBSOCKET = "websocket"
    PHONE = "phone"


@dataclass(frozen=True, slots=True, kw_only=True)
class GuestWishes:
    """How a call is to be conducted.

    ``chat_id`` is the chat whose persona, language and voice are used (``None``: those of the settings). ``opening`` is said first,
    instead of the welcome of the settings; ``None`` leaves that. ``purpose`` is added to what the brain is told. ``session_id`` names a
    conversation to go on with, see :data:`RESUME_WITHIN_S`.
    """

    door: Door
    title: str
    chat_id: int | None = None
    language: str | None = None
    opening: str | None = None
    purpose: str = ""
    longest_s: float | None = None
    session_id: str | None = None
    adapted: Callable[[Manners], Manners] = unchanged


@dataclass(slots=True, eq=False)
class GuestCall:
    """One such call. ``call_id`` is for people and programs, ``chat_id`` that of its events; ``since`` in seconds since the epoch.

    ``resumed``: it goes on with a conversation that was broken off. ``history`` is what was said in it.
    """

    call_id: str
    session_id: str
    chat_id: int
    door: Door
    title: str
    since: float
    call: Call
    history: History
    resumed: bool = False
    over: asyncio.Future[Ending] = field(default_factory=lambda: asyncio.get_running_loop().create_future())

    @property
    def state(self) -> CallState:
        """How it stands."""
        return self.call.state

    def hang_up(self, how: Ending = ending.SENT_AWAY) -> None:
        """End it; :attr:`over` is done when everything of it is freed."""
        self.call.end(how)


@dataclass(slots=True)
class _Session:
    chat_id: int
    history: History
    ended_s: float | None = None


class GuestCalls:
    """Holds them all; an async context manager that hangs up every one at its end.

    ``room`` says why there is no room for one more call on this machine, if so. ``clock`` is monotonic, in seconds.
    """

    def __init__(
        self,
        engines: Engines,
        manners_for: Callable[[int], Awaitable[Manners]],
        bus: events.EventBus,
        *,
        longest_s: float = 3600.0,
        room: Callable[[], CallError | None] = lambda: None,
        clock: Callable[[], float] = time.monotonic,
        wall_clock: Callable[[], float] = time.time,
    ) -> None:
        self._engines = engines
        self._manners_for = manners_for
        self._bus = bus
        self._longest_s = longest_s
        self._room = room
        self._clock = clock
        self._wall_clock = wall_clock
        self._calls: dict[str, GuestCall] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._sessions: OrderedDict[str, _Session] = OrderedDict()
        self._stops = False

    async def __aenter__(self) -> GuestCalls:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        self._stops = True
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def open(self, line: Line, wishes: GuestWishes) -> GuestCall:
        """A call on a line, which it opens and closes; returns when the line is open.

        :raises errors.LineError: no room, Parley is about to end, the conversation to go on with is busy, or the line does not open.
        """
        if (refusal := self.refusal()) is not None:
            raise refusal
        manners = await self._manners(wishes)
        if (refusal := self.refusal()) is not None:
            raise refusal
        guest = self._new_call(line, wishes, manners)
        self._calls[guest.call_id] = guest
        task = self._tasks[guest.call_id] = asyncio.create_task(self._run(guest), name=f"{guest.door} call {guest.call_id}")
        try:
            await asyncio.shield(guest.call.opened)
        except BaseException:
            guest.hang_up()
            await asyncio.wait({task})
            raise
        return guest

    def refusal(self) -> CallError | None:
        """Why no call can begin just now, if so."""
        return errors.of(phone_errors.BROKEN_OFF) if self._stops else self._room()

    async def _manners(self, wishes: GuestWishes) -> Manners:
        manners = await self._manners_for(wishes.chat_id if wishes.chat_id is not None else GUEST_IDS_BELOW)
        language = wishes.language or manners.language
        guest_manners = replace(
            manners,
            language=language,
            voice=replace(manners.voice, language=language or manners.voice.language) if wishes.language else manners.voice,
            welcome=manners.welcome if wishes.opening is None else wishes.opening,
            instructions=f"{manners.instructions} {wishes.purpose}".strip(),
            longest_call_s=min(self._longest_s, wishes.longest_s or self._longest_s),
            alone_s=None,
            listens=True,
            speaks=True,
            addressing=replace(manners.addressing, mode=Mode.ALWAYS),
        )
        return wishes.adapted(guest_manners)

    def _new_call(self, line: Line, wishes: GuestWishes, manners: Manners) -> GuestCall:
        session_id, session, resumed = self._session(wishes.session_id)
        if resumed:
            manners = replace(manners, welcome="")
        call = Call(
            session.chat_id,
            wishes.title,
            lambda: line,
            self._engines,
            manners,
            self._bus,
            history=session.history,
            too_long=ending.CALL_AGAIN,
        )
        call_id, since = secrets.token_hex(8), self._wall_clock()
        return GuestCall(call_id, session_id, session.chat_id, wishes.door, wishes.title, since, call, session.history, resumed)

    def _session(self, session_id: str | None) -> tuple[str, _Session, bool]:
        known = self._sessions.get(session_id) if session_id else None
        if session_id and known is not None and known.ended_s is not None and self._clock() - known.ended_s <= RESUME_WITHIN_S:
            known.ended_s = None
            return session_id, known, True
        fresh = secrets.token_urlsafe(16)
        self._sessions[fresh] = _Session(GUEST_IDS_BELOW - 1 - secrets.randbits(60), History())
        return fresh, self._sessions[fresh], False

    async def _run(self, guest: GuestCall) -> None:
        try:
            await guest.call.run()
        except Exception:
            log.exception("a call failed inside", extra={"chat_id": guest.chat_id})
        finally:
            self._calls.pop(guest.call_id, None)
            self._tasks.pop(guest.call_id, None)
            self._end_session(guest.session_id)
            if not guest.over.done():
                guest.over.set_result(guest.call.ending)

    def _end_session(self, session_id: str) -> None:
        now_s = self._clock()
        self._sessions[session_id].ended_s = now_s
        self._sessions.move_to_end(session_id)
        for old_id, old in list(self._sessions.items()):
            if len(self._sessions) <= MOST_RESUMABLE and (old.ended_s is None or now_s - old.ended_s <= RESUME_WITHIN_S):
                break
            if old.ended_s is not None:
                del self._sessions[old_id]

    async def drain(self, within_s: float = FAREWELL_WITHIN_S) -> None:
        """Begin no more calls, say good-bye in those there are, and hang up."""
        self._stops = True
        guests, tasks = list(self._calls.values()), set(self._tasks.values())
        await asyncio.gather(*(guest.call.say_good_bye(within_s) for guest in guests))
        for guest in guests:
            guest.hang_up()
        if tasks:
            await asyncio.wait(tasks, timeout=LEAVING_WITHIN_S)

    @property
    def calls(self) -> Sequence[GuestCall]:
        """Those that have not ended, oldest first."""
        return tuple(self._calls.values())

    def find(self, call_id: str) -> GuestCall | None:
        """The call of this id, if it has not ended."""
        return self._calls.get(call_id)

    def count(self, door: Door) -> int:
        """How many there are by a door."""
        return sum(guest.door is door for guest in self._calls.values())
