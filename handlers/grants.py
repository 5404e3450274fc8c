"""The lists of people that commands keep, as storage has them, remembered so that not every message costs a look into the database."""

from __future__ import annotations

from storage import authority
from storage.database import Database


class StoredGrants:
    """Every change of the lists goes through here; what was read stays known until then, or until :meth:`reload`."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._sudo: frozenset[int] | None = None
        self._blacklisted: frozenset[int] | None = None
        self._authorised: dict[int, frozenset[int]] = {}

    def reload(self) -> None:
        """Read everything anew."""
        self._sudo = self._blacklisted = None
        self._authorised.clear()

    async def sudo(self) -> frozenset[int]:
        """The people whom the owner trusts in every chat."""
        if self._sudo is None:
            self._sudo = frozenset(await authority.sudo(self._database))
        return self._sudo

    async def authorised(self, chat_id: int) -> frozenset[int]:
        """The people on the list of a chat."""
        if chat_id not in self._authorised:
            self._authorised[chat_id] = frozenset(await authority.authorised(self._database, chat_id))
        return self._authorised[chat_id]

    async def blacklisted(self) -> frozenset[int]:
        """The people and chats that are not listened to."""
        if self._blacklisted is None:
            self._blacklisted = frozenset(await authority.blacklisted(self._database))
        return self._blacklisted

    async def add_sudo(self, user_id: int, by: int, at: float) -> bool:
        """Trust somebody in every chat; whether that is new."""
        return self._changed(await authority.add_sudo(self._database, user_id, by, at))

    async def remove_sudo(self, user_id: int) -> bool:
        """Trust them no longer; whether that is new."""
        return self._changed(await authority.remove_sudo(self._database, user_id))

    async def authorise(self, chat_id: int, user_id: int, by: int, at: float) -> bool:
        """Put somebody on the list of a chat; whether that is new.

        :raises storage.errors.TooMany: the list is full.
        """
        return self._changed(await authority.authorise(self._database, chat_id, user_id, by, at))

    async def unauthorise(self, chat_id: int, user_id: int) -> bool:
        """Take them off; whether that is new."""
        return self._changed(await authority.unauthorise(self._database, chat_id, user_id))

    async def blacklist(self, user_or_chat_id: int, by: int, at: float) -> bool:
        """Listen to them no longer; whether that is new."""
        return self._changed(await authority.blacklist(self._database, user_or_chat_id, by, at))

    async def unblacklist(self, user_or_chat_id: int) -> bool:
        """Listen again; whether that is new."""
        return self._changed(await authority.unblacklist(self._database, user_or_chat_id))

    def _changed(self, changed: bool) -> bool:
        self.reload()
        return changed
