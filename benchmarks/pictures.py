"""Figures as horizontal bars, for the documents."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import matplotlib as mpl

mpl.use("Agg")

import matplotlib.pyplot as plt

OURS: Final = "#1b7f5c"
THEIRS: Final = "#8a93a3"
BAR_INCHES: Final = 0.42


@dataclass(frozen=True, slots=True)
class Bar:
    """One thing measured: its median, and what 95 % of its values do not exceed."""

    label: str
    middle: float
    late: float
    ours: bool


def draw_bars(bars: Sequence[Bar], title: str, axis: str, file: Path, bound: float | None = None) -> None:
    """Write a PNG: the median as a solid bar, a pale one up to the 95th percentile, ``bound`` as a dashed line."""
    figure, axes = plt.subplots(figsize=(9.5, 1.4 + BAR_INCHES * len(bars)), layout="constrained")
    for place, bar in enumerate(bars):
        colour = OURS if bar.ours else THEIRS
        axes.barh(place, bar.late, color=colour, alpha=0.35, height=0.62)
        axes.barh(place, bar.middle, color=colour, height=0.62)
        axes.text(max(bar.late, bar.middle), place, f"  {bar.middle:.0f} / {bar.late:.0f}", va="center", fontsize=9)
    if bound is not None:
        axes.axvline(bound, color="black", linestyle="--", linewidth=1)
        axes.text(bound, -0.75, f"bound {bound:.0f}", ha="center", fontsize=8)
    axes.set_yticks(range(len(bars)), [bar.label for bar in bars], fontsize=9)
    axes.invert_yaxis()
    axes.set_xlim(0, 1.15 * max((max(bar.late, bar.middle) for bar in bars), default=1.0))
    axes.set_xlabel(f"{axis} (p50 / p95)", fontsize=9)
    axes.set_title(title, loc="left", fontsize=11)
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(file, dpi=130)
    plt.close(figure)
