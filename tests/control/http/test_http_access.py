"""Who may do what over HTTP (D.5, K25): from this machine, with tokens, from other origins, under other names, too often, too much."""

from __future__ import annotations

import logging
import socket
from pathlib import Path
from typing import Any

import pytest
from aiohttp.test_utils import make_mocked_request

from config import Settings, load_settings
from control.http.access import shown_token
from control.http.limits import MOST_KNOWN, Limits
from control.http.origins import Places
from control.http.scopes import Scope
from control.http.server import HttpError, address, places, served_http
from errors import SettingsError
from redaction import redacted
from storage import tokens
from tests.control.http.http_stage import NOW, http_stage
from tests.control.stage import CHAT
from tests.free_ports import free_port

PROXIED = {"X-Forwarded-For": "203.0.113.9"}


def code_of(answer: tuple[int, Any]) -> tuple[int, str]:
    return answer[0], answer[1]["error"]["code"]


async def test_at_this_machine_no_token_is_needed_until_there_has_been_one(tmp_path: Path) -> None:
    async with http_stage(tmp_path) as stage:
        assert (await stage.ask("/calls"))[0] == 200
        assert (await stage.ask("/calls", token="any-text"))[0] == 200
        assert code_of(await stage.ask("/calls", token="any-text", headers=PROXIED)) == (401, "token_refused")
        told = await stage.token(Scope.CALLS_READ)
        status, refused = await stage.ask("/calls")
        assert status == 401
        assert "This needs a token. Make one with: python bot.py token create NAME" in refused["error"]["message"]
        assert (await stage.ask("/calls", token=told))[0] == 200
        await tokens.revoke(stage.database, "dashboard", NOW + 1)
        assert code_of(await stage.ask("/calls")) == (401, "token_missing")


async def test_whoever_comes_through_a_proxy_is_not_at_this_machine(tmp_path: Path) -> None:
    async with http_stage(tmp_path) as stage:
        for name in ("X-Forwarded-For", "Forwarded", "X-Real-IP", "Via"):
            assert code_of(await stage.ask("/calls", headers={name: "127.0.0.1"})) == (401, "token_missing")
        assert (await stage.ask("/calls", headers=PROXIED, token=await stage.token()))[0] == 200


async def test_a_token_of_the_wrong_scope_is_told_which_it_lacks(tmp_path: Path) -> None:
    async with http_stage(tmp_path) as stage:
        reader = await stage.token(Scope.CALLS_READ)
        status, refused = await stage.ask(f"/api/calls/{CHAT}/say", {"text": "Hello"}, token=reader)
        assert status == 403
        assert refused["error"]["message"] == (
            "The token 'dashboard' is not for this: it lacks the scope calls:control."
            " Make another one with: python bot.py token create NAME --scope calls:control"
        )
        talker = await stage.token(Scope.VOICE, name="talker")
        assert code_of(await stage.ask("/calls", token=talker)) == (403, "scope_missing")
        assert (await stage.ask("/calls", token=await stage.token(Scope.ADMIN, name="admin")))[0] == 200


async def test_unknown_revoked_and_old_tokens_are_refused(tmp_path: Path) -> None:
    async with http_stage(tmp_path) as stage:
        revoked = await stage.token(name="revoked")
        old = await stage.token(name="old", expires_at=NOW + 60)
        await tokens.revoke(stage.database, "revoked", NOW)
        for told, why in (("parley_" + "x" * 43, "unknown"), ("hunter", "unknown"), (revoked, "revoked"), (old, "too old")):
            status, refused = await stage.ask("/calls", token=told)
            assert (status, refused["error"]["code"]) == (401, "token_refused")
            assert why in refused["error"]["message"]
        assert code_of(await stage.ask("/calls", headers={"Authorization": "Basic YTpi"})) == (401, "token_malformed")


async def test_guessing_tokens_is_stopped(tmp_path: Path) -> None:
    async with http_stage(tmp_path) as stage:
        good = await stage.token()
        for _ in range(20):
            await stage.ask("/calls", token="parley_" + "y" * 43)
        assert code_of(await stage.ask("/calls", token=good)) == (429, "too_many_requests")
        assert (await stage.ask("/calls", token=good, headers=PROXIED))[0] == 200


async def test_a_token_in_the_address_is_refused_and_not_logged(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    async with http_stage(tmp_path) as stage:
        told = await stage.token()
        for name in ("token", "access_token", "API_KEY"):
            assert code_of(await stage.ask(f"/calls?{name}={told}")) == (400, "secret_in_address")
        await stage.ask("/calls", token=told)
        await stage.ask(f"/nowhere/{told}", token=told)
    messages = [record.getMessage() for record in caplog.records if record.name.startswith("control.")]
    logged = "\n".join(redacted(message) if "/nowhere" in message else message for message in messages)
    assert "/calls" in logged
    assert told not in logged


async def test_too_many_requests_with_one_token(tmp_path: Path) -> None:
    async with http_stage(tmp_path, http_requests_per_minute=3) as stage:
        told = await stage.token()
        assert [(await stage.ask("/calls", token=told))[0] for _ in range(3)] == [200, 200, 200]
        async with stage.client.get("/calls", headers={"Authorization": f"Bearer {told}"}) as answer:
            assert answer.status == 429
            assert int(answer.headers["Retry-After"]) >= 1
        assert [(await stage.ask("/health", headers=PROXIED))[0] for _ in range(4)] == [200, 200, 200, 429]


async def test_pages_of_another_origin_are_refused(tmp_path: Path) -> None:
    """CSWSH and cross-site requests: a browser names the page's origin, or says that the request crosses sites."""
    async with http_stage(tmp_path, http_origins="https://friend.example") as stage:
        own = f"http://{stage.client.host}:{stage.client.port}"
        foreign: list[dict[str, str]] = [
            {"Origin": "https://evil.example"},
            {"Origin": "null"},
            {"Origin": f"{own}.evil.example"},
            {"Origin": "http://127.0.0.1:1"},
            {"Sec-Fetch-Site": "cross-site"},
            {"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "cors"},
        ]
        for headers in foreign:
            assert code_of(await stage.ask("/calls", headers=headers)) == (403, "foreign_origin")
            assert code_of(await stage.ask(f"/api/calls/{CHAT}/hangup", {}, headers=headers)) == (403, "foreign_origin")
        assert code_of(
            await stage.ask(f"/api/calls/{CHAT}/hangup", {}, headers={"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"})
        ) == (403, "foreign_origin")
        welcome: list[dict[str, str]] = [
            {"Origin": own},
            {"Origin": f"http://localhost:{stage.client.port}"},
            {"Origin": "https://friend.example"},
            {"Sec-Fetch-Site": "same-origin"},
            {"Sec-Fetch-Site": "none", "Sec-Fetch-Mode": "navigate"},
            {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"},
        ]
        for headers in welcome:
            assert (await stage.ask("/calls", headers=headers))[0] == 200


async def test_a_websocket_of_another_origin_is_refused(tmp_path: Path) -> None:
    headers = {
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "x3JJHMbDL1EzLkh9GBhXDw==",
    }
    async with http_stage(tmp_path) as stage:
        assert code_of(await stage.ask("/calls", headers=headers | {"Origin": "https://evil.example"})) == (403, "foreign_origin")


async def test_names_that_lead_here_by_somebody_elses_doing_are_refused(tmp_path: Path) -> None:
    """DNS rebinding: the browser takes a page of evil.example for one of this server's."""
    async with http_stage(tmp_path, http_hosts="parley.local", api_base_url="https://parley.example.org/x") as stage:
        for host in ("evil.example", "evil.example:8005", "localhost.evil.example", "127.0.0.1.evil.example"):
            headers = {"Host": host, "Origin": f"http://{host}"}
            assert code_of(await stage.ask("/calls", headers=headers)) == (421, "unknown_host")
        for host in ("localhost:8005", "127.0.0.1", "[::1]:8005", "192.0.2.7", "Parley.local", "parley.example.org", "localhost."):
            assert (await stage.ask("/calls", headers={"Host": host}))[0] == 200
        assert (await stage.ask("/calls", headers={"Origin": "https://parley.example.org"}))[0] == 200


async def test_too_much_is_not_read(tmp_path: Path) -> None:
    async with http_stage(tmp_path) as stage:
        assert code_of(await stage.ask(f"/api/calls/{CHAT}/say", {"text": "x" * 2_000_000})) == (413, "request_entity_too_large")
        assert code_of(await stage.ask(f"/api/calls/{CHAT}/say", {"text": "x" * 5_000})) == (400, "bad_body")
        form = {"Content-Type": "multipart/form-data; boundary=b", "Content-Length": str(1 << 30)}
        async with stage.client.post("/v1/audio/transcriptions", headers=form, skip_auto_headers=("Content-Length",)) as answer:
            assert answer.status == 413


@pytest.mark.parametrize(
    ("body", "kind", "code"),
    [
        ("text=Hello", "application/x-www-form-urlencoded", "not_json"),
        ("{", "application/json", "bad_json"),
        ("[" * 50_000, "application/json", "bad_json"),
        ("[]", "application/json", "bad_body"),
        ('{"text": "Hello", "loud": true}', "application/json", "bad_body"),
        ('{"text": " "}', "application/json", "bad_body"),
    ],
)
async def test_a_body_that_is_not_as_it_should_be_is_told(tmp_path: Path, body: str, kind: str, code: str) -> None:
    """Forms, which pages of another origin can send, are not taken for JSON."""
    async with (
        http_stage(tmp_path) as stage,
        stage.client.post(f"/api/calls/{CHAT}/say", data=body, headers={"Content-Type": kind}) as answer,
    ):
        assert answer.status in (400, 415)
        assert (await answer.json())["error"]["code"] == code


async def test_problems_are_json_with_an_id_that_the_log_knows(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async with http_stage(tmp_path) as stage:
        async with stage.client.get("/nowhere", headers={"X-Request-ID": "abc-1"}) as answer:
            assert answer.status == 404
            assert answer.headers["X-Request-ID"] == "abc-1"
            told = await answer.json()
        assert told["request_id"] == "abc-1"
        assert told["error"]["message"] == "Not Found. docs/http.md lists all that there is."
        async with stage.client.get("/calls", headers={"X-Request-ID": "a b\t;"}) as answer:
            assert len(answer.headers["X-Request-ID"]) == 16
        assert code_of(await stage.ask("/calls", {})) == (405, "method_not_allowed")
        stage.calls.joined[CHAT] = "Book club"
        stage.services.control.calls.state = None  # type: ignore[method-assign,assignment]
        status, told = await stage.ask("/calls")
        assert (status, told["error"]["type"]) == (500, "server_error")
        assert told["request_id"] in told["error"]["message"]
        assert "TypeError" not in told["error"]["message"]
    assert "GET /calls failed inside" in caplog.text


async def test_every_answer_has_safe_headers(tmp_path: Path) -> None:
    async with http_stage(tmp_path) as stage:
        for path in ("/", "/web/style.css", "/health", "/nowhere", "/metrics"):
            async with stage.client.get(path, headers={"X-Forwarded-Proto": "https"}) as answer:
                assert answer.headers["Content-Security-Policy"].startswith("default-src 'self';")
                assert answer.headers["X-Content-Type-Options"] == "nosniff"
                assert answer.headers["Permissions-Policy"].startswith("microphone=(self)")
                assert answer.headers["Server"] == "Parley"
                assert answer.headers["Strict-Transport-Security"]
                assert "Access-Control-Allow-Origin" not in answer.headers


def test_the_token_of_a_websocket_stands_among_its_subprotocols() -> None:
    request = make_mocked_request("GET", "/ws/voice", headers={"Sec-WebSocket-Protocol": "parley, parley.token.abc"})
    assert shown_token(request) == "abc"
    assert shown_token(make_mocked_request("GET", "/ws/voice", headers={"Sec-WebSocket-Protocol": "parley"})) is None


def test_a_bucket_fills_up_again() -> None:
    limits = Limits(60)
    assert [limits.spend("ann", 0.0) for _ in range(61)] == [0] * 60 + [1]
    assert limits.spend("bob", 0.0) == 0
    assert limits.spend("ann", 0.5) == 1
    assert limits.spend("ann", 1.0) == 0
    assert limits.wait_s("ann", 1.0) == 1
    for number in range(2 * MOST_KNOWN):
        limits.spend(str(number), 2.0)
    assert len(limits._buckets) == MOST_KNOWN


def test_no_origin_is_ours_by_looking_like_it() -> None:
    known = Places()
    for origin in ("", "file://", "http://", "http://localhost:8006", "javascript:alert(1)", "http://localhost:8005@evil.example"):
        assert not known.may_ask(origin, "localhost:8005")
    assert known.may_ask("http://[::1]:8005", "localhost:8005")
    assert not known.may_ask("http://192.0.2.7:8005", "localhost:8005")


# ---- where it listens


async def test_other_addresses_than_this_machines_need_a_token(tmp_path: Path) -> None:
    """K25: HOST=0.0.0.0 without anything that says who may is refused at the start."""
    async with http_stage(tmp_path) as stage:
        open_to_all = load_settings(None, http_host="0.0.0.0", http_port=free_port())
        with pytest.raises(HttpError, match=r"HTTP_HOST is 0\.0\.0\.0: .* no token .* Make one with: python bot\.py token create NAME"):
            async with served_http(open_to_all, stage.services):
                pass
        await stage.token()
        async with served_http(open_to_all, stage.services):
            pass


async def test_a_port_that_is_taken(tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two Parleys on one machine: the second works without pages, unless its port was chosen."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        async with http_stage(tmp_path) as stage:
            with pytest.raises(HttpError, match=f"port {port}: Address already in use. Set HTTP_PORT to another port, or to 0"):
                async with served_http(load_settings(None, http_port=port), stage.services):
                    pass
            monkeypatch.delenv("HTTP_PORT", raising=False)
            unset = load_settings(None)
            assert unset.http_port == 8005
            unset.__dict__["http_port"] = port
            async with served_http(unset, stage.services):
                assert "Until then there are no web pages" in caplog.text
            with pytest.raises(HttpError, match="Address already in use"):
                async with served_http(unset, stage.services, needed=True):
                    pass


async def test_it_serves_where_the_settings_say(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    port = free_port()
    async with http_stage(tmp_path) as stage, served_http(load_settings(None, http_port=port), stage.services):
        assert f"The page of the calls is at http://localhost:{port}/" in caplog.text
        async with stage.client.session.get(f"http://localhost:{port}/health") as answer:
            assert answer.status == 200


def test_wrong_settings_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_HOST", "everywhere")
    monkeypatch.setenv("HTTP_ORIGINS", "friend.example")
    with pytest.raises(SettingsError) as told:
        load_settings(None)
    assert "HTTP_HOST is 'everywhere': it should be an IP address" in str(told.value)
    assert "HTTP_ORIGINS is 'friend.example': it should be the beginnings of addresses" in str(told.value)


def test_the_port_is_also_read_under_the_third_documents_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HTTP_PORT", raising=False)
    monkeypatch.setenv("PORT", "8006")
    assert load_settings(None).http_port == 8006


def test_where_the_pages_are() -> None:
    assert address(settings(http_host="::1", http_port=8005)) == "http://[::1]:8005/"
    assert address(settings(http_host="0.0.0.0", http_port=80)) == "http://localhost:80/"
    assert places(settings(api_base_url="https://p.example:8443/a")).names == {"p.example"}


def settings(**fields: Any) -> Settings:
    return load_settings(None, **fields)
