"""``/calllink``: a link by which somebody calls Parley in a browser."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import Final, Protocol

from calls.invite_links import InviteLink
from handlers.command import Authority, Command, Request, WrongArguments
from storage.invites import VALID_S, Invite

FAMILY: Final = "private_calls"
LONGEST_MINUTES: Final = 1440


class Links(Protocol):
    """See :class:`calls.invite_links.InviteLinks`."""

    async def create(self, invite: Invite, by: int = 0) -> InviteLink:
        """A new link.

        :raises errors.ParleyError: there can be none; the text is for the chat.
        """


class LinkCommands:
    """For those whom Parley obeys in every chat, as phoning is: whoever opens the link talks with Parley."""

    def __init__(self, links: Links) -> None:
        self._links = links

    def commands(self) -> Iterable[Command]:
        """Their declarations."""
        command = partial(Command, family=FAMILY, authority=Authority.SUDO, in_private=True)
        yield command(name="calllink", usage="/calllink [MINUTES]", example="/calllink 30", answer=self.link, cost=3)

    async def link(self, request: Request) -> str:
        """A link to a call in the manners of this chat, of so many minutes at most."""
        longest_s = _minutes(request) * 60.0 if request.arguments else None
        link = await self._links.create(Invite(chat_id=request.chat_id, longest_s=longest_s), request.sender_id)
        told = request.say("invite.link", url=link.url, minutes=round(VALID_S / 60))
        return f"{told}\n{request.say('invite.only_here')}" if link.only_here else told


def _minutes(request: Request) -> int:
    given = request.arguments
    if given.isascii() and given.isdecimal() and 0 < int(given) <= LONGEST_MINUTES:
        return int(given)
    raise WrongArguments(request.say("not_a_number", given=given, least=1, most=LONGEST_MINUTES))
