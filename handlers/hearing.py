"""How Parley hears: whether, and in which language."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import Any, Final

from handlers.command import Authority, Command, Request
from handlers.manners import language_meant
from handlers.services import Services

FAMILY: Final = "hearing"


class HearingCommands:
    """``/stt...``"""

    def __init__(self, services: Services) -> None:
        self._services = services

    def commands(self) -> Iterable[Command]:
        """Their declarations."""
        manager, member = Authority.CALL_MANAGER, Authority.MEMBER
        command = partial(Command, family=FAMILY)
        yield command(name="stton", authority=manager, usage="/stton", answer=self.on)
        yield command(name="sttoff", authority=manager, usage="/sttoff", answer=self.off)
        yield command(name="sttconfig", authority=manager, usage="/sttconfig LANGUAGE|auto", example="/sttconfig ca", answer=self.config)
        yield command(name="sttstatus", authority=member, usage="/sttstatus", answer=self.status)

    async def on(self, request: Request) -> str:
        """Listen."""
        await self._change(request, stt_on=True)
        return request.say("stt.on")

    async def off(self, request: Request) -> str:
        """Do not listen."""
        await self._change(request, stt_on=False)
        return request.say("stt.off")

    async def config(self, request: Request) -> str:
        """Which language is spoken."""
        await self._change(request, language=language_meant(request))
        return await self.status(request)

    async def status(self, request: Request) -> str:
        """What is set, and which model hears."""
        chat = await self._services.chat(request.chat_id)
        return request.say(
            "stt.status",
            state=request.say("on" if chat.stt_on else "off"),
            engine=self._services.hearing_name,
            language=chat.language or self._services.settings.language,
        )

    async def _change(self, request: Request, **changes: Any) -> None:
        await self._services.change(request.chat_id, title=request.title, **changes)
