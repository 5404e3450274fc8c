"""Parley without Telegram: the pages are there, and group calls are not."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from calls.drafting import Engines
from calls.errors import CallError
from calls.no_group_calls import NoGroupCalls
from config import Settings, load_settings
from errors import SettingsError
from service import engines as engine_room
from talk import talk
from tests.calls.stage import HearsClips, ScriptedBrain, ScriptedVoice
from tests.free_ports import free_port

WITHIN_S = 60.0


@contextlib.asynccontextmanager
async def engines_at_once(_settings: Settings) -> AsyncIterator[Engines]:
    yield Engines(HearsClips([]), ScriptedBrain(lambda _messages: "Yes."), ScriptedVoice())


async def test_the_page_is_there_until_it_is_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(engine_room, "loaded", engines_at_once)
    port = free_port()
    working = asyncio.create_task(talk(load_settings(None, data_dir=tmp_path, http_port=port)))
    async with asyncio.timeout(WITHIN_S), aiohttp.ClientSession() as http:
        said = ""
        while f"Open http://localhost:{port}/call in a browser" not in said:  # what a person waits for
            await asyncio.sleep(0.02)
            said += capsys.readouterr().out
        async with http.get(f"http://127.0.0.1:{port}/call") as page:
            assert page.status == 200
        async with http.get(f"http://127.0.0.1:{port}/health") as health:
            assert (await health.json())["status"] == "healthy"
        async with http.get(f"http://127.0.0.1:{port}/api/calls") as calls:
            assert calls.status == 200
        assert kinds_of_calls(await page_at(http, port)) == {"browser", "websocket"}
        os.kill(os.getpid(), signal.SIGTERM)
        assert await working == 0


async def page_at(http: aiohttp.ClientSession, port: int) -> str:
    async with http.get(f"http://127.0.0.1:{port}/metrics") as page:
        assert page.status == 200
        return await page.text()


def kinds_of_calls(metrics: str) -> set[str]:
    return set(re.findall(r'^parley_calls\{kind="(\w+)"\} 0.0$', metrics, re.MULTILINE))


async def test_the_metrics_are_there_and_at_a_port_of_their_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine_room, "loaded", engines_at_once)
    port, metrics_port = free_port(), free_port()
    async with asyncio.timeout(WITHIN_S), aiohttp.ClientSession() as http, asyncio.TaskGroup() as group:
        working = group.create_task(talk(load_settings(None, data_dir=tmp_path, http_port=port, metrics_port=metrics_port)))
        pages = [await page_when_there(http, each) for each in (port, metrics_port)]
        os.kill(os.getpid(), signal.SIGTERM)
        assert await working == 0
    for page in pages:
        assert kinds_of_calls(page) == {"browser", "websocket"}
        assert "parley_event_loop_lag_seconds_count" in page
        assert "parley_speculation_begun_total" in page
        assert "parley_flood_waits" not in page, "there is no Telegram that could ask for patience"


async def page_when_there(http: aiohttp.ClientSession, port: int) -> str:
    while True:
        with contextlib.suppress(aiohttp.ClientConnectionError):
            return await page_at(http, port)
        await asyncio.sleep(0.02)


async def test_without_a_port_there_is_nothing_to_talk_on(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="HTTP_PORT is 0"):
        await talk(load_settings(None, data_dir=tmp_path, http_port=0))


async def test_there_are_no_group_calls() -> None:
    none = NoGroupCalls()
    with pytest.raises(CallError, match="without a Telegram account"):
        await none.join(-1, "Book club", 1)
    with pytest.raises(CallError, match="without a Telegram account"):
        await none.title_of(-1)
    assert not await none.leave(-1)
    assert not await none.speak(-1, "Hello.")
    assert none.outlook(-1) is None
    assert none.state(-1).participants == []
    assert (none.active, none.wanted) == ((), ())
