"""Who may do what: the lists of a chat, of the owner, and of those who are not listened to."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import Final

from handlers.command import Authority, Command, Request, WrongArguments
from handlers.people import names_of, person_meant
from handlers.services import Services

FAMILY: Final = "rights"
PERSON: Final = "@name|ID"


class RightsCommands:
    """``/auth``, ``/sudo``, ``/blacklist`` and what takes them back."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._grants = services.grants

    def commands(self) -> Iterable[Command]:
        """Their declarations."""
        manager, sudo, owner = Authority.CALL_MANAGER, Authority.SUDO, Authority.OWNER
        command = partial(Command, family=FAMILY, in_private=True)
        yield command(name="auth", authority=manager, usage=f"/auth {PERSON}", example="/auth @ann", answer=self.auth, cost=2)
        yield command(
            name="unauth",
            authority=manager,
            usage=f"/unauth {PERSON}",
            example="/unauth @ann",
            answer=self.unauth,
            cost=2,
            destructive=True,
        )
        yield command(name="authlist", authority=manager, usage="/authlist", answer=self.authlist, cost=2)
        yield command(name="reload", authority=manager, usage="/reload", answer=self.reload, aliases=("admincache",), cost=5)
        yield command(
            name="sudo",
            authority=owner,
            usage=f"/sudo [{PERSON}] | /sudo remove {PERSON}",
            example="/sudo @ann",
            answer=self.sudo,
            destructive=True,
        )
        yield command(
            name="blacklist",
            authority=sudo,
            usage=f"/blacklist {PERSON}|chat|list",
            example="/blacklist @spammer",
            answer=self.blacklist,
            destructive=True,
        )
        yield command(
            name="unblacklist",
            authority=sudo,
            usage=f"/unblacklist {PERSON}|chat",
            example="/unblacklist @ann",
            answer=self.unblacklist,
            destructive=True,
        )

    async def auth(self, request: Request) -> str:
        """Put somebody on the list of this chat."""
        user_id = await self._person(request, request.arguments)
        new = await self._grants.authorise(request.chat_id, user_id, request.sender_id, self._services.clock())
        return request.say("auth.added" if new else "auth.already", id=user_id)

    async def unauth(self, request: Request) -> str:
        """Take somebody off it."""
        user_id = await self._person(request, request.arguments)
        taken = await self._grants.unauthorise(request.chat_id, user_id)
        return request.say("auth.removed" if taken else "auth.not_listed", id=user_id)

    async def authlist(self, request: Request) -> str:
        """Who is on it."""
        ids = await self._grants.authorised(request.chat_id)
        return request.say("auth.list", names=await names_of(self._services.client, ids)) if ids else request.say("auth.empty")

    async def reload(self, request: Request) -> str:
        """Forget what is remembered of admins and lists."""
        self._services.admins.forget(request.chat_id)
        self._grants.reload()
        return request.say("reloaded")

    async def sudo(self, request: Request) -> str:
        """Show, extend or shorten the owner's list."""
        word, _, rest = request.arguments.partition(" ")
        if word == "remove":
            user_id = await self._person(request, rest.strip())
            taken = await self._grants.remove_sudo(user_id)
            return request.say("sudo.removed" if taken else "sudo.not_listed", id=user_id)
        if not word and not request.reply_to_id:
            ids = await self._grants.sudo()
            return request.say("sudo.list", names=await names_of(self._services.client, ids)) if ids else request.say("sudo.empty")
        user_id = await self._person(request, request.arguments)
        new = await self._grants.add_sudo(user_id, request.sender_id, self._services.clock())
        return request.say("sudo.added" if new else "sudo.already", id=user_id)

    async def blacklist(self, request: Request) -> str:
        """Listen no longer to somebody, or to this chat."""
        if request.arguments == "list":
            ids = await self._grants.blacklisted()
            return (
                request.say("blacklist.list", names=await names_of(self._services.client, ids)) if ids else request.say("blacklist.empty")
            )
        listed = await self._person_or_chat(request)
        if listed == request.sender_id or listed in await self._grants.sudo():
            return request.say("blacklist.trusted")
        new = await self._grants.blacklist(listed, request.sender_id, self._services.clock())
        return request.say("blacklist.added" if new else "blacklist.already", id=listed)

    async def unblacklist(self, request: Request) -> str:
        """Listen again."""
        listed = await self._person_or_chat(request)
        taken = await self._grants.unblacklist(listed)
        return request.say("blacklist.removed" if taken else "blacklist.not_listed", id=listed)

    async def _person_or_chat(self, request: Request) -> int:
        if request.arguments == "chat":
            return request.chat_id
        return await person_meant(self._services.client, request, request.arguments)

    async def _person(self, request: Request, named: str) -> int:
        """Whoever is meant; in a private chat the other one, where nobody is named."""
        if request.is_private and not named and not request.reply_to_id and request.chat_id != request.sender_id:
            return request.chat_id
        user_id = await person_meant(self._services.client, request, named)
        if user_id < 0:
            raise WrongArguments(request.say("person.no_chat"))
        return user_id
