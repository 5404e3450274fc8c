"""Links to the call page that can be used once: whoever opens one is in a call with Parley, without Telegram and without a password."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

from config import Settings
from errors import ParleyError
from storage import invites
from storage.database import Database
from storage.invites import VALID_S, Invite


@dataclass(frozen=True, slots=True)
class InviteLink:
    """``expires_at`` in seconds since the epoch; ``only_here``: it leads somewhere on this machine alone."""

    url: str
    expires_at: float
    only_here: bool = False


class InviteLinks:
    """Makes them. ``base_url`` is where browsers reach the HTTP server (``None``: there is none), ``clock`` gives the seconds since the
    epoch."""

    def __init__(self, database: Database, base_url: str | None, clock: Callable[[], float] = time.time) -> None:
        self._database = database
        self._base_url = base_url
        self._clock = clock

    async def create(self, invite: Invite, by: int = 0) -> InviteLink:
        """A new link, for ``by``. Its token is behind the ``#``: browsers keep that to themselves, so it is in no log of any server.

        :raises errors.ParleyError: there is no page, there are too many links, or the token could not be kept.
        """
        if self._base_url is None:
            raise ParleyError(
                "There is no call page: the HTTP server is off.", "Set HTTP_PORT to a port and start Parley again.", key="invite.off"
            )
        now = self._clock()
        token = await invites.create(self._database, invite, by, now)
        return InviteLink(f"{self._base_url.rstrip('/')}/call#{token}", now + VALID_S, _is_this_machine(self._base_url))

    async def new_link(self, chat_id: int | None) -> str:
        """The address alone of a new link to a call in the manners of a chat; raises as :meth:`create` does."""
        return (await self.create(Invite(chat_id=chat_id))).url


def base_url_of(settings: Settings) -> str | None:
    """Where browsers reach the HTTP server: API_BASE_URL, else this machine alone; ``None``: there is no server."""
    if not settings.http_port:
        return None
    return settings.api_base_url or f"http://127.0.0.1:{settings.http_port}"


def _is_this_machine(base_url: str) -> bool:
    host = urlsplit(base_url).hostname or ""
    return host in ("localhost", "::1") or host.startswith("127.")
