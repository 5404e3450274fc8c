"""Being woken at a time of day, and every now and then in case the clock was set."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final, Protocol

from apscheduler.schedulers.asyncio import AsyncIOScheduler

SWEEP_S: Final = 20.0
NEXT: Final = "next appointment"


class WakeUp(Protocol):
    """Calls ``look`` every :data:`SWEEP_S`, and at the one time that was named last."""

    def start(self, look: Callable[[], None]) -> None:
        """From now on; ``look`` is called in the running event loop."""

    def at(self, when: datetime) -> None:
        """Call it then as well, instead of at the time that was named before."""

    def stop(self) -> None:
        """No more."""


class ScheduledWakeUp:
    """A :class:`WakeUp` by APScheduler, in memory."""

    def __init__(self) -> None:
        self._scheduler: Any = AsyncIOScheduler(timezone=UTC)
        self._look: Callable[[], None] = lambda: None

    def start(self, look: Callable[[], None]) -> None:
        """See :class:`WakeUp`."""
        self._look = look
        limits = {"coalesce": True, "max_instances": 1, "misfire_grace_time": None}
        self._scheduler.add_job(self._wake, "interval", seconds=SWEEP_S, id="sweep", next_run_time=datetime.now(UTC), **limits)
        self._scheduler.start()

    def at(self, when: datetime) -> None:
        """See :class:`WakeUp`."""
        self._scheduler.add_job(self._wake, "date", run_date=when, id=NEXT, replace_existing=True, misfire_grace_time=None)

    def stop(self) -> None:
        """See :class:`WakeUp`."""
        self._scheduler.shutdown(wait=False)

    async def _wake(self) -> None:
        self._look()
