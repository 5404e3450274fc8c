"""Who may do what over HTTP: tokens with scopes, and this machine's own users as long as there has never been a token."""

from __future__ import annotations

import ipaddress
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from aiohttp import web

from control.http.limits import Limits
from control.http.problems import Problem
from control.http.scopes import Scope
from control.http.token_watch import Gone, TokenWatch
from storage import tokens
from storage.database import Database
from storage.errors import StorageError
from storage.tokens import Token

BAD_TOKENS_PER_MINUTE: Final = 20
PROTOCOL: Final = "parley"
"""The subprotocol of all WebSockets, where one is asked for."""
TOKEN_PROTOCOL: Final = "parley.token."
"""A page cannot send headers when it opens a WebSocket: it offers this and its token as a second subprotocol."""
FORWARDED: Final = ("Forwarded", "X-Forwarded-For", "X-Real-IP", "Via")
"""Whatever carries one of these comes through a proxy, from wherever."""


@dataclass(frozen=True, slots=True)
class Access:
    """Who asks; ``token_id`` is ``None`` for somebody at this machine who needs no token."""

    name: str
    token_id: str | None
    scopes: frozenset[Scope]

    def allows(self, scope: Scope) -> bool:
        """Whether they may do what the scope covers."""
        return scope in self.scopes or Scope.ADMIN in self.scopes


THIS_MACHINE: Final = Access("this machine", None, frozenset(Scope))


class Doorkeeper:
    """Knows the tokens. ``wall_clock`` gives seconds since the epoch, ``clock`` those of a monotonic clock."""

    def __init__(
        self,
        database: Database,
        per_minute: int,
        *,
        wall_clock: Callable[[], float] = time.time,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._database = database
        self._limits = Limits(per_minute)
        self._misses = Limits(BAD_TOKENS_PER_MINUTE)
        self._wall_clock = wall_clock
        self._clock = clock
        self._token_watch = TokenWatch(database, wall_clock)

    async def who(self, request: web.Request) -> Access:
        """Who asks.

        :raises Problem: no token and one is needed, or a token that is none.
        """
        told = shown_token(request)
        if told is None:
            return await self._without_token(request)
        return await self.of_token(request, told)

    async def of_token(self, request: web.Request, told: str) -> Access:
        """Who shows this token.

        :raises Problem: it is unknown, revoked or too old, or there were too many of these from that address.
        """
        address, now_s = address_of(request), self._clock()
        if wait_s := self._misses.wait_s(address, now_s):
            raise too_often(wait_s)
        now = self._wall_clock()
        token = await tokens.find(self._database, told)
        if token is None and await self._is_open_to(request):
            return THIS_MACHINE
        if token is None or not token.is_good(now):
            self._misses.spend(address, now_s)
            raise _not_good(token)
        await self._note_use(token, now)
        return Access(token.name, token.token_id, frozenset(Scope(scope) for scope in token.scopes & set(Scope)))

    async def still_good(self, access: Access) -> bool:
        """Whether who was let in would be let in now."""
        if access.token_id is None:
            return not await tokens.any_ever(self._database)
        token = await tokens.of_id(self._database, access.token_id)
        return token is not None and token.is_good(self._wall_clock())

    def watch(self, access: Access, gone: Gone) -> Callable[[], None]:
        """Have ``gone`` called with the reason, within a few seconds, when who was let in would be let in no more: for what lasts.

        Calling what is returned ends that.
        """
        return self._token_watch.add(access.token_id, gone)

    def count(self, access: Access) -> None:
        """Count a request.

        :raises Problem: too many in a short time.
        """
        if access.token_id is not None and (wait_s := self._limits.spend(access.token_id, self._clock())):
            raise too_often(wait_s)

    def count_address(self, request: web.Request) -> None:
        """Count a request of somebody who may not have shown yet who it is; those at this machine are not counted.

        :raises Problem: too many in a short time.
        """
        if not is_local(request) and (wait_s := self._limits.spend(address_of(request), self._clock())):
            raise too_often(wait_s)

    async def _without_token(self, request: web.Request) -> Access:
        if await self._is_open_to(request):
            return THIS_MACHINE
        raise Problem(
            HTTPStatus.UNAUTHORIZED,
            "token_missing",
            "This needs a token.",
            "Make one with: python bot.py token create NAME; then send it in the header Authorization: Bearer TOKEN.",
            headers={"WWW-Authenticate": "Bearer"},
        )

    async def _is_open_to(self, request: web.Request) -> bool:
        return is_local(request) and not await tokens.any_ever(self._database)

    async def _note_use(self, token: Token, now: float) -> None:
        try:
            await tokens.note_use(self._database, token, now)
        except StorageError:
            return  # the disk takes nothing just now; that keeps nobody out


__all__ = ["Access", "Doorkeeper", "Scope", "permitted", "require", "require_token"]

DOORKEEPER: Final = web.AppKey("doorkeeper", Doorkeeper)


async def require(request: web.Request, scope: Scope) -> Access:
    """Who asks, if they may. A WebSocket whose token comes in its first message asks :func:`require_token` instead.

    :raises control.http.problems.Problem: they may not; answered with 401 or 403 and the reason.
    """
    keeper = request.app[DOORKEEPER]
    return _admitted(keeper, await keeper.who(request), scope)


async def require_token(request: web.Request, scope: Scope, told: str) -> Access:
    """Like :func:`require`, with a token that was sent otherwise."""
    keeper = request.app[DOORKEEPER]
    return _admitted(keeper, await keeper.of_token(request, told), scope)


async def permitted(request: web.Request, scope: Scope) -> bool:
    """Whether who asks shows that they may; for what is told to everybody, and more of it to some."""
    try:
        await require(request, scope)
    except Problem:
        return False
    return True


def _admitted(keeper: Doorkeeper, access: Access, scope: Scope) -> Access:
    keeper.count(access)
    if not access.allows(scope):
        raise Problem(
            HTTPStatus.FORBIDDEN,
            "scope_missing",
            f"The token {access.name!r} is not for this: it lacks the scope {scope.value}.",
            f"Make another one with: python bot.py token create NAME --scope {scope.value}",
        )
    return access


def shown_token(request: web.Request) -> str | None:
    """The token of a request: in the header ``Authorization``, or among the subprotocols of a WebSocket.

    :raises Problem: the header holds something else.
    """
    header = request.headers.get("Authorization")
    if header is not None:
        kind, _, told = header.partition(" ")
        if kind.lower() != "bearer":
            raise Problem(
                HTTPStatus.UNAUTHORIZED,
                "token_malformed",
                "The header Authorization is not understood.",
                "Send: Authorization: Bearer TOKEN.",
                headers={"WWW-Authenticate": "Bearer"},
            )
        return told.strip()
    return next((each.removeprefix(TOKEN_PROTOCOL) for each in _protocols(request) if each.startswith(TOKEN_PROTOCOL)), None)


def _protocols(request: web.Request) -> Iterable[str]:
    return (each.strip() for each in request.headers.get("Sec-WebSocket-Protocol", "").split(","))


def address_of(request: web.Request) -> str:
    """Where a request comes from; of one that a proxy on this machine passes on, what that proxy says."""
    peer = request.remote or ""
    forwarded = request.headers.get("X-Forwarded-For")
    return forwarded.rpartition(",")[2].strip() if forwarded and _is_loopback(peer) else peer


def is_local(request: web.Request) -> bool:
    """Whether it comes from this machine, and not through a proxy."""
    return _is_loopback(request.remote or "") and not any(name in request.headers for name in FORWARDED)


def too_often(wait_s: int) -> Problem:
    """The answer to whoever asks too often."""
    return Problem(
        HTTPStatus.TOO_MANY_REQUESTS,
        "too_many_requests",
        "These are too many requests in a short time.",
        f"Ask again in {wait_s} s.",
        headers={"Retry-After": str(wait_s)},
    )


def _not_good(token: Token | None) -> Problem:
    what = "This token is unknown." if token is None else "This token was revoked." if token.revoked_at else "This token is too old."
    return Problem(
        HTTPStatus.UNAUTHORIZED,
        "token_refused",
        what,
        "Make a new one with: python bot.py token create NAME",
        headers={"WWW-Authenticate": 'Bearer error="invalid_token"'},
    )


def _is_loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False
