"""Plays a script, step by step: does what the step says, then waits for what it expects."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field

from errors import ParleyError
from loopback.rehearsal.cast import Actor, Audience, BotControl, ChatLog, Chronicle, World
from loopback.rehearsal.event_feed import EventFeed
from loopback.rehearsal.expecting import ExpectationFailed, Expecting
from loopback.rehearsal.happenings import Happenings
from loopback.rehearsal.measure import Said
from loopback.rehearsal.people_acts import Act, PeopleActs
from loopback.rehearsal.script import Script
from loopback.rehearsal.speaking import Speaking
from loopback.rehearsal.step import Step


@dataclass(frozen=True, slots=True)
class Ensemble:
    """Everybody and everything on the stage. ``clock`` is monotonic."""

    actors: Mapping[str, Actor]
    world: World
    bot: BotControl
    chat: ChatLog
    feed: EventFeed
    audience: Audience
    clock: Callable[[], float]


@dataclass(slots=True)
class Player:
    """One run of one script. ``sounds`` holds the PCM (24 kHz) of every step that is heard."""

    script: Script
    ensemble: Ensemble
    sounds: Mapping[int, bytes]
    failures: list[str] = field(default_factory=list)
    chronicle: Chronicle = field(init=False)
    speaking: Speaking = field(init=False)
    expecting: Expecting = field(init=False)
    _people: PeopleActs = field(init=False)
    _happenings: Happenings = field(init=False)
    _acts: dict[str, Act] = field(init=False)

    def __post_init__(self) -> None:
        cast = self.ensemble
        self.chronicle = Chronicle(cast.audience, cast.clock)
        self.speaking = Speaking(self.script, cast.actors, cast.feed, self.sounds, cast.audience, cast.clock)
        self._people = PeopleActs(self.script, cast.actors, cast.world, cast.chat, self.sounds, self.chronicle)
        self._happenings = Happenings(self.script, cast.world, cast.bot, self.chronicle)
        self.expecting = Expecting(cast.actors, cast.chat, cast.world, cast.bot, cast.clock, lambda: self._happenings.counting_since_s)
        spoken = {"say": self.speaking.say, "play": self.speaking.say}
        self._acts = self._people.table() | self._happenings.table() | spoken

    @property
    def said(self) -> list[Said]:
        """Everything that was said into calls."""
        return self.speaking.said

    async def play(self) -> None:
        """Play all steps. A step that failed is in ``failures``; unanswered questions show in the measurement.

        A failed expectation, or something that can't be done, ends the play: the steps after it would make no sense.
        """
        try:
            for index, step in enumerate(self.script.steps):
                await self._play(index, step)
        except (ExpectationFailed, ParleyError) as failed:
            self.failures.append(f"step {index + 1}: {failed}")
            self.ensemble.audience.failed(self.failures[-1])
        finally:
            await self._end_what_goes_on()

    async def _play(self, index: int, step: Step) -> None:
        mark = self.expecting.mark
        if step.action is not None and step.action not in ("wait", "count_requests"):
            mark.begin(len(self.ensemble.chat.messages))
        if step.action is not None:
            await self._acts[step.action](index, step)
        if step.action not in (None, "wait", "count_requests"):
            mark.done_s = self.ensemble.clock()
        await self.expecting.check(index + 1, step, self._people.place_of(step))
        if step.expectations or step.speaks or step.action == "wait":
            mark.close()

    async def _end_what_goes_on(self) -> None:
        for task in (*self._people.under_way, *self._happenings.under_way):
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
