"""Where the time went: one stacked bar per turn, from the last sample said to the first sample heard."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from loopback.rehearsal.measure import LINE_SPAN, OURS, SPAN_OWNERS, Turn, span_names

COLOURS: Final = ("#4e79a7", "#59a14f", "#edc948", "#f28e2b", "#76b7b2", "#b07aa1", "#ff9da7", "#9c755f", "#86bcb6", "#d37295")
LINE_COLOUR: Final = "#bab0ac"
LABELLED_SHARE: Final = 0.055
"""A span narrower than this share of the longest turn carries no figure."""


def draw_latency(turns: Sequence[Turn], title: str, path: Path) -> None:
    """Write the picture of all answered turns as PNG; without any, one that says so."""
    answered = [turn for turn in turns if turn.answered]
    figure = Figure(figsize=(12, 1.8 + 0.5 * max(1, len(answered))), dpi=110, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    axes.set_title(f"{title}: voice to voice, as the caller hears it", loc="left", fontsize=12)
    if answered:
        _bars(axes, answered)
        figure.legend(loc="outside lower center", ncol=8, frameon=False, fontsize=9)
    else:
        axes.text(0.5, 0.5, "no answer was heard", ha="center", va="center", transform=axes.transAxes)
    figure.savefig(path)


def _bars(axes: Axes, turns: Sequence[Turn]) -> None:
    longest_ms = max(turn.voice_to_voice_ms or 0.0 for turn in turns)
    _spans(axes, turns, longest_ms)
    axes.set_yticks(range(len(turns)), [_label(turn) for turn in turns], fontsize=9)
    axes.invert_yaxis()
    axes.set_xlim(0, longest_ms * 1.12)
    axes.set_xlabel("ms from the last sample said to the first sample heard")
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="x", alpha=0.3)
    axes.set_axisbelow(True)


def _spans(axes: Axes, turns: Sequence[Turn], longest_ms: float) -> None:
    lefts = [0.0] * len(turns)
    for number, name in enumerate(span_names(turns)):
        widths = [max(0.0, turn.spans_ms.get(name, 0.0)) for turn in turns]
        colour = LINE_COLOUR if name == LINE_SPAN else COLOURS[number % len(COLOURS)]
        bars = axes.barh(range(len(turns)), widths, left=lefts, height=0.62, color=colour, label=f"{name} ({SPAN_OWNERS.get(name, OURS)})")
        labels = [f"{width:.0f}" if width >= LABELLED_SHARE * longest_ms else "" for width in widths]
        axes.bar_label(bars, labels=labels, label_type="center", fontsize=8)
        lefts = [left + width for left, width in zip(lefts, widths, strict=True)]
    for row, (left, turn) in enumerate(zip(lefts, turns, strict=True)):
        whole = f"{turn.voice_to_voice_ms or 0.0:.0f} ms"
        axes.text(left + 0.01 * longest_ms, row, whole, va="center", fontsize=9, fontweight="bold")


def _label(turn: Turn) -> str:
    said = turn.said if turn.said is not None else "(a recording)"
    return f"{turn.speaker}: {said if len(said) <= 44 else said[:43].rstrip() + '…'}"
