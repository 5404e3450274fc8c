"""What happened when: who wrote and spoke, when the bot was in which voice chat, and what went wrong meanwhile, on one axis of time."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from loopback.rehearsal.report import Report

PEOPLE: Final = "#b07aa1"
BOT: Final = "#4e79a7"
THERE: Final = "#59a14f"
BAD: Final = "#e15759"
LONGEST_LABEL: Final = 46
LABEL_ROWS: Final = 6


def draw_timeline(report: Report, path: Path) -> None:
    """Write the picture as PNG."""
    lanes = [*_chats(report), *_speakers(report), "written"]
    figure = Figure(figsize=(14, 3.4 + 0.42 * len(lanes)), dpi=110, layout="constrained")
    FigureCanvasAgg(figure)
    labels, axes = figure.subplots(2, 1, sharex=True, height_ratios=(2.2, 0.7 + 0.42 * len(lanes)))
    labels.set_title(f"{report.title}: {'went well' if report.passed else 'failed'}", loc="left", fontsize=12)
    _stays(axes, report, lanes)
    _speech(axes, report, lanes)
    _messages(axes, report, lanes)
    _happenings(labels, axes, report)
    axes.set_yticks(range(len(lanes)), [_lane_name(lane, report) for lane in lanes], fontsize=9)
    axes.set_ylim(len(lanes) - 0.4, -0.6)
    axes.set_xlim(left=-0.5)
    axes.set_xlabel(
        f"seconds     (▼ people write, ▲ {report.bot_name} writes, ▶ somebody begins to speak, then the answer as it is heard)", fontsize=9
    )
    axes.grid(axis="x", alpha=0.3)
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path)


def _chats(report: Report) -> list[str]:
    return list(dict.fromkeys(stay.chat for stay in report.stays))


def _speakers(report: Report) -> list[str]:
    return list(dict.fromkeys(turn.speaker for turn in report.turns if turn.spoken_at_s is not None))


def _lane_name(lane: str, report: Report) -> str:
    if lane in _chats(report):
        return f"{report.bot_name} in {lane}"
    return lane if lane == "written" else f"{lane} speaks"


def _stays(axes: Axes, report: Report, lanes: list[str]) -> None:
    for stay in report.stays:
        axes.barh(lanes.index(stay.chat), stay.end_s - stay.begin_s, left=stay.begin_s - report.began_s, height=0.5, color=THERE)


def _speech(axes: Axes, report: Report, lanes: list[str]) -> None:
    for turn in report.turns:
        if turn.spoken_at_s is not None:
            lane = lanes.index(turn.speaker)
            axes.plot(turn.spoken_at_s - report.began_s, lane, ">", color=PEOPLE, markersize=7)
            if turn.reply_window_s is not None:
                begin_s, end_s = turn.reply_window_s
                axes.barh(lane, end_s - begin_s, left=begin_s - report.began_s, height=0.3, color=BOT, alpha=0.7)


def _messages(axes: Axes, report: Report, lanes: list[str]) -> None:
    lane = lanes.index("written")
    for message in report.messages:
        axes.plot(
            message.at_s - report.began_s, lane, "^" if message.from_bot else "v", color=BOT if message.from_bot else PEOPLE, markersize=6
        )


def _happenings(labels: Axes, axes: Axes, report: Report) -> None:
    labels.axis("off")
    labels.set_ylim(LABEL_ROWS, -1)
    for number, happening in enumerate(report.happenings):
        at_s, row = happening.at_s - report.began_s, number % LABEL_ROWS
        for each in (labels, axes):
            each.axvline(at_s, color=BAD, alpha=0.25, linewidth=0.8)
        labels.text(at_s, row, f" {_short(happening.text)}", fontsize=7, va="center", clip_on=False)


def _short(text: str) -> str:
    return text if len(text) <= LONGEST_LABEL else text[: LONGEST_LABEL - 1].rstrip() + "…"
