"""``/phone``: calling a telephone number."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from functools import partial
from typing import Final, Protocol

from calls.telephony import numbers
from calls.telephony.phone_call import PhoneCall, PhoneWishes
from handlers.command import Authority, Command, Request, WrongArguments

FAMILY: Final = "private_calls"
HANG_UP: Final = "hangup"
TOLD_AFTER_S: Final = 1.5
"""What is refused, is by then; else it rings, and that may take a while."""


class Telephone(Protocol):
    """See :class:`calls.telephony.phone_calls.PhoneCalls`."""

    async def call(self, written: str, wishes: PhoneWishes | None = None) -> PhoneCall:
        """Call a number; returns when somebody has answered.

        :raises errors.ParleyError: nobody has; the text is for the chat.
        """

    async def hang_up(self, call_id: str | None = None) -> PhoneCall:
        """End the newest call, or stop calling.

        :raises errors.ParleyError: there is none.
        """

    @property
    def calls(self) -> Sequence[PhoneCall]:
        """Those that have not ended."""


class TelephoneCommands:
    """For those whom Parley obeys in every chat: calls cost the owner money."""

    def __init__(self, telephone: Telephone) -> None:
        self._telephone = telephone

    def commands(self) -> Iterable[Command]:
        """Their declarations."""
        command = partial(Command, family=FAMILY, authority=Authority.SUDO, in_private=True)
        yield command(
            name="phone",
            usage="/phone +NUMBER [what it is about]|hangup",
            example="/phone +34612345678 Ask if the table for two is free at nine.",
            answer=self.phone,
            cost=5,
            urgent=True,
        )

    async def phone(self, request: Request) -> str:
        """Call a number and tell what becomes of it, or hang up; without arguments, the calls there are."""
        number, purpose = _split(request.arguments)
        if not number:
            return self._listed(request)
        if number == HANG_UP:
            return request.say("telephone.hung_up", number=(await self._telephone.hang_up()).shown)
        wishes = PhoneWishes(purpose=purpose, chat_id=request.chat_id)
        return request.say("telephone.talking", number=(await self._called(request, number, wishes)).shown)

    async def _called(self, request: Request, number: str, wishes: PhoneWishes) -> PhoneCall:
        calling = asyncio.create_task(self._telephone.call(number, wishes))
        try:
            await asyncio.wait({calling}, timeout=TOLD_AFTER_S)
            if not calling.done():
                await request.tell(request.say("telephone.calling"))
            return await calling
        finally:
            calling.cancel()

    def _listed(self, request: Request) -> str:
        calls = self._telephone.calls
        if not calls:
            raise WrongArguments
        return "\n".join(request.say("telephone.listed", number=call.shown, stage=request.say(_key(call))) for call in calls)


def _key(call: PhoneCall) -> str:
    return f"telephone.stage.{call.stage.value.replace('-', '_')}"


def _split(arguments: str) -> tuple[str, str]:
    """The number and what the call is about. A number written with spaces ends where something else than its characters begins."""
    text = arguments.strip()
    first, _, rest = text.partition(" ")
    if first.lower() == HANG_UP:
        return HANG_UP, ""
    if numbers.E164.fullmatch(first):
        return first, rest.strip()
    end = next((place for place, character in enumerate(text) if not (character.isdigit() or character in "+ ().-/")), len(text))
    return text[:end].strip() or first, text[end:].strip()
