"""Joining without being asked: switched on and off, and under which conditions."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import partial
from typing import Any, Final
from zoneinfo import available_timezones

from handlers.command import Authority, Command, Request, WrongArguments
from handlers.services import Services
from storage.chats import ChatSettings

FAMILY: Final = "auto_join"
_TIME: Final = re.compile(r"([01]?\d|2[0-3])[:.]([0-5]\d)")
MOST_PARTICIPANTS: Final = 1000


class AutoJoinCommands:
    """``/callon`` and what belongs to it; without something that decides, the settings are kept and no reason is told."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._auto_join = services.auto_join

    def commands(self) -> Iterable[Command]:
        """Their declarations."""
        command = partial(Command, family=FAMILY, authority=Authority.CALL_MANAGER)
        yield command(name="callon", usage="/callon", answer=self.on)
        yield command(name="calloff", usage="/calloff", answer=self.off, urgent=True)
        yield command(
            name="callconfig",
            usage="/callconfig N | people=N alone=SECONDS zone=Europe/Madrid cooldown=SECONDS chance=PERCENT",
            example="/callconfig 3",
            answer=self.config,
        )
        yield command(name="callquiet", usage="/callquiet HH:MM HH:MM | off", example="/callquiet 22:00 08:00", answer=self.quiet)
        yield command(name="callstatus", usage="/callstatus", answer=self.status)

    async def on(self, request: Request) -> str:
        """Join by myself from now on."""
        chat = await self._services.change(request.chat_id, auto_join=True, title=request.title, disabled_reason="")
        self._look(request)
        return request.say("auto_join.on", people=chat.min_participants)

    async def off(self, request: Request) -> str:
        """Join only when asked; a call that is being joined or tried again unasked is given up."""
        await self._services.change(request.chat_id, auto_join=False)
        outlook = self._services.manager.outlook(request.chat_id)
        if outlook is not None and outlook.auto_joined:
            await self._services.manager.leave(request.chat_id)
        return request.say("auto_join.off")

    async def config(self, request: Request) -> str:
        """Under which conditions."""
        changes = _changes(request)
        chat = await self._services.change(request.chat_id, title=request.title, **changes)
        self._look(request)
        return self._conditions(request, chat)

    async def quiet(self, request: Request) -> str:
        """Between which hours not."""
        if request.arguments.lower() == "off":
            await self._services.change(request.chat_id, quiet_from="", quiet_until="")
            return request.say("auto_join.quiet_off")
        times = [_TIME.fullmatch(word) for word in request.arguments.split()]
        if len(times) != 2 or not all(times):
            raise WrongArguments(request.say("auto_join.two_times"))
        begin, end = (f"{int(time[1]):02}:{time[2]}" for time in times if time)
        if begin == end:
            raise WrongArguments(request.say("auto_join.same_times"))
        chat = await self._services.change(request.chat_id, quiet_from=begin, quiet_until=end, title=request.title)
        return request.say("auto_join.quiet_on", begin=begin, end=end, zone=self._zone(chat))

    async def status(self, request: Request) -> str:
        """What is set, and what I would do now."""
        chat = await self._services.chat(request.chat_id)
        state = self._services.manager.state(request.chat_id)
        lines = [
            request.say("auto_join.status", enabled=request.say("yes" if chat.auto_join else "no")),
            self._conditions(request, chat),
            request.say("auto_join.counts", lines=len(state.transcript), errors=state.error_count),
        ]
        if self._auto_join is not None:
            verdict = await self._auto_join.verdict(request.chat_id)
            lines.append(request.say("auto_join.now", reason=request.say(f"auto_join.why.{verdict.why}", **verdict.fields)))
        return "\n".join(lines)

    def _conditions(self, request: Request, chat: ChatSettings) -> str:
        quiet = f"{chat.quiet_from}–{chat.quiet_until} ({self._zone(chat)})" if chat.quiet_from else request.say("off")
        return request.say("auto_join.conditions", people=chat.min_participants, quiet=quiet)

    def _zone(self, chat: ChatSettings) -> str:
        return chat.time_zone or self._services.settings.time_zone

    def _look(self, request: Request) -> None:
        if self._auto_join is not None:
            self._auto_join.look(request.chat_id)


def _changes(request: Request) -> dict[str, Any]:
    if not request.arguments:
        raise WrongArguments
    return dict(_change(request, word) for word in request.arguments.split())


def _change(request: Request, word: str) -> tuple[str, Any]:
    name, _, value = word.partition("=") if "=" in word else ("people", "", word)
    match name.lower():
        case "people":
            return "min_participants", _number(request, value, 1, MOST_PARTICIPANTS)
        case "alone":
            return "alone_s", float(_number(request, value, 10, 86_400))
        case "cooldown":
            return "cooldown_s", float(_number(request, value, 0, 3600))
        case "chance":
            return "reply_probability", _number(request, value.rstrip("%"), 0, 100) / 100
        case "zone" if value in available_timezones():
            return "time_zone", value
        case "zone":
            raise WrongArguments(request.say("auto_join.no_zone", zone=value[:40]))
    raise WrongArguments(request.say("auto_join.no_setting", name=name[:40]))


def _number(request: Request, text: str, least: int, most: int) -> int:
    if not (text.isascii() and text.isdigit() and least <= int(text[:9]) <= most):
        raise WrongArguments(request.say("not_a_number", given=text[:40], least=least, most=most))
    return int(text)
