"""How Parley is: for load balancers, supervisors, Prometheus and people."""

from __future__ import annotations

import time
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from aiohttp import web
from prometheus_client.exposition import choose_encoder

from control.http.access import Scope, permitted, require
from control.http.directory import active_calls
from control.http.problems import Problem
from control.http.services import HttpServices
from control.methods import SERVICE
from version import VERSION


def routes(services: HttpServices) -> list[web.RouteDef]:
    """``/health``, ``/ready`` and ``/metrics``."""
    began_s = time.monotonic()

    async def health(request: web.Request) -> web.Response:
        told: dict[str, Any] = {"status": status_of(services)}
        if await permitted(request, Scope.CALLS_READ):
            told |= details(services, time.monotonic() - began_s)
        return web.json_response(told)

    async def ready(_request: web.Request) -> web.Response:
        if services.control.draining():
            raise Problem(HTTPStatus.SERVICE_UNAVAILABLE, "draining", "Parley is about to end.")
        if (refusal := services.guests.refusal()) is not None:
            raise Problem(HTTPStatus.SERVICE_UNAVAILABLE, refusal.key or "full", str(refusal))
        return web.json_response({"status": "ready"})

    async def metrics(request: web.Request) -> web.Response:
        await require(request, Scope.CALLS_READ)
        if services.registry is None:
            raise web.HTTPNotFound
        encode, content_type = choose_encoder(request.headers.get("Accept", ""))
        return web.Response(body=encode(services.registry), headers={"Content-Type": content_type})

    return [web.get("/health", health), web.get("/ready", ready), web.get("/metrics", metrics)]


def status_of(services: HttpServices) -> str:
    """``healthy``; ``draining``: it is about to end; ``degraded``: there is an account, and no connection to Telegram."""
    if services.control.draining():
        return "draining"
    return "healthy" if services.control.connected() else "degraded"


def details(services: HttpServices, uptime_s: float) -> dict[str, Any]:
    """What only those are told who may see the calls."""
    settings, engines = services.settings, services.engines
    thinking = {"openai": settings.openai_base_url, "anthropic": settings.anthropic_base_url}.get(settings.brain)
    return {
        "service": SERVICE,
        "version": VERSION,
        "active_calls": active_calls(services),
        "uptime_seconds": round(uptime_s),
        "stt_service": _address_or_name(settings.stt_url, engines.stt.name),
        "tts_service": engines.tts.name,
        "orchestrator_service": _address_or_name(thinking, engines.brain.name),
    }


def _address_or_name(url: str | None, name: str) -> str:
    """Where a service is, without the name and password that may stand in its address; of an engine of our own, its name."""
    if url is None:
        return name
    parts = urlsplit(url)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))
