"""What people do in a step: write, send, start and join voice chats."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from audio.pcm import PLAYOUT_RATE_HZ
from audio.voice_note import voice_note
from loopback.rehearsal.cast import Actor, ChatLog, ChatMessage, Chronicle, World, private_chat_of
from loopback.rehearsal.script import Script
from loopback.rehearsal.step import Step

CLAIMED_S: Final = 5.0
"""How long a file that is sent as a voice note says it is."""

Act = Callable[[int, Step], Awaitable[None]]


@dataclass(slots=True)
class PeopleActs:
    """All but speaking. ``sounds`` holds the PCM of voice notes by the index of their step."""

    script: Script
    actors: Mapping[str, Actor]
    world: World
    chat: ChatLog
    sounds: Mapping[int, bytes]
    chronicle: Chronicle
    under_way: list[asyncio.Task[None]] = field(default_factory=list)
    """What is done meanwhile."""

    def table(self) -> dict[str, Act]:
        """The actions by their key."""
        return {
            "type": self._type,
            "voice_note": self._voice_note,
            "send_file": self._send_file,
            "start_voice_chat": self._start_voice_chat,
            "end_voice_chat": self._end_voice_chat,
            "schedule_voice_chat": self._schedule_voice_chat,
            "start_scheduled": self._start_scheduled,
            "join_call": self._join_call,
            "leave_call": self._leave_call,
            "phone_bot": self._phone_bot,
            "hang_up": self._hang_up,
            "kick_bot": self._kick_bot,
            "add_bot": self._add_bot,
            "mute_bot": self._mute_bot,
        }

    def place_of(self, step: Step) -> str:
        """The name of the chat of a step, which may be a private one."""
        return private_chat_of(self._who(step)) if step.private else self.script.place_of(step)

    def _who(self, step: Step) -> str:
        assert step.who is not None
        return step.who

    def _actor(self, step: Step) -> Actor:
        return self.actors[self._who(step)]

    # ---- writing and sending

    async def _type(self, _: int, step: Step) -> None:
        assert step.type is not None
        place, who = self.place_of(step), self._who(step)
        self._written(step, step.type)
        self.chronicle.audience.typed(who if not step.anonymous else f"{who} (anonymous)", step.type)
        typing = self._typed(place, step, step.type)
        if step.meanwhile:
            self.under_way.append(asyncio.create_task(typing))
        else:
            await typing

    async def _typed(self, place: str, step: Step, text: str) -> None:
        if step.anonymous:
            self.world.set_anonymous(place, self._who(step), True)
        try:
            await self._actor(step).type(place, text, reply_to_bot=bool(step.reply_to_bot))
        finally:
            if step.anonymous:
                self.world.set_anonymous(place, self._who(step), False)

    async def _voice_note(self, index: int, step: Step) -> None:
        note = await asyncio.to_thread(voice_note, self.sounds[index], PLAYOUT_RATE_HZ)
        self._written(step, f"(voice note) {step.voice_note}")
        self.chronicle.note(f"{step.who} sends a voice note: “{step.voice_note}”")
        await self._actor(step).send_voice_note(
            self.place_of(step), note.ogg, note.duration_s, caption=step.caption or "", reply_to_bot=bool(step.reply_to_bot)
        )

    async def _send_file(self, _: int, step: Step) -> None:
        assert step.send_file is not None
        path, reply = self.script.folder / step.send_file, bool(step.reply_to_bot)
        data = await asyncio.to_thread(path.read_bytes)
        self._written(step, f"(file) {step.send_file}")
        self.chronicle.note(f"{step.who} sends the file {step.send_file}{' as a voice note' if step.as_voice else ''}")
        if step.as_voice:
            await self._actor(step).send_voice_note(self.place_of(step), data, CLAIMED_S, caption=step.caption or "", reply_to_bot=reply)
        else:
            await self._actor(step).send_file(self.place_of(step), data, path.name, caption=step.caption or "", reply_to_bot=reply)

    def _written(self, step: Step, text: str) -> None:
        self.chat.add(ChatMessage(self.chronicle.clock(), self._who(step), text, chat=self.place_of(step)))

    # ---- voice chats

    async def _start_voice_chat(self, _: int, step: Step) -> None:
        await self._actor(step).start_voice_chat(self.place_of(step))
        self.chronicle.note(f"{step.who} starts the voice chat{self._where(step)}")

    async def _end_voice_chat(self, _: int, step: Step) -> None:
        self.chronicle.note(f"{step.who} ends the voice chat{self._where(step)}")
        self.world.end_voice_chat(self.place_of(step), self._who(step))

    async def _schedule_voice_chat(self, _: int, step: Step) -> None:
        assert step.schedule_voice_chat is not None
        self.world.schedule_voice_chat(self.place_of(step), self._who(step), step.schedule_voice_chat)
        self.chronicle.note(f"{step.who} announces a voice chat{self._where(step)} in {step.schedule_voice_chat} s")

    async def _start_scheduled(self, _: int, step: Step) -> None:
        self.world.start_scheduled(self.place_of(step), self._who(step))
        self.chronicle.note(f"{step.who} starts the announced voice chat{self._where(step)}")

    async def _join_call(self, _: int, step: Step) -> None:
        await self._actor(step).join_call(self.place_of(step))
        self.chronicle.note(f"{step.who} joins the call{self._where(step)}")

    async def _leave_call(self, _: int, step: Step) -> None:
        await self._actor(step).leave_call()
        self.chronicle.note(f"{step.who} leaves the call")

    async def _phone_bot(self, _: int, step: Step) -> None:
        self.chronicle.note(f"{step.who} phones the bot")
        await self._actor(step).phone_bot()
        self.chronicle.note("the bot has answered")

    async def _hang_up(self, _: int, step: Step) -> None:
        await self._actor(step).hang_up()
        self.chronicle.note(f"{step.who} hangs up")

    # ---- what is done to the bot

    async def _kick_bot(self, _: int, step: Step) -> None:
        self.chronicle.note(f"{step.who} removes the bot{self._where(step, 'from')}")
        self.world.kick_bot(self.place_of(step), self._who(step))

    async def _add_bot(self, _: int, step: Step) -> None:
        self.chronicle.note(f"{step.who} adds the bot{self._where(step, 'to')}")
        self.world.add_bot(self.place_of(step), self._who(step))

    async def _mute_bot(self, _: int, step: Step) -> None:
        muted = bool(step.mute_bot)
        self.chronicle.note(f"{step.who} {'mutes the bot' if muted else 'lets the bot speak again'}{self._where(step)}")
        self.world.mute_bot(self.place_of(step), muted)

    def _where(self, step: Step, word: str = "in") -> str:
        """The chat, if there are several."""
        return f" {word} {self.place_of(step)}" if len(self.script.places) > 1 else ""
