"""How Parley speaks: whether, with which voice, how fast; and what it is to say now."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import partial
from typing import Any, Final, Protocol, runtime_checkable

from audio.tts.edge import VOICES
from handlers.command import Authority, Command, Request, WrongArguments
from handlers.menus import Choice, Menu
from handlers.services import Services
from handlers.wording import ENGLISH

FAMILY: Final = "speaking"
LONGEST_SPEECH: Final = 700
_RATE: Final = re.compile(r"[+-]?\d{1,3}%")
_VOICE: Final = re.compile(r"[A-Za-z][\w.+-]{1,63}")
DEFAULT: Final = "default"


@runtime_checkable
class Speaks(Protocol):
    """A call manager that can be told what to say."""

    async def speak(self, chat_id: int, text: str) -> bool:
        """Say it in the call of the chat; false when there is none."""


class SpeakingCommands:
    """``/tts...``, ``/voice`` and ``/speak``."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def commands(self) -> Iterable[Command]:
        """Their declarations."""
        manager, member = Authority.CALL_MANAGER, Authority.MEMBER
        command = partial(Command, family=FAMILY)
        yield command(name="ttson", authority=manager, usage="/ttson", answer=self.on)
        yield command(name="ttsoff", authority=manager, usage="/ttsoff", answer=self.off)
        yield command(
            name="ttsconfig",
            authority=manager,
            usage="/ttsconfig VOICE|default RATE",
            example="/ttsconfig en-GB-RyanNeural +10%",
            answer=self.config,
        )
        yield command(name="ttsstatus", authority=member, usage="/ttsstatus", answer=self.status)
        yield command(name="voice", authority=manager, usage="/voice [VOICE|default]", example="/voice en-GB-RyanNeural", answer=self.voice)
        yield command(
            name="speak", authority=Authority.AUTHORISED, usage="/speak TEXT", example="/speak Dinner is ready", answer=self.speak, cost=5
        )

    async def on(self, request: Request) -> str:
        """Speak."""
        await self._change(request, tts_on=True)
        return request.say("tts.on")

    async def off(self, request: Request) -> str:
        """Write instead."""
        await self._change(request, tts_on=False)
        return request.say("tts.off")

    async def config(self, request: Request) -> str:
        """Voice and rate, or one of them."""
        words = request.arguments.split()
        if not 1 <= len(words) <= 2:
            raise WrongArguments
        changes: dict[str, Any] = {}
        for word in words:
            changes |= {"rate": _rate(request, word)} if word[0] in "+-0123456789" else {"voice": _voice(request, word)}
        await self._change(request, **changes)
        return await self.status(request)

    async def status(self, request: Request) -> str:
        """What is set."""
        chat = await self._services.chat(request.chat_id)
        settings = self._services.settings
        return request.say(
            "tts.status",
            state=request.say("on" if chat.tts_on else "off"),
            engine=self._services.voice_name,
            voice=chat.voice or request.say("usual"),
            rate=chat.rate or settings.edge_tts_rate,
        )

    async def voice(self, request: Request) -> str | Menu:
        """Choose a voice."""
        if request.arguments:
            await self._change(request, voice=_voice(request, request.arguments))
            return await self.status(request)
        if self._services.settings.tts_engine != "edge":
            return request.say("tts.one_voice", engine=self._services.voice_name)
        language = (await self._services.chat(request.chat_id)).language or self._services.settings.language
        names = VOICES.get(language, VOICES[ENGLISH])
        choices = [Choice(name, name) for name in names] + [Choice(request.say("usual"), DEFAULT)]
        return Menu(request.say("tts.choose"), choices, request.say("menu_hint"))

    async def speak(self, request: Request) -> str:
        """Say it now."""
        if not request.arguments:
            raise WrongArguments
        if len(request.arguments) > LONGEST_SPEECH:
            raise WrongArguments(request.say("tts.too_long", most=LONGEST_SPEECH))
        manager = self._services.manager
        spoken = isinstance(manager, Speaks) and await manager.speak(request.chat_id, request.arguments)
        return request.say("tts.spoken" if spoken else "tts.not_in_call")

    async def _change(self, request: Request, **changes: Any) -> None:
        await self._services.change(request.chat_id, title=request.title, **changes)


def _voice(request: Request, word: str) -> str | None:
    if not _VOICE.fullmatch(word):
        raise WrongArguments(request.say("tts.no_voice", voice=word[:64]))
    return None if word.lower() == DEFAULT else word


def _rate(request: Request, word: str) -> str:
    if not _RATE.fullmatch(word) or not -50 <= int(word[:-1]) <= 100:
        raise WrongArguments(request.say("tts.no_rate", rate=word[:40]))
    return f"{int(word[:-1]):+d}%"
