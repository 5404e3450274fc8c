"""``POST /api/links``: a link to the call page that can be used once. It answers what ``link.create`` of the control socket does."""

from __future__ import annotations

from http import HTTPStatus

from aiohttp import web

from control.http.access import Scope, require
from control.http.bodies import body_of
from control.http.problems import of_rpc
from control.http.services import HttpServices
from control.link_methods import Create, new_link
from control.rpc_errors import RpcError


def routes(services: HttpServices) -> list[web.RouteDef]:
    """``/api/links``."""

    async def create(request: web.Request) -> web.Response:
        await require(request, Scope.CALLS_CONTROL)
        asked = await body_of(request, Create)
        try:
            link = await new_link(services.control, asked)
        except RpcError as refusal:
            raise of_rpc(refusal) from None
        return web.json_response(link.model_dump(), status=HTTPStatus.CREATED, headers={"Cache-Control": "no-store"})

    return [web.post("/api/links", create)]
