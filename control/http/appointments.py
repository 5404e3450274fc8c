"""``/api/schedule``: appointments over HTTP; what is sent and answered is that of ``schedule.add`` and the others of the control socket."""

from __future__ import annotations

from http import HTTPStatus

from aiohttp import web

from control.appointment_methods import Add, UnknownAppointment, add, cancel, listed
from control.http.access import Scope, require
from control.http.bodies import body_of
from control.http.problems import Problem, of_rpc
from control.http.services import HttpServices
from control.rpc_errors import RpcError


def routes(services: HttpServices) -> list[web.RouteDef]:
    """``GET`` and ``POST /api/schedule``, ``DELETE /api/schedule/{id}``."""

    async def show(request: web.Request) -> web.Response:
        await require(request, Scope.CALLS_READ)
        try:
            found = listed(services.control, _chat_of(request))
        except RpcError as refusal:
            raise of_rpc(refusal) from None
        return web.json_response(found.model_dump(), headers={"Cache-Control": "no-store"})

    async def make(request: web.Request) -> web.Response:
        await require(request, Scope.CALLS_CONTROL)
        asked = await body_of(request, Add)
        try:
            made = await add(services.control, asked)
        except RpcError as refusal:
            raise of_rpc(refusal) from None
        return web.json_response(made.model_dump(), status=HTTPStatus.CREATED)

    async def remove(request: web.Request) -> web.Response:
        await require(request, Scope.CALLS_CONTROL)
        try:
            cancelled = await cancel(services.control, int(request.match_info["id"]))
        except RpcError as refusal:
            raise of_rpc(refusal) from None
        except UnknownAppointment as unknown:
            raise Problem(HTTPStatus.NOT_FOUND, unknown.key, unknown.what, "GET /api/schedule lists those there are.") from None
        return web.json_response(cancelled.model_dump())

    return [
        web.get("/api/schedule", show),
        web.post("/api/schedule", make),
        web.delete(r"/api/schedule/{id:[1-9]\d{0,17}}", remove),
    ]


def _chat_of(request: web.Request) -> int | None:
    given = request.query.get("chat_id")
    if given is None:
        return None
    digits = given.removeprefix("-")
    if not (digits.isascii() and digits.isdecimal() and len(digits) < 19):
        raise Problem(HTTPStatus.BAD_REQUEST, "bad_chat", "chat_id is not a number.", "Such as ?chat_id=-1001234567890.")
    return int(given)
