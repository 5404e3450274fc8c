"""The picture of a replay: waveforms, speech probability, turns with their pauses, and what the bot's voice would have done."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from audio.pcm import HEARING_RATE_HZ, Floats, as_floats
from calls.replay_ear import Moment, Timeline
from calls.turns.barge_in import BargeInStep
from calls.turns.endpointing import Edge

ROW_S: Final = 15.0
MOST_ROWS: Final = 40
"""A longer recording than these rows hold has longer rows."""
COLUMNS: Final = 1500
"""Points of a waveform in a row."""
WORDS_CHARS: Final = 60
PEOPLE: Final = "#4e79a7"
BOT: Final = "#f28e2b"
PROBABILITY: Final = "#59a14f"
SPEAKING: Final = "#a0cbe8"
PAUSE: Final = "#ffe29a"
ENDED: Final = "#c2185b"
DROPPED: Final = "#9c9c9c"
STEPS: Final = {
    BargeInStep.DUCK: ("v", "#edc948", "would duck"),
    BargeInStep.HOLD: ("s", "#e15759", "would fall silent"),
    BargeInStep.CUT: ("X", "#7f1d1d", "would stop"),
    BargeInStep.UNDUCK: ("^", "#59a14f", "would come back"),
}


@dataclass(frozen=True, slots=True)
class Stretch:
    """A piece of a turn, ``speaking`` or not."""

    begin_s: float
    end_s: float
    speaking: bool


def draw_timeline(timeline: Timeline, people: bytes, bot: bytes | None, title: str, path: Path) -> None:
    """Write the picture as PNG, in rows of about 15 s; ``people`` and ``bot`` are the recording (16 kHz mono).

    :raises OSError: ``path`` can't be written.
    """
    rows = max(1, min(MOST_ROWS, math.ceil(timeline.seconds / ROW_S)))
    row_s = max(1, math.ceil(timeline.seconds / rows))
    figure = Figure(figsize=(15, 1.4 + (2.6 if bot is not None else 2.0) * rows), dpi=100, layout="constrained")
    FigureCanvasAgg(figure)
    figure.suptitle(f"{title}: what was decided when", x=0.01, ha="left", fontsize=12)
    sounds = [(as_floats(people), PEOPLE, 1.6)] + ([(as_floats(bot), BOT, 2.7)] if bot is not None else [])
    stretches = list(turn_stretches(timeline))
    for number in range(rows):
        axes = figure.add_subplot(rows, 1, number + 1)
        _row(axes, timeline, stretches, sounds, (number * row_s, (number + 1) * row_s))
    figure.legend(handles=_legend(bot is not None), loc="outside lower center", ncol=6, frameon=False, fontsize=9)
    figure.savefig(path, format="png")


def turn_stretches(timeline: Timeline) -> Iterator[Stretch]:
    """Where somebody was in a turn: speaking, or in a pause of it."""
    edges = [moment for moment in timeline.moments if isinstance(moment.what, Edge)]
    for moment, following in pairwise([*edges, Moment(timeline.seconds, Edge.ENDED, 0.0, 0.0)]):
        if moment.what not in (Edge.ENDED, Edge.DROPPED):
            yield Stretch(moment.at_s, following.at_s, moment.what is not Edge.PAUSED)


def last_pauses(timeline: Timeline) -> Iterator[Moment]:
    """The pause in which each turn ended: it has all its words."""
    edges = [moment for moment in timeline.moments if isinstance(moment.what, Edge)]
    return (pause for pause, following in pairwise(edges) if pause.what is Edge.PAUSED and following.what in (Edge.ENDED, Edge.DROPPED))


def _row(
    axes: Axes,
    timeline: Timeline,
    stretches: Sequence[Stretch],
    sounds: Sequence[tuple[Floats, str, float]],
    span: tuple[float, float],
) -> None:
    for stretch in (stretch for stretch in stretches if stretch.begin_s < span[1] and stretch.end_s > span[0]):
        axes.axvspan(stretch.begin_s, stretch.end_s, color=SPEAKING if stretch.speaking else PAUSE, alpha=0.6, linewidth=0)
    for samples, colour, height in sounds:
        _waveform(axes, samples, colour, height, span)
    _probability(axes, timeline, span)
    top = sounds[-1][2] + 0.62
    for moment in (moment for moment in timeline.moments if span[0] <= moment.at_s < span[1]):
        _mark(axes, moment, top)
    for pause in (pause for pause in last_pauses(timeline) if span[0] <= pause.at_s < span[1]):
        shown = textwrap.shorten(pause.words, WORDS_CHARS, placeholder="…")
        axes.text(max(pause.at_s, span[0] + 1), top - 0.25, f"“{shown}”" if shown else "", fontsize=7, ha="right", va="bottom")
    axes.set_xlim(*span)
    axes.set_ylim(-0.35, sounds[-1][2] + 0.95)
    axes.set_yticks([0, 1], ["0", "1"], fontsize=7)
    axes.locator_params(axis="x", nbins=15)
    axes.tick_params(axis="x", labelsize=8)
    axes.spines[["top", "right", "left"]].set_visible(False)


def _waveform(axes: Axes, samples: Floats, colour: str, height: float, span: tuple[float, float]) -> None:
    piece = samples[round(span[0] * HEARING_RATE_HZ) : round(span[1] * HEARING_RATE_HZ)]
    if not len(piece):
        return
    width = max(1, round((span[1] - span[0]) * HEARING_RATE_HZ / COLUMNS))
    peaks = np.abs(np.pad(piece, (0, -len(piece) % width))).reshape(-1, width).max(axis=1)
    loudest = max(float(np.abs(samples).max()), 1e-3)
    moments = span[0] + np.arange(len(peaks)) * width / HEARING_RATE_HZ
    axes.fill_between(moments, height - 0.5 * peaks / loudest, height + 0.5 * peaks / loudest, color=colour, linewidth=0)


def _probability(axes: Axes, timeline: Timeline, span: tuple[float, float]) -> None:
    first, last = (round(at_s / timeline.hop_s) for at_s in span)
    values = np.array(timeline.probabilities[first : last + 1])
    moments = (first + 1 + np.arange(len(values))) * timeline.hop_s
    axes.fill_between(moments, 0.0, values, step="pre", color=PROBABILITY, alpha=0.75, linewidth=0)
    axes.axhline(0.5, color="black", linewidth=0.4, linestyle=":")


def _mark(axes: Axes, moment: Moment, top: float) -> None:
    if isinstance(moment.what, BargeInStep):
        marker, colour, _ = STEPS[moment.what]
        axes.plot([moment.at_s], [-0.2], marker=marker, color=colour, markersize=6, clip_on=False)
    elif moment.what in (Edge.ENDED, Edge.DROPPED):
        axes.axvline(moment.at_s, color=ENDED if moment.what is Edge.ENDED else DROPPED, linewidth=1.6)
        axes.text(moment.at_s, top, f" {moment.silence_s:.2f} s", fontsize=7, color=ENDED, va="bottom")


def _legend(stereo: bool) -> list[Patch | Line2D]:
    sides = [Patch(color=PEOPLE, label="people")] + ([Patch(color=BOT, label="Parley")] if stereo else [])
    turns = [Patch(color=SPEAKING, label="in a turn"), Patch(color=PAUSE, label="pause of a turn")]
    probability = [Patch(color=PROBABILITY, label="speech probability")]
    ends = [Line2D([], [], color=ENDED, label="turn ended (silence)"), Line2D([], [], color=DROPPED, label="too short to be a turn")]
    steps = [Line2D([], [], color=colour, marker=marker, linestyle="", label=label) for marker, colour, label in STEPS.values()]
    return [*sides, *probability, *turns, *ends, *steps]
