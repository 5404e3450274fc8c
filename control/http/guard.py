"""What stands before all doors: request ids, problems as JSON, the names and origins that may ask, how often, and safe headers."""

from __future__ import annotations

import logging
import re
import secrets
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Final

import structlog
from aiohttp import web
from aiohttp.typedefs import Middleware

from control.http.access import DOORKEEPER
from control.http.origins import Places
from control.http.problems import REQUEST_ID, Problem, answer, of_aiohttp, of_error, of_rpc
from control.rpc_errors import RpcError
from errors import ParleyError

log = logging.getLogger(__name__)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

_REQUEST_ID: Final = re.compile(r"[A-Za-z0-9._-]{1,64}")
SECRETS: Final = frozenset({"token", "access_token", "auth", "authorization", "api_key", "apikey", "key", "password"})
"""What nobody may send in an address: those stand in histories, in the logs of proxies, and in Referer headers."""
READING: Final = frozenset({"GET", "HEAD"})
HEADERS: Final = {
    "Content-Security-Policy": "default-src 'self'; media-src 'self' blob:; img-src 'self' data:; object-src 'none'; base-uri 'none';"
    " form-action 'self'; frame-ancestors 'none'",
    "Permissions-Policy": "microphone=(self), camera=(), geolocation=()",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
_BEGUN: Final = web.RequestKey("begun", bool)


def middlewares(places: Places) -> list[Middleware]:
    """In the order in which a request passes them."""
    return [_named, _told_in_plain_words, _guarded(places)]


@web.middleware
async def _named(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Every request has an id, which stands in every line that is logged meanwhile; a proxy may have given it one."""
    wished = request.headers.get("X-Request-ID", "")
    request[REQUEST_ID] = wished if _REQUEST_ID.fullmatch(wished) else secrets.token_hex(8)
    with structlog.contextvars.bound_contextvars(request_id=request[REQUEST_ID]):
        response = await handler(request)
        log.debug("%s %s: %d", request.method, request.path, response.status)
        return response


@web.middleware
async def _told_in_plain_words(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except Problem as problem:
        return _refused(request, problem)
    except RpcError as refusal:
        return _refused(request, of_rpc(refusal))
    except ParleyError as error:
        return _refused(request, of_error(error))
    except web.HTTPException as error:
        if error.status < HTTPStatus.BAD_REQUEST:
            raise
        return _refused(request, of_aiohttp(error))
    except Exception:
        log.exception("%s %s failed inside", request.method, request.path)
        return _refused(request, _inside(request))


def _refused(request: web.Request, problem: Problem) -> web.Response:
    if request.get(_BEGUN):
        raise ConnectionResetError("the answer had begun already")
    log.info("%s %s was refused: %d, %s", request.method, request.path, problem.status, problem.code)
    return answer(request, problem)


def _inside(request: web.Request) -> Problem:
    return Problem(
        HTTPStatus.INTERNAL_SERVER_ERROR, "internal", "Parley failed inside.", f"Its log says how, at request_id={request[REQUEST_ID]}."
    )


def _guarded(places: Places) -> Middleware:
    @web.middleware
    async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
        _check_host(request, places)
        _check_origin(request, places)
        _check_address(request)
        request.app[DOORKEEPER].count_address(request)
        return await handler(request)

    return guard


def _check_host(request: web.Request, places: Places) -> None:
    if not places.is_ours(request.host):
        raise Problem(
            HTTPStatus.MISDIRECTED_REQUEST,
            "unknown_host",
            "This server does not go by that name.",
            "If it should: add the name to HTTP_HOSTS, or set API_BASE_URL.",
        )


def _check_origin(request: web.Request, places: Places) -> None:
    """A page of somebody else, open in a browser on this machine, must not speak for the person who sits there."""
    origin = request.headers.get("Origin")
    if origin is not None:
        foreign = not places.may_ask(origin, request.host)
    else:
        followed_link = request.method in READING and request.headers.get("Sec-Fetch-Mode") == "navigate"
        foreign = request.headers.get("Sec-Fetch-Site") in ("cross-site", "same-site") and not followed_link
    if foreign:
        raise Problem(
            HTTPStatus.FORBIDDEN,
            "foreign_origin",
            "A page from another address may not use this server.",
            "If it should: add its origin, such as https://example.com, to HTTP_ORIGINS.",
        )


def _check_address(request: web.Request) -> None:
    if any(name.lower() in SECRETS for name in request.query):
        raise Problem(
            HTTPStatus.BAD_REQUEST,
            "secret_in_address",
            "A secret must not stand in an address: addresses are kept in logs and histories.",
            "Send it in the header Authorization: Bearer TOKEN, and make a new token, for this one has been shown.",
        )


async def add_headers(request: web.Request, response: web.StreamResponse) -> None:
    """Safe headers for every answer; a handler that knows better has set its own."""
    request[_BEGUN] = True
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    response.headers.setdefault("Cache-Control", "no-store")
    response.headers["Server"] = "Parley"
    if REQUEST_ID in request:
        response.headers["X-Request-ID"] = request[REQUEST_ID]
    if request.headers.get("X-Forwarded-Proto") == "https":
        response.headers.setdefault("Strict-Transport-Security", "max-age=31536000")
