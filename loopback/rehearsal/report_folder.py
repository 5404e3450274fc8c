"""The files of ``--report``: report.json, transcript.md, latency.png, timeline.png, call.wav, and the bot's own events and log."""

from __future__ import annotations

import json
from pathlib import Path

from calls.events import as_json
from errors import ParleyError
from loopback.rehearsal.call_wav import stereo, write_wav
from loopback.rehearsal.picture import draw_latency
from loopback.rehearsal.rehearsal import Rehearsal
from loopback.rehearsal.report import Report
from loopback.rehearsal.timeline import draw_timeline


def make_folder(folder: Path) -> None:
    """Make sure, before anything else is done, that the report will have a place.

    :raises errors.ParleyError: it can't be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ParleyError(f"The report can't be written to {folder} ({error.strerror}).", "Give another folder with --report.") from None


def write_report(report: Report, rehearsal: Rehearsal, folder: Path) -> None:
    """Write all files; without any sound there is no call.wav."""
    (folder / "report.json").write_text(json.dumps(report.as_json(), ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    (folder / "transcript.md").write_text(report.as_markdown(), encoding="utf-8")
    events = "".join(json.dumps(as_json(event), ensure_ascii=False) + "\n" for event in rehearsal.feed.events)
    (folder / "events.jsonl").write_text(events, encoding="utf-8")
    (folder / "bot.log").write_text("".join(f"{line}\n" for line in rehearsal.bot_log), encoding="utf-8")
    draw_latency(report.turns, report.title, folder / "latency.png")
    draw_timeline(report, folder / "timeline.png")
    ear = next(iter(rehearsal.ears.values()), None)
    sound = stereo(rehearsal.spoken, ear) if ear is not None else None
    if sound is not None:
        write_wav(folder / "call.wav", sound)
