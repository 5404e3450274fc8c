"""What Prometheus reads, over real HTTP; a conversation moves the counters."""

from __future__ import annotations

import asyncio
import re
import socket
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from calls import events
from calls.events import EventBus
from calls.speculation import Speculation
from config import Settings, load_settings
from errors import EXIT_SETTINGS, SettingsError
from metrics.live import Live
from metrics.measured import measured
from metrics.page import MetricsError
from tests.calls.stage import Clip, Stage
from tests.calls.virtual_time import run_in_virtual_time
from tests.free_ports import free_port
from tests.speech import clip_named

CHAT = -1001
PERSON = 42


def live(**changes: Any) -> Live:
    return Live(**{"calls": {"group": lambda: 0, "private": lambda: 0}, "speculation": Speculation(), "floods": {}, **changes})


async def read(settings: Settings, accept: str = "") -> tuple[dict[str, float], str]:
    """Each sample by its name and labels, as the page shows it; and what kind of page it is."""
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"http://127.0.0.1:{settings.metrics_port}/metrics", headers={"Accept": accept}) as answer,
    ):
        assert answer.status == 200
        text = await answer.text()
        samples = dict(line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#"))
        return {name: float(value) for name, value in samples.items()}, answer.headers["Content-Type"]


async def after(happened: list[events.CallEvent], sources: Live | None = None) -> dict[str, float]:
    settings, bus = load_settings(None, metrics_port=free_port()), EventBus()
    async with measured(settings, bus, sources or live()):
        for event in happened:
            bus.publish(event)
        return (await read(settings))[0]


async def test_a_conversation_moves_the_counters() -> None:
    question, remark = Clip(*clip_named("lv_0880")), Clip(*clip_named("lv_0930"))
    stage = Stage([question, remark], lambda _messages: "Yes. " + "It goes on for quite a while after that. " * 6)
    end_s = stage.say(0.5, question)
    stage.say(end_s + 3.0, remark)
    await asyncio.to_thread(run_in_virtual_time, stage.play(30))
    ahead = Speculation(begun=4, used=3, shed=2)
    seen = await after(stage.happened, live(speculation=ahead))
    assert seen["parley_turns_begun_total"] == len(stage.of(events.TurnBegan)) == 2
    assert seen['parley_barge_ins_total{outcome="cut off"}'] == len(stage.of(events.Interrupted)) == 1
    assert seen['parley_turns_total{outcome="interrupted"}'] == seen['parley_turns_total{outcome="answered"}'] == 1
    assert seen["parley_voice_to_voice_seconds_count"] == 2
    whole_s = sum(sum(exchange.spans_ms.values()) for exchange in stage.exchanges()) / 1000
    assert seen["parley_voice_to_voice_seconds_sum"] == pytest.approx(whole_s, abs=0.01)
    shares = sum(value for name, value in seen.items() if name.startswith("parley_turn_span_seconds_sum"))
    assert shares == pytest.approx(whole_s, abs=0.01)
    assert seen["parley_speculation_hit_ratio"] == 0.75
    assert seen["parley_speculation_shed_total"] == 2


async def test_calls_are_counted_by_kind() -> None:
    when: dict[str, Any] = {"at_s": 0.0}
    seen = await after(
        [
            events.CallJoined(chat_id=CHAT, **when),
            events.PhaseChanged(chat_id=CHAT, phase="reconnecting", **when),
            events.PhaseChanged(chat_id=CHAT, phase="listening", **when),
            events.CallLeft(chat_id=CHAT, reason="", **when),
            events.CallIncoming(chat_id=PERSON, name="Ann", **when),
            events.CallJoined(chat_id=PERSON, **when),
        ],
        live(calls={"group": lambda: 3, "private": lambda: 1}),
    )
    assert seen['parley_calls_joined_total{kind="group"}'] == seen['parley_calls_joined_total{kind="private"}'] == 1
    assert seen['parley_calls_left_total{kind="group"}'] == 1
    assert 'parley_calls_left_total{kind="private"}' not in seen
    assert seen["parley_private_calls_incoming_total"] == seen["parley_reconnects_total"] == 1
    assert (seen['parley_calls{kind="group"}'], seen['parley_calls{kind="private"}']) == (3, 1)


async def test_troubles_are_counted() -> None:
    when: dict[str, Any] = {"chat_id": CHAT, "at_s": 0.0}
    seen = await after(
        [
            events.EngineFailed(part="hearing", what="", **when),
            events.EngineRetried(part="thinking", engine="a", what="", **when),
            events.EngineReplaced(part="thinking", engine="a", what="", by="b", **when),
            events.StorageFailed(what="", **when),
            events.AccountTrouble(text="", **when),
            events.TurnIgnored(turn_id=1, speaker="Ann", speaker_id=1, text="", reason="not addressed", **when),
            events.FalseInterruption(turn_id=1, by="Ann", words="", **when),
            events.ToolUsed(turn_id=1, tool="t", arguments="", outcome="timed out", result="", seconds=1.0, **when),
        ],
        live(floods={"phone.JoinGroupCall": 2}, dropped=lambda: {"stored events": 7}),
    )
    assert seen['parley_engine_errors_total{outcome="failed",part="hearing"}'] == 1
    assert seen['parley_engine_errors_total{outcome="retried",part="thinking"}'] == 1
    assert seen['parley_engine_errors_total{outcome="replaced",part="thinking"}'] == 1
    assert seen['parley_turns_ignored_total{reason="not addressed"}'] == seen['parley_turns_total{outcome="ignored"}'] == 1
    assert seen['parley_barge_ins_total{outcome="went on"}'] == seen['parley_tools_used_total{outcome="timed out"}'] == 1
    assert seen["parley_storage_failures_total"] == seen["parley_account_troubles_total"] == 1
    assert seen['parley_flood_waits_total{request="phone.JoinGroupCall"}'] == 2
    assert seen['parley_dropped_total{what="stored events"}'] == 7


async def test_a_voice_message_is_measured() -> None:
    spans = {"wait": 10.0, "transcribe": 500.0}
    seen = await after([events.VoiceMessageAnswered(chat_id=CHAT, at_s=0.0, message_id=1, spoken=True, spans_ms=spans, speaker="Ann")])
    assert seen['parley_voice_messages_total{answer="spoken"}'] == 1
    assert seen['parley_voice_message_span_seconds_sum{span="transcribe"}'] == 0.5


async def test_a_blocked_event_loop_shows() -> None:
    settings = load_settings(None, metrics_port=free_port())
    async with measured(settings, EventBus(), live()):
        async with asyncio.timeout(20):
            while not (await read(settings))[0].get("parley_event_loop_lag_seconds_count"):  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        seen, _kind = await read(settings)
    assert seen['parley_event_loop_lag_seconds_bucket{le="+Inf"}'] >= 1
    assert seen["process_resident_memory_bytes"] > 0
    assert 'parley_info{version="0.1.0"}' in seen


async def test_nobody_is_named() -> None:
    told = events.TurnIgnored(
        chat_id=PERSON, at_s=0.0, turn_id=1, speaker="Wilhelmina", speaker_id=PERSON, text="secret", reason="backchannel"
    )
    names = " ".join(await after([told]))
    assert not re.search(rf"Wilhelmina|secret|\b{PERSON}\b", names)


async def test_open_metrics_are_spoken_to_who_asks_for_them() -> None:
    settings = load_settings(None, metrics_port=free_port())
    async with measured(settings, EventBus(), live()):
        assert (await read(settings, "application/openmetrics-text; version=1.0.0"))[1].startswith("application/openmetrics-text")
        assert (await read(settings))[1].startswith("text/plain")


async def test_off_unless_a_port_is_set() -> None:
    bus = EventBus()
    async with measured(load_settings(None), bus, live()):
        assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_only_this_machine_can_read_it() -> None:
    settings = load_settings(None, metrics_port=free_port())
    async with measured(settings, EventBus(), live()):
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.2", settings.metrics_port)


async def test_an_address_that_is_taken_is_told_with_what_to_do() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = int(other.getsockname()[1])
        with pytest.raises(MetricsError) as wrong:
            async with measured(load_settings(None, metrics_port=port), EventBus(), live()):
                pass
    assert str(wrong.value) == (
        f"The metrics cannot be served at 127.0.0.1, port {port}: Address already in use. Choose another METRICS_PORT, or leave it out."
    )


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.5", "::"])
def test_an_address_that_others_reach_needs_a_word_more(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("METRICS_HOST", host)
    with pytest.raises(SettingsError) as wrong:
        load_settings(None)
    assert f"METRICS_HOST is '{host}': others could read that; it should be 127.0.0.1 or ::1, or set METRICS_PUBLIC=true" in str(
        wrong.value
    )
    assert wrong.value.exit_code == EXIT_SETTINGS
    monkeypatch.setenv("METRICS_PUBLIC", "true")
    assert load_settings(None).metrics_host == host


def test_a_name_is_no_address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("METRICS_HOST", "metrics.example")
    with pytest.raises(SettingsError, match=r"METRICS_HOST is 'metrics\.example': it should be an IP address, such as 127\.0\.0\.1"):
        load_settings(None)


def test_the_readme_and_the_page_of_metrics_name_the_same() -> None:
    """docs/logs-and-metrics.md lists every metric of ours."""
    text = (Path(__file__).resolve().parents[2] / "docs" / "logs-and-metrics.md").read_text(encoding="utf-8")
    page = asyncio.run(after([], live(speculation=Speculation(begun=1))))
    names = {re.sub(r"(_total|_created|_count|_sum|_bucket)?(\{.*)?$", "", name) for name in page if name.startswith("parley_")}
    assert sorted(name for name in names if f"`{name}" not in text) == []
