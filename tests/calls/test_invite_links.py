"""The addresses of links to the call page."""

from __future__ import annotations

from pathlib import Path

import pytest

from calls.invite_links import InviteLinks, base_url_of
from config import load_settings
from errors import ParleyError, SettingsError
from redaction import redacted
from storage import invites
from storage.database import Database
from storage.invites import Invite

NOW = 1_700_000_000.0


@pytest.mark.parametrize(
    ("settings", "base_url"),
    [
        ({"http_port": 8005}, "http://127.0.0.1:8005"),
        ({"http_port": 9000}, "http://127.0.0.1:9000"),
        ({"http_port": 0, "api_base_url": "https://parley.example.org"}, None),
        ({"http_port": 1, "api_base_url": "https://parley.example.org/voice/"}, "https://parley.example.org/voice/"),
    ],
)
def test_where_browsers_reach_parley(settings: dict[str, object], base_url: str | None) -> None:
    assert base_url_of(load_settings(None, **settings)) == base_url


@pytest.mark.parametrize("wrong", ["parley.example.org", "https://", "ftp://x", "https://x/?a=1", "https://x/#a", "https://ann:pass@x"])
def test_an_address_that_is_none_is_refused(wrong: str) -> None:
    with pytest.raises(SettingsError, match=r"API_BASE_URL is .*https://parley\.example\.org"):
        load_settings(None, api_base_url=wrong)


@pytest.mark.parametrize(
    ("base_url", "page", "only_here"),
    [
        ("http://127.0.0.1:8005", "http://127.0.0.1:8005/call", True),
        ("http://localhost:8005/", "http://localhost:8005/call", True),
        ("https://parley.example.org/voice/", "https://parley.example.org/voice/call", False),
    ],
)
async def test_the_token_is_where_browsers_keep_it_to_themselves(tmp_path: Path, base_url: str, page: str, only_here: bool) -> None:
    database = await Database.open(tmp_path / "parley.db")
    try:
        link = await InviteLinks(database, base_url, lambda: NOW).create(Invite(chat_id=-5, longest_s=60.0), 42)
        address, token = link.url.split("#")
        assert (address, link.expires_at, link.only_here) == (page, NOW + 600, only_here)
        assert await invites.redeem(database, token, NOW) == Invite(chat_id=-5, longest_s=60.0)
        assert redacted(f"see {link.url} now") == f"see {page}#(hidden) now"

        token = (await InviteLinks(database, base_url, lambda: NOW).new_link(-6)).split("#")[1]
        assert await invites.redeem(database, token, NOW) == Invite(chat_id=-6)
    finally:
        await database.close()


async def test_without_an_http_server_there_are_none(tmp_path: Path) -> None:
    database = await Database.open(tmp_path / "parley.db")
    try:
        with pytest.raises(ParleyError, match="HTTP_PORT") as refused:
            await InviteLinks(database, None).new_link(-5)
        assert refused.value.key == "invite.off"
    finally:
        await database.close()
