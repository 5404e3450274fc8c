"""``POST /api/links``."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from config import load_settings
from control.http import links
from control.http.access import DOORKEEPER, Doorkeeper, Scope
from control.http.guard import middlewares
from control.http.server import places
from control.http.services import HttpServices
from control.services import ControlServices
from storage import invites, tokens
from storage.invites import Invite
from tests.control.stage import CHAT, NOW, PAGES, Calls, services

Client = TestClient[web.Request, web.Application]


@asynccontextmanager
async def door(folder: Path, pages: str | None = PAGES) -> AsyncIterator[tuple[Client, ControlServices]]:
    async with services(folder, Calls(), pages=pages) as control:
        made = web.Application(middlewares=middlewares(places(load_settings(None))))
        made[DOORKEEPER] = Doorkeeper(control.database, 100)
        made.add_routes(links.routes(cast(HttpServices, SimpleNamespace(control=control))))
        async with TestClient(TestServer(made)) as client:
            yield client, control


async def test_a_link_for_what_is_asked(tmp_path: Path) -> None:
    async with door(tmp_path) as (client, control):
        answer = await client.post("/api/links", json={"chat_id": CHAT, "language": "ca", "max_minutes": 15})
        assert (answer.status, answer.headers["Cache-Control"]) == (201, "no-store")
        told = await answer.json()
        assert told["expires_at"] == NOW + 600
        page, token = told["url"].split("#")
        assert page == f"{PAGES}/call"
        assert await invites.redeem(control.database, token, NOW) == Invite(chat_id=CHAT, language="ca", longest_s=900.0)


@pytest.mark.parametrize("body", [{"language": "english"}, {"max_minutes": 0}, {"chat_id": "book club"}, {"chat": 5}, []])
async def test_a_wrong_body_is_explained(tmp_path: Path, body: Any) -> None:
    async with door(tmp_path) as (client, _):
        answer = await client.post("/api/links", json=body)
        assert answer.status == 400
        assert (await answer.json())["error"]["code"] == "bad_body"


async def test_a_token_has_to_be_for_that(tmp_path: Path) -> None:
    async with door(tmp_path) as (client, control):
        reads, _ = await tokens.create(control.database, "reads", {Scope.CALLS_READ}, NOW)
        controls, _ = await tokens.create(control.database, "controls", {Scope.CALLS_CONTROL}, NOW)
        assert (await client.post("/api/links", json={})).status == 401
        assert (await client.post("/api/links", json={}, headers={"Authorization": f"Bearer {reads}"})).status == 403
        assert (await client.post("/api/links", json={}, headers={"Authorization": f"Bearer {controls}"})).status == 201


async def test_a_page_of_somebody_else_cannot_make_one(tmp_path: Path) -> None:
    async with door(tmp_path) as (client, _):
        answer = await client.post("/api/links", json={}, headers={"Origin": "https://evil.example.org"})
        assert answer.status == 403


async def test_where_there_is_no_page_that_is_said(tmp_path: Path) -> None:
    async with door(tmp_path, pages=None) as (client, _):
        answer = await client.post("/api/links", json={})
        assert answer.status == 409
        error = (await answer.json())["error"]
        assert error["code"] == "invite.off"
        assert "HTTP_PORT" in error["message"]
