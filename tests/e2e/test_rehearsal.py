"""The whole of it in real time: one command, real models, two people, a report."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import wave
from pathlib import Path
from typing import Any

import pytest

from tests.secret_watch import watch

pytestmark = pytest.mark.alone
ROOT = Path(__file__).resolve().parents[2]
MOST_ERRORS_HEARD = 0.08
MOST_ERRORS_REPLIED = 0.15
"""Of about 37 words in all: the caller's Whisper takes "There are" for "They're" and "in a week" for "and a week"."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of the default rehearsal, played as a newcomer would."""
    report = tmp_path_factory.mktemp("rehearsal") / "report"
    own = {name: value for name, value in os.environ.items() if not name.startswith(("TELEGRAM_", "API_"))}
    played = subprocess.run(
        [sys.executable, "bot.py", "rehearse", "--report", str(report)],
        cwd=ROOT,
        env=own | {"TERM": "dumb"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=280,
        check=False,
    )
    watch(played.stdout, "bot.py rehearse")
    assert played.returncode == 0, played.stdout[-6000:]
    return report


@pytest.fixture(scope="module")
def report(folder: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    return loaded


@pytest.mark.timeout(320)
def test_at_least_four_turns_are_answered_and_one_answer_is_interrupted(report: dict[str, Any]) -> None:
    assert report["totals"]["answered"] >= 4
    assert report["totals"]["interruptions"] >= 1
    assert report["totals"]["errors"] == 0


def test_what_was_said_is_what_is_understood_both_ways(report: dict[str, Any]) -> None:
    assert report["totals"]["wer_heard"] <= MOST_ERRORS_HEARD
    assert report["totals"]["wer_reply"] <= MOST_ERRORS_REPLIED


def test_the_history_of_an_interrupted_answer_ends_before_its_text_does(report: dict[str, Any]) -> None:
    for turn in report["turns"]:
        if turn["interrupted"]:
            assert len(turn["reply_as_heard_by_caller"].split()) < len(turn["reply"].split())


def test_the_spans_of_each_answer_sum_to_what_the_caller_waited(report: dict[str, Any]) -> None:
    answered = [turn for turn in report["turns"] if turn["voice_to_voice_ms"] is not None]
    assert answered
    for turn in answered:
        assert sum(turn["spans_ms"].values()) == pytest.approx(turn["voice_to_voice_ms"], abs=2)


def test_the_report_can_be_heard_read_and_seen(folder: Path) -> None:
    with wave.open(str(folder / "call.wav")) as sound:
        assert sound.getnchannels() == 2
        assert sound.getnframes() / sound.getframerate() > 20
    assert "In Call: ✅ Yes" in (folder / "transcript.md").read_text(encoding="utf-8")
    assert (folder / "latency.png").read_bytes().startswith(b"\x89PNG")
