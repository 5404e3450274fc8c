"""Speaking in the call as people do: wait for the answer, listen until it is over, cut in."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from calls.events import CallEvent, ExchangeEnded
from loopback.people.mouth import Spoken
from loopback.rehearsal.cast import Actor, Audience
from loopback.rehearsal.event_feed import EventFeed
from loopback.rehearsal.measure import Said
from loopback.rehearsal.polling import until
from loopback.rehearsal.script import Script
from loopback.rehearsal.step import Step

QUIET_MS: Final = 400
"""The bot has fallen silent when nothing was heard of it for this long."""


@dataclass(slots=True)
class Speaking:
    """``sounds`` holds the PCM (24 kHz) of every step that is heard; ``clock`` is monotonic."""

    script: Script
    actors: Mapping[str, Actor]
    feed: EventFeed
    sounds: Mapping[int, bytes]
    audience: Audience
    clock: Callable[[], float]
    answer_time_out_s: float = 30.0
    reply_time_out_s: float = 90.0
    said: list[Said] = field(default_factory=list)

    async def say(self, index: int, step: Step) -> None:
        """Say what step ``index`` says, and wait for what it waits for."""
        assert step.who is not None
        actor = self.actors[step.who]
        if step.interrupt_after_ms is not None and not await self._answer_is_heard(step.interrupt_after_ms / 1000, actor):
            self.audience.failed(f"there was no answer that {actor.name} could interrupt")
        self.audience.spoke(actor.name, step.words or f"({step.play})", step.interrupt_after_ms is not None)
        spoken = await actor.speak(self.sounds[index])
        said = self._remember(index, step, actor, spoken)
        if step.expect_silence is not None:
            await self._no_answer_comes(said, actor, step.expect_silence)
        elif step.bot_goes_on and not self.script.is_spoken_over(index):
            await self._until_over(self._asked, actor)
        elif self.script.waits_for_reply(index):
            await self._reply_is_over(said, actor)

    def _remember(self, index: int, step: Step, actor: Actor, spoken: Spoken) -> Said:
        said = Said(
            actor.name,
            step.words,
            spoken.first_s,
            spoken.last_s,
            wants_answer=self.script.wants_answer(index),
            interrupts=step.interrupt_after_ms is not None,
            bot_goes_on=bool(step.bot_goes_on),
            silence_s=step.expect_silence,
            expected=step.expect,
        )
        self.said.append(said)
        return said

    @property
    def _asked(self) -> Said:
        """What the answer that is heard, or waited for, is the answer to."""
        return next((said for said in reversed(self.said) if said.wants_answer), self.said[-1])

    async def _answer_is_heard(self, for_s: float, actor: Actor) -> bool:
        """Wait until the answer to what was said last has been heard for ``for_s``; false if none begins."""
        first_s = await self._first_heard(self._asked, actor)
        if first_s is None:
            return False
        await asyncio.sleep(max(0.0, first_s + for_s - self.clock()))
        return True

    async def _first_heard(self, said: Said, actor: Actor) -> float | None:
        """Wait for the first sound after ``said``; ``None`` if none comes in time."""
        await until(lambda: actor.ear.first_audible_after(said.last_s) is not None, self.answer_time_out_s, self.clock)
        first_s = actor.ear.first_audible_after(said.last_s)
        if first_s is not None and said is self.said[-1]:
            self.audience.waited(said.speaker, (first_s - said.last_s) * 1000)
        return first_s

    async def _reply_is_over(self, said: Said, actor: Actor) -> None:
        if await self._first_heard(said, actor) is None:
            self.audience.failed(f"{said.speaker} got no answer")
            return
        await self._until_over(said, actor)

    async def _no_answer_comes(self, said: Said, actor: Actor, for_s: float) -> None:
        """Listen for ``for_s``; an answer that comes all the same is heard to its end."""
        if await until(lambda: actor.ear.first_audible_after(said.last_s) is not None, said.last_s + for_s - self.clock(), self.clock):
            self.audience.failed(f"{said.speaker} got an answer that was not asked for")
            await self._until_over(said, actor)

    async def _until_over(self, said: Said, actor: Actor) -> None:
        def answers(event: CallEvent) -> bool:
            return (
                isinstance(event, ExchangeEnded)
                and event.speaker == said.speaker
                and event.first_sound_at_s is not None
                and event.speech_ended_at_s >= said.first_s
            )

        await self.feed.wait_for(answers, self.reply_time_out_s)
        await until(lambda: not actor.ear.audible_now(QUIET_MS), self.answer_time_out_s, self.clock)
