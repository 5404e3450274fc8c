"""Engines of one kind in the order in which they are asked; one that failed is asked last for a while."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from typing import Final, Generic, Protocol, TypeVar

import structlog

from engines.troubles import Part, Remedy, Trouble, tell_of_trouble
from errors import EngineError, ModelMissing, ParleyError

REST_S: Final = 30.0
"""How long an engine that failed is spared, if there is another."""

log = structlog.get_logger(__name__)


class Loadable(Protocol):
    """What all engines have in common."""

    @property
    def name(self) -> str:
        """What logs call it."""

    async def load(self) -> None:
        """Make ready."""

    async def close(self) -> None:
        """Free everything."""


Engine = TypeVar("Engine", bound=Loadable)


class Attempts(Generic[Engine]):
    """One piece of work on its way from engine to engine until one of them has done it; the change from one to the next is told."""

    def __init__(self, order: EngineOrder[Engine]) -> None:
        self.failures: list[str] = []
        self._order = order
        self._failed: Engine | None = None

    def __iter__(self) -> Iterator[Engine]:
        for engine in self._order.in_order():
            if self._failed is not None:
                tell_of_trouble(Trouble(self._order.part, self._failed.name, self.failures[-1], Remedy.REPLACED, engine.name))
            yield engine

    def failed(self, engine: Engine, why: Exception) -> None:
        """``engine`` could not do it; ``why`` is for people to read."""
        self._order.failed(engine, why)
        self._failed = engine
        self.failures.append(str(why))


class EngineOrder(Generic[Engine]):
    """Decides whom to ask, and remembers who failed. ``clock`` gives seconds."""

    def __init__(self, part: Part, engines: Sequence[Engine], clock: Callable[[], float] = time.monotonic) -> None:
        if not engines:
            raise ValueError("At least one engine is needed.")
        self.part = part
        self._engines = list(engines)
        self._clock = clock
        self._rests_until: dict[str, float] = {}

    @property
    def name(self) -> str:
        """The name of the engine that is asked first when all is well."""
        return self._engines[0].name

    def attempts(self) -> Attempts[Engine]:
        """The engines for one piece of work."""
        return Attempts(self)

    def in_order(self) -> list[Engine]:
        """All engines: first those in good health, then those that rest."""
        now = self._clock()
        return sorted(self._engines, key=lambda engine: self._rests_until.get(engine.name, now) > now)

    def failed(self, engine: Engine, why: Exception) -> None:
        """``engine`` failed just now."""
        log.warning("engine failed", engine=engine.name, why=str(why) or type(why).__name__)
        self._rests_until[engine.name] = self._clock() + REST_S

    def worked(self, engine: Engine) -> None:
        """``engine`` did its work just now."""
        self._rests_until.pop(engine.name, None)

    async def load(self) -> None:
        """Load all engines; those that can't be loaded are left out.

        :raises errors.ParleyError: none could be loaded; the first one's reason.
        """
        ready: list[Engine] = []
        reasons: list[ParleyError] = []
        for engine in self._engines:
            try:
                await engine.load()
                ready.append(engine)
            except (EngineError, ModelMissing) as unusable:
                log.warning("engine left out", engine=engine.name, why=str(unusable))
                reasons.append(unusable)
        if not ready:
            raise reasons[0]
        self._engines = ready

    async def close(self) -> None:
        """Close all engines."""
        for engine in self._engines:
            await engine.close()
