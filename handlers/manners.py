"""Who Parley is in a chat and how it behaves; what it remembers; who does not want to be heard."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import partial
from typing import Any, Final

from handlers.command import Authority, Command, Request, WrongArguments
from handlers.menus import Choice, Menu
from handlers.services import Services
from handlers.wording import LANGUAGES, language_of, say
from storage import opt_outs, transcripts

FAMILY: Final = "manners"
MODES: Final = ("always", "addressed", "silent")
AUTO: Final = "auto"
LONGEST_PERSONA: Final = 1000
_LANGUAGE: Final = re.compile(r"[a-z]{2}")


class MannersCommands:
    """``/persona``, ``/lang``, ``/mode``, ``/reset``, ``/forget``, ``/optout`` and ``/optouts``."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._histories = services.histories

    def commands(self) -> Iterable[Command]:
        """Their declarations."""
        command = partial(Command, family=FAMILY)
        manager, member = Authority.CALL_MANAGER, Authority.MEMBER
        yield command(
            name="persona", authority=manager, usage="/persona [TEXT|off]", example="/persona You are a patient tutor", answer=self.persona
        )
        yield command(name="lang", authority=manager, usage="/lang [en|ca|es|ru|...|auto]", example="/lang ca", answer=self.lang)
        yield command(name="mode", authority=manager, usage="/mode [always|addressed|silent]", example="/mode addressed", answer=self.mode)
        yield command(name="reset", authority=manager, usage="/reset", answer=self.reset, destructive=True)
        yield command(
            name="forget",
            authority=Authority.STRANGER,
            usage="/forget me",
            example="/forget me",
            answer=self.forget,
            cost=10,
            in_private=True,
        )
        yield command(name="optout", authority=member, usage="/optout [off]", example="/optout", answer=self.optout, cost=3)
        yield command(name="optouts", authority=member, usage="/optouts", answer=self.optouts)

    async def persona(self, request: Request) -> str:
        """Who it is."""
        if not request.arguments:
            chat = await self._services.chat(request.chat_id)
            return request.say("persona.is", persona=chat.persona or self._services.settings.persona or request.say("usual"))
        if request.arguments.lower() == "off":
            await self._change(request, persona=None)
            return request.say("persona.off")
        if len(request.arguments) > LONGEST_PERSONA:
            raise WrongArguments(request.say("persona.too_long", most=LONGEST_PERSONA))
        await self._change(request, persona=request.arguments)
        return request.say("persona.set")

    async def lang(self, request: Request) -> str | Menu:
        """Which language is spoken and written here."""
        if not request.arguments:
            choices = [Choice(request.say(f"language.{code}"), code) for code in (*LANGUAGES, AUTO)]
            return Menu(request.say("lang.choose"), choices, request.say("menu_hint"))
        language = language_meant(request)
        await self._change(request, language=language)
        return say(language_of(language, request.language), "lang.set", language=language)

    async def mode(self, request: Request) -> str | Menu:
        """Whom to answer."""
        if not request.arguments:
            return Menu(request.say("mode.choose"), [Choice(request.say(f"mode.{mode}"), mode) for mode in MODES], request.say("menu_hint"))
        mode = request.arguments.lower()
        if mode not in MODES:
            raise WrongArguments(request.say("mode.unknown", mode=mode[:40]))
        await self._change(request, mode=mode)
        return request.say(f"mode.{mode}")

    async def reset(self, request: Request) -> str:
        """Begin the conversation anew."""
        if self._histories is not None:
            self._histories.clear(request.chat_id)
        return request.say("reset")

    async def forget(self, request: Request) -> str:
        """Delete what is kept of the sender, in every chat."""
        if request.arguments.lower() != "me":
            raise WrongArguments
        if request.sender_id <= 0:
            return request.say("anonymous")
        if self._histories is not None:
            self._histories.forget(request.sender_id)
        return request.say("forgotten", count=await transcripts.forget_user(self._services.database, request.sender_id))

    async def optout(self, request: Request) -> str:
        """Do not listen to the sender here; ``off`` takes it back."""
        database, chat_id, user_id = self._services.database, request.chat_id, request.sender_id
        if user_id <= 0:
            return request.say("anonymous")
        match request.arguments.lower():
            case "":
                await opt_outs.add(database, chat_id, user_id, request.sender_name or str(user_id), self._services.clock())
                said = "optout.added"
            case "off":
                said = "optout.removed" if await opt_outs.remove(database, chat_id, user_id) else "optout.not_out"
            case _:
                raise WrongArguments
        await self._services.manager.manners_changed(chat_id)
        return request.say(said)

    async def optouts(self, request: Request) -> str:
        """Who is not listened to here."""
        out = await opt_outs.of_chat(self._services.database, request.chat_id)
        return request.say("optout.list", names=", ".join(one.name for one in out)) if out else request.say("optout.none")

    async def _change(self, request: Request, **changes: Any) -> None:
        await self._services.change(request.chat_id, title=request.title, **changes)


def language_meant(request: Request) -> str:
    """The language that the arguments name: two letters, or auto.

    :raises WrongArguments: they name none.
    """
    language = request.arguments.lower()
    if language != AUTO and not _LANGUAGE.fullmatch(language):
        raise WrongArguments(request.say("lang.unknown", language=language[:40]) if language else "")
    return language
