"""One rehearsal from beginning to end: prepare, play, measure, report."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from audio.stt.engine import SpeechToText
from audio.tts.engine import TextToSpeech
from calls.events import EngineFailed, ExchangeEnded, FalseInterruption, TurnBegan, TurnIgnored
from config import Settings
from errors import EngineError, ParleyError
from loopback.people.ear import Ear
from loopback.people.mouth import Spoken
from loopback.rehearsal.bot_environment import bot_environment, event_log_of
from loopback.rehearsal.bot_lives import BotLives
from loopback.rehearsal.cast import ChatLog
from loopback.rehearsal.event_feed import EventFeed
from loopback.rehearsal.live_view import LiveView
from loopback.rehearsal.measure import Turn, measure_resumed, measure_turns, turns_left_alone
from loopback.rehearsal.player import Ensemble, Player
from loopback.rehearsal.presence import Presence
from loopback.rehearsal.recording import transcribe_replies, wrong_words
from loopback.rehearsal.report import Report, score, shortcomings
from loopback.rehearsal.script import Script
from loopback.rehearsal.stage import Stage, open_stage, read_along
from loopback.rehearsal.voices import render

LAST_EVENTS_S: Final = 0.5
"""How long after the last step the bot's events are still waited for."""


@dataclass(slots=True)
class Rehearsal:
    """Everything one rehearsal needs; :meth:`run` once.

    ``script`` has the bot's name filled in, ``bot_command`` starts the bot, ``voice_engine`` is loaded and speaks for the people,
    ``hearing`` is loaded after the call.
    """

    script: Script
    settings: Settings
    voice_engine: TextToSpeech
    hearing: SpeechToText
    bot_command: Sequence[str]
    view: LiveView
    bot_log: Sequence[str] = ()
    spoken: list[Spoken] = field(default_factory=list)
    ears: dict[str, Ear] = field(default_factory=dict)
    feed: EventFeed = field(default_factory=EventFeed)
    _chat: ChatLog = field(default_factory=ChatLog)
    _player: Player | None = None
    _presence: Presence = field(default_factory=lambda: Presence(time.monotonic))
    _failures: list[str] = field(default_factory=list)
    _problems: list[str] = field(default_factory=list)

    async def run(self) -> Report:
        """Play and measure. Whatever goes wrong once the stage is open is part of the report; the bot has ended in any case."""
        self.feed.listen(self.view.event)
        try:
            async with asyncio.timeout(self.script.time_out):
                await self._perform()
        except* TimeoutError:
            self._failures.append(f"The rehearsal was not over within {self.script.time_out:g} s.")
        except* ParleyError as failed:
            self._failures.append(str(_first(failed)))
        turns = await self._measured()
        return Report(
            title=self.script.title,
            bot_name=self.settings.bot_name,
            turns=turns,
            messages=self._chat.messages,
            false_interruptions=measure_resumed(self.feed.of_kind(FalseInterruption), self.ears),
            errors=[f"{event.part} failed: {event.what}" for event in self.feed.of_kind(EngineFailed)] + self._problems,
            failures=self._failures + (self._player.failures if self._player else []) + list(shortcomings(turns)),
            happenings=self._player.chronicle.happenings if self._player else (),
            met=self._player.expecting.met if self._player else (),
            stays=self._presence.stays,
        )

    async def _perform(self) -> None:
        with TemporaryDirectory(prefix="parley-rehearsal-") as name:
            folder = Path(name)
            async with open_stage(self.script, self.settings.bot_name) as stage:
                settings = self.settings.model_copy(update={"owner_id": stage.owner_id} if stage.owner_id is not None else {})
                environment = bot_environment(settings, stage.bot_session, folder)
                try:
                    async with BotLives(self.bot_command, environment, folder) as bot:
                        self.bot_log = bot.lines
                        await self._play(stage, bot, event_log_of(folder))
                finally:
                    self._problems = [f"The loopback Telegram: {problem}" for problem in stage.problems()]

    async def _play(self, stage: Stage, bot: BotLives, event_log: Path) -> None:
        async with asyncio.TaskGroup() as group:
            attendants = [
                group.create_task(bot.watch()),
                group.create_task(self.feed.follow(event_log)),
                group.create_task(self._presence.watch(stage.backstage.chats, stage.backstage.bot_in_call)),
                group.create_task(read_along(stage, self.settings.bot_name, self._chat, self.view.message)),
            ]
            rendering = group.create_task(self._render())
            self.view.note(f"{self.settings.bot_name} starts")
            await bot.ready()
            sounds = await rendering
            self.ears = {name: actor.ear for name, actor in stage.actors.items()}
            ensemble = Ensemble(stage.actors, stage.backstage, bot, self._chat, self.feed, self.view, time.monotonic)
            self._player = Player(self.script, ensemble, sounds)
            await self._player.play()
            await asyncio.sleep(LAST_EVENTS_S)
            self.spoken = [clip for actor in stage.actors.values() for clip in actor.said]
            for attendant in attendants:
                attendant.cancel()

    async def _render(self) -> dict[int, bytes]:
        try:
            return await render(self.script, self.voice_engine)
        finally:
            await self.voice_engine.close()

    async def _measured(self) -> list[Turn]:
        said = self._player.said if self._player else ()
        left_alone = turns_left_alone(self.feed.of_kind(TurnBegan), self.feed.of_kind(TurnIgnored))
        turns = measure_turns(said, self.feed.of_kind(ExchangeEnded), self.ears, left_alone)
        notes = self._player.expecting.notes if self._player else []
        if notes or any(turn.answered for turn in turns):
            self.view.note("what the callers heard is transcribed")
            try:
                await self.hearing.load()
                await transcribe_replies(turns, self.ears, self.hearing)
                self._failures += [failure for note in notes if (failure := await wrong_words(note, self.hearing))]
            except EngineError as error:
                self._failures.append(f"What the callers heard could not be transcribed: {error}")
            finally:
                await self.hearing.close()
        score(turns)
        return turns


def _first(group: BaseExceptionGroup[ParleyError]) -> BaseException:
    """The first of the errors that are no groups themselves."""
    first: BaseException = group
    while isinstance(first, BaseExceptionGroup):
        first = first.exceptions[0]
    return first
