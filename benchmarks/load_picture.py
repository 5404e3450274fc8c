"""The curve of load.py as a picture."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

import matplotlib as mpl

mpl.use("Agg")
from matplotlib import pyplot as plt

if TYPE_CHECKING:
    from benchmarks.load import Row

MOST_LAG_MS: Final = 20


def draw(rows: Sequence[Row], file: Path) -> None:
    """Lag, processor time and response over the number of calls."""
    calls = [row.calls for row in rows]
    figure, (lag, cpu, response) = plt.subplots(1, 3, figsize=(12, 3.6), constrained_layout=True)
    lag.plot(calls, [row.lag_p99_ms for row in rows], marker="o", label="p99")
    lag.plot(calls, [row.lag_p50_ms for row in rows], marker="o", label="median")
    lag.axhline(MOST_LAG_MS, color="tab:red", linestyle="--", linewidth=1, label=f"{MOST_LAG_MS} ms")
    lag.set(title="how late a 10 ms timer is", ylabel="ms", ylim=(0, None))
    lag.legend()
    cpu.plot(calls, [row.cpu_percent for row in rows], marker="o", color="tab:green")
    cpu.set(title="processor time of the server", ylabel="% of one core", ylim=(0, None))
    response.plot(calls, [row.response_p95_ms for row in rows], marker="o", label="p95")
    response.plot(calls, [row.response_p50_ms for row in rows], marker="o", label="median")
    response.set(title="end of question to first sound", ylabel="ms", ylim=(0, None))
    response.legend()
    for axes in (lag, cpu, response):
        axes.set_xlabel("WebSocket calls at real time")
        axes.grid(alpha=0.3)
    figure.savefig(file, dpi=110)
    plt.close(figure)
