"""The method about links to the call page."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from pydantic import Field

from control.jsonrpc import Caller, Method, Params, Result
from control.methods import ChatId
from control.rpc_errors import Code, RpcError
from control.services import ControlServices
from storage.invites import Invite

LONGEST_MINUTES: Final = 1440


class Create(Params):
    """To what a link leads."""

    chat_id: ChatId | None = Field(
        None, description="The chat whose persona, language and voice are used; those of the settings if left out."
    )
    language: str | None = Field(None, pattern=r"^[a-z]{2}$", description="A language to be used instead of the chat's, such as ca.")
    max_minutes: int | None = Field(None, ge=1, le=LONGEST_MINUTES, description="How long the call may last; as long as any if left out.")


class Link(Result):
    """A link that can be used once, until ``expires_at`` (seconds since the epoch)."""

    url: str
    expires_at: float


class LinkMethods:
    """``link.create``."""

    def __init__(self, services: ControlServices) -> None:
        self._services = services

    def methods(self) -> Iterator[Method]:
        """Its declaration."""
        yield Method(
            name="link.create",
            params=Create,
            result=Link,
            answer=self.create,
            summary="Make a link to the call page: whoever opens it first, within 10 minutes, talks with Parley in a browser.",
            errors=(Code.FAILED, Code.BUSY),
        )

    async def create(self, params: Create, _caller: Caller) -> Link:
        """Make one."""
        return await new_link(self._services, params)


async def new_link(services: ControlServices, asked: Create) -> Link:
    """A new link, as a program asks for it.

    :raises errors.ParleyError: there can be none; see :meth:`calls.invite_links.InviteLinks.create`.
    """
    if services.links is None:
        raise RpcError(Code.FAILED, "There is no call page: this Parley has no HTTP server.")
    longest_s = None if asked.max_minutes is None else asked.max_minutes * 60.0
    invite = Invite(chat_id=asked.chat_id, language=asked.language, longest_s=longest_s)
    link = await services.links.create(invite, services.account_id)
    return Link(url=link.url, expires_at=link.expires_at)
