"""The calls over HTTP: how Parley is, which calls there are, what is said; say something, hang up; live."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp

from calls import events
from calls.private_call import Direction, PrivateCall, Stage
from control.http import live, token_watch
from control.http.recent import MOST_CALLS, Recent
from control.http.scopes import Scope
from storage import tokens, transcripts
from tests.control.http.http_stage import NOW, HttpStage, http_stage
from tests.control.stage import ANN, CHAT
from version import VERSION

SPANS = {"endpointing": 500.0, "hearing": 100.0, "thinking": 200.0, "speaking": 100.0, "floor": 0.0}


def exchange(chat_id: int, heard: str, reply: str) -> events.ExchangeEnded:
    return events.ExchangeEnded(
        chat_id=chat_id,
        at_s=0.0,
        turn_id=1,
        revision=0,
        speaker="Ann",
        speaker_id=ANN,
        heard=heard,
        reply=reply,
        reply_heard=reply,
        interrupted=False,
        spans_ms=SPANS,
        first_sound_at_s=0.9,
    )


async def test_health_tells_strangers_that_it_is_healthy_and_nothing_else(tmp_path: Path) -> None:
    """A110."""
    async with http_stage(tmp_path, stt_url="http://ann:s3cr3t@stt.example:8002/v1") as stage:
        stage.calls.joined[CHAT] = "Book club"
        status, told = await stage.ask("/health")
        assert status == 200
        assert told["uptime_seconds"] >= 0
        assert told == {
            "status": "healthy",
            "service": "telegram-voicechat",
            "version": VERSION,
            "active_calls": 1,
            "uptime_seconds": told["uptime_seconds"],
            "stt_service": "http://stt.example:8002/v1",
            "tts_service": "scripted voice",
            "orchestrator_service": stage.services.engines.brain.name,
        }
        reader = await stage.token(Scope.CALLS_READ)
        assert await stage.ask("/health") == (200, {"status": "healthy"})
        assert await stage.ask("/health", token="parley_wrong") == (200, {"status": "healthy"})
        assert (await stage.ask("/health", token=reader))[1]["version"] == VERSION


async def test_it_is_ready_until_it_is_about_to_end_or_full(tmp_path: Path) -> None:
    async with http_stage(tmp_path) as stage:
        assert await stage.ask("/ready") == (200, {"status": "ready"})
        for _ in range(2):
            await stage.guest()
        assert (await stage.ask("/ready"))[0] == 503
        stage.draining.append(True)
        assert (await stage.ask("/ready"))[1]["error"]["code"] == "draining"
        assert (await stage.ask("/health"))[1]["status"] == "draining"


async def test_calls_in_short(tmp_path: Path) -> None:
    """A111: the keys of the third document, of every call by whichever door."""
    async with http_stage(tmp_path) as stage:
        stage.calls.joined[CHAT] = "Book club"
        guest = await stage.guest()
        stage.bus.publish(exchange(guest.chat_id, "Good morning.", "Hello Ann."))
        _, told = await stage.ask("/calls")
        assert told["active_calls"] == 2
        settings = stage.services.settings
        assert told["max_calls"] == settings.max_concurrent_calls + settings.max_guest_calls
        group, browser = told["calls"]
        assert {"call_id": str(CHAT), "kind": "group", "participants": ["Ann"], "turns_count": 0}.items() <= group.items()
        assert {"call_id": guest.call_id, "session_id": guest.session_id, "state": "listening", "turns_count": 1}.items() <= browser.items()


async def test_a_call_with_its_turns_and_how_fast_they_were_answered(tmp_path: Path) -> None:
    async with http_stage(tmp_path) as stage:
        guest = await stage.guest()
        for number in range(25):
            stage.bus.publish(exchange(guest.chat_id, f"Question {number}?", "Yes."))
        stage.bus.publish(events.TurnPartial(chat_id=guest.chat_id, at_s=0, turn_id=2, revision=0, speaker="Ann", speaker_id=1, text="And"))
        _, told = await stage.ask(f"/api/calls/{guest.call_id}")
        assert (told["kind"], told["title"], told["state"], told["turns_count"]) == ("browser", "Ann's browser", "joined", 25)
        assert (told["latency_p50_ms"], told["latency_p95_ms"]) == (900.0, 900.0)
        assert len(told["turns"]) == 20
        last = told["turns"][-1]
        assert (last["speaker"], last["heard"], last["reply"], last["spans_ms"], last["total_ms"]) == (
            "Ann",
            "Question 24?",
            "Yes.",
            SPANS,
            900.0,
        )
        assert told["caption"] == {"speaker": "Ann", "text": "And"}
        _, listed = await stage.ask("/api/calls")
        assert len(listed["calls"][0]["turns"]) == 5
        assert (await stage.ask("/api/calls/nobody"))[1]["error"]["message"] == (
            "There is no such call, or it has ended. GET /api/calls lists them all."
        )


async def test_something_is_said_in_each_kind_of_call(tmp_path: Path) -> None:
    async with http_stage(tmp_path) as stage:
        stage.calls.joined[CHAT] = "Book club"
        stage.phone.ongoing.append(PrivateCall(ANN, "Ann", Direction.INCOMING, Stage.CONNECTED, NOW))
        guest = await stage.guest()
        told = {"text": "Bon dia!", "language": "ca", "first": True}
        assert await stage.ask(f"/api/calls/{CHAT}/say", told) == (200, {"call_id": str(CHAT), "spoken": True})
        assert stage.calls.said == [(CHAT, "Bon dia!", "ca", True)]
        assert (await stage.ask(f"/api/calls/{ANN}/say", told))[1]["spoken"]
        assert stage.phone.asked == [("Bon dia!", ANN)]
        saying = asyncio.create_task(stage.ask(f"/api/calls/{guest.call_id}/say", {"text": "Hi."}))
        while not stage.voice.spoken:  # noqa: ASYNC110 - the stub does not tell
            await asyncio.sleep(0.01)
        assert stage.voice.spoken == ["Hi."]
        guest.hang_up()
        await saying


async def test_nothing_is_said_to_a_phone_that_rings(tmp_path: Path) -> None:
    async with http_stage(tmp_path) as stage:
        stage.phone.rings()
        assert (await stage.ask("/calls"))[1]["calls"][0]["state"] == "ringing"
        status, refused = await stage.ask(f"/api/calls/{ANN}/say", {"text": "Hello"})
        assert (status, refused["error"]["code"]) == (409, "not_connected")


async def test_each_kind_of_call_is_hung_up(tmp_path: Path) -> None:
    async with http_stage(tmp_path) as stage:
        stage.calls.joined[CHAT] = "Book club"
        stage.phone.rings()
        guest = await stage.guest()
        for call_id in (str(CHAT), str(ANN), guest.call_id):
            assert await stage.ask(f"/api/calls/{call_id}/hangup", {}) == (200, {"call_id": call_id, "left": True})
        assert not stage.calls.joined
        assert stage.phone.asked == [("hangup", ANN)]
        await guest.over


async def test_the_transcript_of_a_call_and_of_a_chat(tmp_path: Path) -> None:
    async with http_stage(tmp_path) as stage:
        guest = await stage.guest()
        for chat_id in (guest.chat_id, CHAT):
            line = transcripts.HeardLine(None, chat_id, 1, "Ann", ANN, "Good morning.", "not addressed", NOW)
            await transcripts.add(stage.database, line)
        lines = [{"at": NOW, "speaker": "Ann", "speaker_id": str(ANN), "heard": "Good morning.", "reply_heard": None}]
        for call_id, chat_id in ((guest.call_id, guest.chat_id), (str(CHAT), CHAT), (str(guest.chat_id), guest.chat_id)):
            assert await stage.ask(f"/api/calls/{call_id}/transcript") == (200, {"chat_id": str(chat_id), "lines": lines})
        for limit in ("0", "501", "x", "1e3"):
            assert (await stage.ask(f"/api/calls/{CHAT}/transcript?limit={limit}"))[0] == 400
        for unknown in ("nobody", "9" * 19, "9" * 40, "١"):
            assert (await stage.ask(f"/api/calls/{unknown}/transcript"))[0] == 404


async def test_prometheus_reads_the_same_metrics_here(tmp_path: Path) -> None:
    async with http_stage(tmp_path) as stage:
        async with stage.client.get("/metrics") as answer:
            assert "parley_calls 0.0" in await answer.text()
        await stage.token()
        assert (await stage.ask("/metrics"))[0] == 401


# ---- live


@asynccontextmanager
async def watching(stage: HttpStage, token: str | None = None) -> AsyncIterator[AsyncIterator[tuple[str, Any]]]:
    async def happenings(answer: aiohttp.ClientResponse) -> AsyncIterator[tuple[str, Any]]:
        while name := await answer.content.readline():
            data = await answer.content.readline()
            await answer.content.readline()
            yield name.decode().removeprefix("event: ").strip(), json.loads(data.decode().removeprefix("data: "))

    headers = {"Authorization": f"Bearer {token}"} if token else {}
    async with stage.client.get("/api/events", headers=headers) as answer:
        assert answer.status == 200
        assert answer.content_type == "text/event-stream"
        yield happenings(answer)


async def test_a_page_follows_the_calls(tmp_path: Path) -> None:
    async with http_stage(tmp_path) as stage:
        guest = await stage.guest()
        async with asyncio.timeout(30), watching(stage) as told:
            name, call = await anext(told)
            assert (name, call["call_id"], call["turns"]) == ("call", guest.call_id, [])
            assert await anext(told) == ("ready", {})
            stage.bus.publish(exchange(guest.chat_id, "Who is there?", "I am."))
            while not call["turns"]:  # who is there, and what the call does, may be told before
                name, call = await anext(told)
            assert (name, call["turns"][0]["heard"], call["turns_count"]) == ("call", "Who is there?", 1)
            guest.hang_up()
            while (happened := await anext(told))[0] == "call":
                pass
            assert happened == ("gone", {"call_id": guest.call_id})


async def test_a_page_whose_token_is_revoked_follows_no_longer(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(live, "BEAT_EVERY_S", 0.05)
    monkeypatch.setattr(live, "LOOKED_AT_EVERY_S", 0.05)
    monkeypatch.setattr(token_watch, "LOOK_EVERY_S", 0.05)
    async with http_stage(tmp_path) as stage, asyncio.timeout(30), watching(stage, await stage.token(Scope.CALLS_READ)) as told:
        assert [await anext(told), await anext(told)] == [("ready", {}), ("beat", {})]
        await tokens.revoke(stage.database, "dashboard", NOW)
        assert all([name == "beat" async for name, _ in told])


async def test_pages_that_follow_do_not_hold_up_the_end_and_are_bounded(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(live, "MOST_STREAMS", 1)
    async with http_stage(tmp_path) as stage, asyncio.timeout(30), watching(stage) as told:
        assert await anext(told) == ("ready", {})
        assert (await stage.ask("/api/events"))[1]["error"]["code"] == "too_many_streams"
        await stage.client.server.close()
        assert [each async for each in told] == []


def test_what_is_known_of_calls_is_bounded() -> None:
    recent = Recent(lambda: NOW)
    for chat_id in range(MOST_CALLS + 10):
        recent(events.PhaseChanged(chat_id=chat_id, at_s=0, phase="listening"))
    assert recent.of(0).phase is None
    assert recent.of(MOST_CALLS).phase == "listening"
    recent(events.CallLeft(chat_id=MOST_CALLS, at_s=0))
    assert recent.of(MOST_CALLS).phase is None


def test_turns_that_were_not_answered_and_what_was_said_unasked_are_shown() -> None:
    recent = Recent(lambda: NOW)
    recent(events.TurnBegan(chat_id=1, at_s=0, turn_id=1, speaker="Ann", speaker_id=1))
    assert recent.of(1).caption == ("Ann", "")
    recent(events.TurnIgnored(chat_id=1, at_s=0, turn_id=1, speaker="Ann", speaker_id=1, text="Mm-hm.", reason="backchannel"))
    recent(events.Announced(chat_id=1, at_s=0, text="Dinner is ready.", heard="Dinner is"))
    ignored, announced = recent.of(1).turns
    assert (ignored.heard, ignored.reply, ignored.ignored, recent.of(1).caption) == ("Mm-hm.", None, "backchannel", None)
    assert (announced.speaker, announced.reply, announced.as_json()["total_ms"]) == ("", "Dinner is", None)
