"""``/call`` and ``/hangup``: phoning somebody."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from typing import Final, Protocol

from calls.private_call import PrivateCall
from handlers.command import Authority, Command, Request, WrongArguments

FAMILY: Final = "private_calls"
ME: Final = "me"


class Phone(Protocol):
    """See :class:`calls.private_calls.PrivateCalls`."""

    async def start(self, user: int | str) -> int:
        """Phone somebody; returns when they have answered.

        :raises errors.ParleyError: they have not; the text is for the chat.
        """

    async def hangup(self, user_id: int | None = None) -> int:
        """End the call, or stop phoning.

        :raises errors.ParleyError: there is none.
        """

    @property
    def calls(self) -> Sequence[PrivateCall]:
        """Those that have not ended."""


class PrivateCallCommands:
    """For those whom Parley obeys in every chat: whoever is phoned sees the account phoning."""

    def __init__(self, phone: Phone) -> None:
        self._phone = phone

    def commands(self) -> Iterable[Command]:
        """Their declarations."""
        command = partial(Command, family=FAMILY, authority=Authority.SUDO, in_private=True)
        yield command(name="call", usage="/call @user|ID|me", example="/call @ann", answer=self.call, cost=5)
        yield command(name="hangup", usage="/hangup", answer=self.hang_up, urgent=True)

    async def call(self, request: Request) -> str:
        """Phone somebody; the answer comes when they have answered, or not."""
        user_id = await self._phone.start(_meant(request))
        call = next((call for call in self._phone.calls if call.user_id == user_id), None)
        return request.say("phone.in_call", name=call.name if call else user_id, emojis=call.emojis if call else "")

    async def hang_up(self, request: Request) -> str:
        """End the call, or stop phoning."""
        if request.arguments:
            raise WrongArguments
        await self._phone.hangup()
        return request.say("phone.hung_up")


def _meant(request: Request) -> int | str:
    named = request.arguments.strip()
    if named.lower() == ME:
        return request.sender_id
    if named.isascii() and named.isdigit() and 0 < len(named) < 20:
        return int(named)
    if not named.startswith("@") or " " in named:
        raise WrongArguments
    return named
