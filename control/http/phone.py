"""Telephone calls over HTTP: have a number called, see what becomes of it, hang up."""

from __future__ import annotations

from http import HTTPStatus

from aiohttp import web

from calls import errors
from calls.telephony import failures
from calls.telephony.phone_calls import PhoneCalls
from control.http.access import Scope, require
from control.http.bodies import body_of
from control.http.problems import Problem
from control.http.services import HttpServices
from control.phone_methods import Dial, dial, shown


def routes(services: HttpServices) -> list[web.RouteDef]:
    """All of them."""
    door = PhoneRoutes(services)
    return [
        web.get("/api/phone", door.calls),
        web.post("/api/phone", door.call),
        web.get("/api/phone/{call_id}", door.one),
        web.delete("/api/phone/{call_id}", door.hang_up),
    ]


class PhoneRoutes:
    """Answers the requests."""

    def __init__(self, services: HttpServices) -> None:
        self._services = services

    async def calls(self, request: web.Request) -> web.Response:
        """Whether telephone calls are on, and those there are."""
        await require(request, Scope.CALLS_READ)
        phone = self._phone()
        return web.json_response({"enabled": phone.enabled, "calls": [shown(call).model_dump() for call in phone.calls]})

    async def call(self, request: web.Request) -> web.Response:
        """Call a number; answered as soon as the carrier has been asked, unless ``wait`` is true."""
        await require(request, Scope.CALLS_CONTROL)
        asked = await body_of(request, DialOverHttp)
        call = await dial(self._phone(), asked)
        return web.json_response(shown(call).model_dump(), status=HTTPStatus.CREATED)

    async def one(self, request: web.Request) -> web.Response:
        """A call that has not ended, or has lately."""
        await require(request, Scope.CALLS_READ)
        call = self._phone().find(request.match_info["call_id"])
        if call is None:
            raise errors.of(failures.NO_CALL)
        return web.json_response(shown(call).model_dump())

    async def hang_up(self, request: web.Request) -> web.Response:
        """End a call, or stop calling."""
        await require(request, Scope.CALLS_CONTROL)
        call = await self._phone().hang_up(request.match_info["call_id"])
        return web.json_response(shown(call).model_dump())

    def _phone(self) -> PhoneCalls:
        phone = self._services.control.phone_calls
        if phone is None:
            raise Problem(HTTPStatus.NOT_FOUND, "telephone_off", "Telephone calls are not available in this Parley.")
        return phone


class DialOverHttp(Dial):
    """As the control socket takes it, but that it does not wait."""

    wait: bool = False
