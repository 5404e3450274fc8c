"""Whole rehearsals with a stub bot in a child process, real clients and real calls; voices and ears are stubs."""

import json
import os
import sys
import tempfile
import time
from collections.abc import AsyncGenerator
from pathlib import Path

from rich.console import Console

from audio.stt.engine import Transcript
from audio.tts.engine import Voice
from config import load_settings
from loopback.rehearsal.live_view import LiveView
from loopback.rehearsal.rehearsal import Rehearsal
from loopback.rehearsal.report import Report
from loopback.rehearsal.report_folder import write_report
from loopback.rehearsal.script_file import parse_script
from tests.loopback.rehearsal.talk import tone

ROOT = Path(__file__).resolve().parents[3]
JOIN = """
people: {Ann: {rights: admin}}
steps:
  - {who: Ann, start_voice_chat: true}
  - {who: Ann, join_call: true}
  - {who: Ann, type: /joincall, expect: joined}
"""
TALK = (
    JOIN
    + """
  - {who: Ann, say: beep}
  - {who: Ann, say: beep}
  - {who: Ann, type: /leavecall, expect: left}
  - {who: Ann, leave_call: true}
"""
)


class Beeps:
    """Every text is half a second of a tone; every sound is "boop"."""

    name = "beeps"

    async def load(self) -> None: ...

    async def close(self) -> None: ...

    async def synthesize(self, text: str, voice: Voice) -> AsyncGenerator[bytes, None]:
        yield tone(0.5)

    async def transcribe(self, pcm: bytes, language: str | None = None) -> Transcript:
        return Transcript("boop")


async def rehearse(source: str, *arguments: str) -> tuple[Report, Rehearsal]:
    os.environ["PYTHONPATH"] = str(ROOT)
    with LiveView(Console(), "Parley", time.monotonic) as view:
        script = parse_script(source, "talk.yaml", Path())
        rehearsal = Rehearsal(script, load_settings(env_file=None), Beeps(), Beeps(), [sys.executable, *arguments], view)
        return await rehearsal.run(), rehearsal


def files_in(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def left_behind() -> list[str]:
    """Of this rehearsal: others that are played at the same time have their files elsewhere."""
    return sorted(str(path) for path in Path(tempfile.gettempdir()).glob("parley-rehearsal-*"))


async def a_conversation_is_heard_measured_and_reported(folder_name: str) -> None:
    folder = Path(folder_name)
    tempfile.tempdir = str(folder.parent)
    report, rehearsal = await rehearse(TALK, "-m", "tests.loopback.rehearsal.stub_bot")
    write_report(report, rehearsal, folder)
    assert report.passed, report.failures
    data = json.loads((folder / "report.json").read_text())
    assert [turn["turn_id"] for turn in data["turns"]] == [1, 2]
    for turn in data["turns"]:
        assert set(turn["spans_ms"]) == {"pause", "line"}
        assert 300 < turn["voice_to_voice_ms"] < 30_000
        assert turn["spans_ms"]["line"] > 0
    assert data["totals"]["wer"] == {"heard": 0.0, "reply": 0.0}
    assert files_in(folder) == {"report.json", "transcript.md", "latency.png", "timeline.png", "call.wav", "bot.log", "events.jsonl"}
    assert left_behind() == []


async def a_bot_that_ends_in_the_middle_fails_the_rehearsal() -> None:
    program = "import time; print('✅ Telethon client started successfully', flush=True); time.sleep(2); print('boom'); raise SystemExit(3)"
    report, _ = await rehearse(JOIN, "-c", program)
    assert not report.passed
    assert "The bot ended with exit code 3." in report.failures[0]
    assert "boom" in report.failures[0]


async def a_rehearsal_that_takes_too_long_is_ended() -> None:
    program = "import time; print('✅ Telethon client started successfully', flush=True); time.sleep(60)"
    report, _ = await rehearse("time_out: 4\n" + JOIN, "-c", program)
    assert report.failures == ["The rehearsal was not over within 4 s."]
