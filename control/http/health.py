"""How Parley is: for load balancers, supervisors and people."""

from __future__ import annotations

from aiohttp import web

from control.http.services import HttpServices


def routes(services: HttpServices) -> list[web.RouteDef]:
    """``/health``."""

    async def health(_request: web.Request) -> web.Response:
        return web.json_response({"status": "healthy"})

    return [web.get("/health", health)]
