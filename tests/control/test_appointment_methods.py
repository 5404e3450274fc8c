"""Appointments by programs: ``schedule.*`` on the control socket, ``/api/schedule``, ``bot.py schedule``. A118-A120."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from config import load_settings
from control.http import appointments
from control.http.access import DOORKEEPER, Doorkeeper, Scope
from control.http.guard import middlewares
from control.http.server import places
from control.http.services import HttpServices
from control.rpc_errors import Code
from control.services import ControlServices
from storage import tokens
from tests.control.stage import CHAT, NOW, OWNER, Calls, Client, Standing, services, stage
from tests.control.test_rpc_command import printed_by_bot

MADE = {
    "id": 1, "chat_id": CHAT, "method": "group", "target": "", "when": "mon,wed,fri 09:00", "time_zone": "Europe/Madrid",
    "next_at": 1_700_035_200.0, "opening": "Good morning!", "purpose": "Ask how they slept.", "longest_s": 300.0, "state": None,
}  # fmt: skip
ASKED = {
    "when": "mon,wed,fri 09:00", "chat_id": CHAT, "time_zone": "Europe/Madrid", "opening": "Good morning!",
    "purpose": "Ask how they slept.",
}  # fmt: skip


async def asked(standing: Standing, method: str, /, **params: Any) -> Any:
    client = await Client.connect(standing.path)
    try:
        return await client.ask(method, **params)
    finally:
        client.close()


async def test_made_listed_and_cancelled(tmp_path: Path) -> None:
    async with stage(tmp_path) as standing:
        assert (await asked(standing, "schedule.add", **ASKED))["result"] == MADE
        assert (await asked(standing, "schedule.list"))["result"] == {"appointments": [MADE]}
        assert (await asked(standing, "schedule.list", chat_id=-5))["result"] == {"appointments": []}
        assert (await asked(standing, "schedule.cancel", id=1))["result"] == {"id": 1, "cancelled": True}
        again = (await asked(standing, "schedule.cancel", id=1))["error"]
        assert (again["code"], again["data"]) == (Code.FAILED, {"key": "appointment.unknown"})


async def test_what_names_no_chat_is_the_owners(tmp_path: Path) -> None:
    async with stage(tmp_path) as standing:
        made = (await asked(standing, "schedule.add", when="in 20 minutes", method="telegram", target="5", longest_s=60))["result"]
        assert (made["chat_id"], made["method"], made["target"], made["next_at"]) == (OWNER, "private", "5", NOW + 1200)


@pytest.mark.parametrize(
    ("params", "says"),
    [
        ({"when": "soon"}, "tomorrow 9:00"),
        ({"when": "2020-01-01 9:00"}, "has passed"),
        ({"when": "tomorrow 9:00 or so"}, "or so"),
        ({"when": "tomorrow 9:00", "method": "pigeon"}, "group, private, browser, phone"),
        ({"when": "tomorrow 9:00", "method": "private"}, "whom to phone"),
        ({"when": "tomorrow 9:00", "method": "phone", "target": "5"}, "+"),
        ({"when": "tomorrow 9:00", "time_zone": "Atlantis"}, "time zone"),
        ({"when": "tomorrow 9:00"}, "no voice chat"),
        ({"when": "tomorrow 9:00", "longest_s": 1}, "longest_s"),
    ],
)
async def test_what_cannot_be_made_is_explained(tmp_path: Path, params: dict[str, Any], says: str) -> None:
    async with stage(tmp_path) as standing:
        error = (await asked(standing, "schedule.add", **params))["error"]
        assert says in error["message"]
        assert (await asked(standing, "schedule.list"))["result"] == {"appointments": []}


async def test_on_the_terminal(tmp_path: Path) -> None:
    async with stage(tmp_path) as standing:
        arguments = ["--chat", str(CHAT), "--zone", "Europe/Madrid", "--opening", "Good morning!", "--minutes", "5"]
        made = await printed_by_bot(standing, "schedule", "add", "mon,wed,fri 09:00", *arguments)
        assert made.startswith("✅ 1 mon,wed,fri 09:00 (Europe/Madrid) · next 2023-11-15 08:00:00 · group -100")
        assert json.loads(await printed_by_bot(standing, "schedule", "list", "--json"))["appointments"][0]["longest_s"] == 300.0
        assert await printed_by_bot(standing, "schedule", "cancel", "1") == "✅ Appointment 1 is cancelled."
        assert await printed_by_bot(standing, "schedule", "list", str(CHAT)) == "There are no appointments."


@asynccontextmanager
async def door(folder: Path) -> AsyncIterator[tuple[TestClient[web.Request, web.Application], ControlServices]]:
    async with services(folder, Calls()) as control:
        made = web.Application(middlewares=middlewares(places(load_settings(None))))
        made[DOORKEEPER] = Doorkeeper(control.database, 100)
        made.add_routes(appointments.routes(cast(HttpServices, SimpleNamespace(control=control))))
        async with TestClient(TestServer(made)) as client:
            yield client, control


async def test_over_http(tmp_path: Path) -> None:
    async with door(tmp_path) as (client, _):
        answer = await client.post("/api/schedule", json=ASKED)
        assert (answer.status, await answer.json()) == (201, MADE)
        assert await (await client.get("/api/schedule")).json() == {"appointments": [MADE]}
        assert await (await client.get("/api/schedule", params={"chat_id": "-5"})).json() == {"appointments": []}
        assert (await client.get("/api/schedule", params={"chat_id": "club"})).status == 400
        assert (await client.delete("/api/schedule/1")).status == 200
        gone = await client.delete("/api/schedule/1")
        assert (gone.status, (await gone.json())["error"]["code"]) == (404, "appointment.unknown")


@pytest.mark.parametrize("body", [{"when": "soon", "chat_id": CHAT}, {"when": "tomorrow 9:00", "method": "pigeon"}, {}, []])
async def test_a_wrong_body_is_explained(tmp_path: Path, body: Any) -> None:
    async with door(tmp_path) as (client, _):
        answer = await client.post("/api/schedule", json=body)
        assert answer.status == 400


async def test_a_token_has_to_be_for_that(tmp_path: Path) -> None:
    async with door(tmp_path) as (client, control):
        reads, _ = await tokens.create(control.database, "reads", {Scope.CALLS_READ}, NOW)
        headers = {"Authorization": f"Bearer {reads}"}
        assert (await client.get("/api/schedule")).status == 401
        assert (await client.get("/api/schedule", headers=headers)).status == 200
        assert (await client.post("/api/schedule", json=ASKED, headers=headers)).status == 403
        assert (await client.delete("/api/schedule/1", headers=headers)).status == 403
