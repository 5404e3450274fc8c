"""The web pages and what they are made of: files of the folder ``web``, as they are."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from aiohttp import web

from control.http.services import HttpServices

FOLDER: Final = Path(__file__).resolve().parents[2] / "web"
KINDS: Final = frozenset({".css", ".js", ".json", ".svg", ".png"})
_AS_OF_NOW: Final = {"Cache-Control": "no-cache"}
"""Browsers ask each time whether the file has changed, so that a new Parley is never shown with old scripts."""


def page(name: str) -> web.FileResponse:
    """A page of the folder, such as ``calls.html``."""
    return web.FileResponse(FOLDER / name, headers=_AS_OF_NOW)


def routes(_services: HttpServices) -> list[web.RouteDef]:
    """``/`` and ``/web/…``."""

    async def calls(_request: web.Request) -> web.StreamResponse:
        return page("calls.html")

    async def part(request: web.Request) -> web.StreamResponse:
        path = FOLDER / request.match_info["name"]
        if path.suffix not in KINDS or not path.is_file():
            raise web.HTTPNotFound
        return page(path.name)

    async def icon(_request: web.Request) -> web.StreamResponse:
        return page("icon.svg")

    return [web.get("/", calls), web.get(r"/web/{name:[a-z0-9_-]+\.[a-z0-9]+}", part), web.get("/favicon.ico", icon)]
