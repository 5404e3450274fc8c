"""The port of the web pages, free, taken and served."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from config import Settings, load_settings
from control.http.health import status_of
from doctor.finding import Finding, Verdict
from doctor.web import STATUSES, web_pages
from tests.free_ports import free_port


@pytest.fixture
def taken() -> Iterator[int]:
    """A port at which another program listens, and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


def settings(**more: object) -> Settings:
    return load_settings(None, **more)


def told(finding: Finding) -> tuple[Verdict, str]:
    return finding.verdict, f"{finding.what} {finding.next_step}".strip()


def test_none_are_wanted() -> None:
    assert told(web_pages(settings(http_port=0))) == (Verdict.OK, "There are no web pages: HTTP_PORT is 0.")


def test_a_port_that_is_free() -> None:
    port = free_port()
    assert told(web_pages(settings(http_port=port))) == (Verdict.OK, f"Port {port} of 127.0.0.1 is free for the web pages.")


def test_a_port_that_another_program_has(taken: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("doctor.web.ASK_S", 0.05)
    verdict, text = told(web_pages(settings(http_port=taken)))
    assert verdict is Verdict.FAILURE
    assert text.startswith(f"Nothing can be served at 127.0.0.1, port {taken} (Address already in use). Set HTTP_PORT to another port")
    by_default = settings(http_port=taken)
    by_default.model_fields_set.discard("http_port")
    assert web_pages(by_default).verdict is Verdict.WARNING


def test_an_address_of_another_machine() -> None:
    verdict, text = told(web_pages(settings(http_port=free_port(), http_host="192.0.2.1")))
    assert verdict is Verdict.FAILURE
    assert "Nothing can be served at 192.0.2.1" in text


@pytest.mark.parametrize(
    ("answer", "verdict"), [('{"status": "healthy"}', Verdict.OK), ('{"status": "up"}', Verdict.FAILURE), ("no", Verdict.FAILURE)]
)
async def test_what_answers_there_is_parley_or_not(answer: str, verdict: Verdict) -> None:
    async def health(_request: web.Request) -> web.Response:
        return web.Response(text=answer)

    application = web.Application()
    application.router.add_get("/health", health)
    async with TestServer(application, host="127.0.0.1") as server:
        finding = await asyncio.to_thread(web_pages, settings(http_port=server.port))
    assert finding.verdict is verdict
    assert ("Parley serves its web pages" in finding.what) == (verdict is Verdict.OK)


@pytest.mark.parametrize(
    ("url", "verdict"),
    [
        ("https://parley.example.org", Verdict.OK),
        ("http://localhost:8005", Verdict.OK),
        ("http://127.0.0.1:8005", Verdict.OK),
        ("http://parley.example.org", Verdict.WARNING),
    ],
)
def test_browsers_give_the_microphone_to_https_pages_only(url: str, verdict: Verdict) -> None:
    finding = web_pages(settings(http_port=free_port(), api_base_url=url))
    assert finding.verdict is verdict
    assert ("https" in finding.next_step) == (verdict is Verdict.WARNING)


def test_what_it_says_of_itself_is_known() -> None:
    import inspect

    assert all(f'"{status}"' in inspect.getsource(status_of) for status in STATUSES)
