"""``link.create`` on the control socket, and ``bot.py link``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from control.rpc_errors import Code
from storage import invites
from storage.invites import Invite
from tests.control.stage import ACCOUNT, CHAT, NOW, PAGES, Client, Standing, stage
from tests.control.test_rpc_command import printed_by_bot

BY_DEFAULT: dict[str, Any] = {}


async def asked(standing: Standing, **params: Any) -> Any:
    client = await Client.connect(standing.path)
    try:
        return await client.ask("link.create", **params)
    finally:
        client.close()


async def good_for(standing: Standing, url: str) -> Invite:
    page, token = url.split("#")
    assert page == f"{PAGES}/call"
    return await invites.redeem(standing.database, token, NOW)


@pytest.mark.parametrize(
    ("params", "invite"),
    [
        (BY_DEFAULT, Invite()),
        ({"chat_id": CHAT, "language": "ca", "max_minutes": 15}, Invite(chat_id=CHAT, language="ca", longest_s=900.0)),
    ],
)
async def test_a_link_is_made_for_what_is_asked(tmp_path: Path, params: dict[str, Any], invite: Invite) -> None:
    async with stage(tmp_path) as standing:
        result = (await asked(standing, **params))["result"]
        assert result["expires_at"] == NOW + 600
        assert [tuple(row) for row in await standing.database.rows("SELECT created_by FROM invites")] == [(ACCOUNT,)]
        assert await good_for(standing, result["url"]) == invite


@pytest.mark.parametrize("params", [{"language": "english"}, {"max_minutes": 0}, {"max_minutes": 1441}, {"chat_id": "book club"}, {"x": 1}])
async def test_wrong_parameters_are_named(tmp_path: Path, params: dict[str, Any]) -> None:
    async with stage(tmp_path) as standing:
        error = (await asked(standing, **params))["error"]
    assert error["code"] == Code.INVALID_PARAMS
    assert next(iter(params)) in error["message"]


async def test_where_there_is_no_page_that_is_said(tmp_path: Path) -> None:
    async with stage(tmp_path, pages=None) as standing:
        error = (await asked(standing))["error"]
    assert (error["code"], error["data"]) == (Code.FAILED, {"key": "invite.off"})
    assert "Set HTTP_PORT" in error["message"]


async def test_on_the_terminal(tmp_path: Path) -> None:
    async with stage(tmp_path) as standing:
        url, when = (await printed_by_bot(standing, "link", str(CHAT), "--minutes", "15", "--language", "ca")).splitlines()
        assert when == "Can be used once, until 2023-11-14 22:23:20."
        assert await good_for(standing, url) == Invite(chat_id=CHAT, language="ca", longest_s=900.0)
        told = json.loads(await printed_by_bot(standing, "link", "--json"))
        assert await good_for(standing, told["url"]) == Invite()
