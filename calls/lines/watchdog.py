"""Notices what the call library does not report: a call that is gone, here or at Telegram."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Final, TypeVar

from calls.lines.line import LineClosed, LineDropped, LineLost, LineRemoved

log = logging.getLogger(__name__)

HELD_EVERY_S: Final = 5.0
LISTED_EVERY_S: Final = 10.0
"""Official clients ask every 4 s while disconnected or every 10 s always."""
ANSWER_TIMEOUT_S: Final = 10.0
"""Telethon waits for ever for an answer."""

Ending = LineClosed | LineRemoved | LineDropped | LineLost
Answer = TypeVar("Answer")


@dataclass(slots=True)
class SoundFlow:
    """Notices when sound that came comes no more. Everybody may have fallen silent, so it is a reason to look, not to act. Pure."""

    quiet_after_s: float = 4.0
    _last_s: float | None = None

    def came(self, now_s: float) -> None:
        """A frame has come."""
        self._last_s = now_s

    def has_stopped(self, now_s: float) -> bool:
        """None has for long, although some had; true once, until some come again."""
        if self._last_s is None or now_s - self._last_s < self.quiet_after_s:
            return False
        self._last_s = None
        return True


@dataclass(slots=True)
class Watchdog:
    """Asks ``held`` (does the call library still have the call) and ``listed`` (does Telegram still list our sound source) in turn.

    When one says no, or :meth:`suspect` was called, ``explain`` finds out why; None means that all is well after all. Questions that
    cannot be answered (no connection, flood wait) are asked again later: the sound may well flow without Telegram's other servers.
    """

    held: Callable[[], Awaitable[bool]]
    listed: Callable[[], Awaitable[bool]]
    explain: Callable[[], Awaitable[Ending | None]]
    held_every_s: float = HELD_EVERY_S
    listed_every_s: float = LISTED_EVERY_S
    answer_timeout_s: float = ANSWER_TIMEOUT_S
    _suspicion: asyncio.Event = field(default_factory=asyncio.Event)

    def suspect(self) -> None:
        """Something happened that may be the end: look at once."""
        self._suspicion.set()

    async def run(self) -> Ending:
        """Watch until the call is over; returns how it ended."""
        rounds_per_listing = max(1, round(self.listed_every_s / self.held_every_s))
        rounds = 0
        ending: Ending | None = None
        while ending is None:
            suspected = await self._pause()
            rounds += 1
            ending = await self._look(suspected, ask_listed=rounds % rounds_per_listing == 0)
        return ending

    async def _pause(self) -> bool:
        try:
            async with asyncio.timeout(self.held_every_s):
                await self._suspicion.wait()
        except TimeoutError:
            return False
        self._suspicion.clear()
        return True

    async def _look(self, suspected: bool, ask_listed: bool) -> Ending | None:
        if suspected:
            return await self._answered(self.explain, None)
        if not await self._answered(self.held, True):
            return await self._answered(self.explain, None) or LineLost("the call library no longer has the call")
        if ask_listed and not await self._answered(self.listed, True):
            return await self._answered(self.explain, None)
        return None

    async def _answered(self, question: Callable[[], Awaitable[Answer]], otherwise: Answer) -> Answer:
        try:
            async with asyncio.timeout(self.answer_timeout_s):
                return await question()
        except Exception as error:
            log.warning("the watchdog got no answer: %r", error)
            return otherwise
