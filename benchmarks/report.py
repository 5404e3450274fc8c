"""What all benchmarks share: the machine, medians, a table for people, and JSON for programs."""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
from collections.abc import Sequence
from dataclasses import asdict, is_dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

PAPER_WIDTH = 120
"""Characters in a line where the output is no terminal."""


def machine() -> dict[str, Any]:
    """What the figures were measured on, and how busy it was."""
    return {
        "cpu": _cpu_model(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_gb": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "load_average": [round(load, 2) for load in os.getloadavg()],
    }


def _cpu_model() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())


def median(values: Sequence[float]) -> float:
    """The middle one; 0 of none."""
    return statistics.median(values) if values else 0.0


def percentile(values: Sequence[float], percent: float) -> float:
    """The smallest value that at least ``percent`` % of all values do not exceed; 0 of none."""
    ordered = sorted(values)
    return ordered[max(0, -(-len(ordered) * percent // 100).__int__() - 1)] if ordered else 0.0


def argument_parser(description: str) -> argparse.ArgumentParser:
    """With the options that every benchmark has: ``--quick`` and ``--json FILE``."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--quick", action="store_true", help="fewer repetitions: a rough answer in about a minute")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there as well")
    return parser


def publish(benchmark: str, rows: Sequence[Any], json_file: Path | None, title: str) -> None:
    """Print ``rows`` (dataclasses or dictionaries with the same keys) as a table; write them to ``json_file`` if there is one."""
    plain = [asdict(row) if is_dataclass(row) and not isinstance(row, type) else dict(row) for row in rows]
    here = machine()
    console = Console()
    (console if console.is_terminal else Console(width=PAPER_WIDTH)).print(
        _table(plain, f"{title}\n{here['cpu']}, {here['cores']} cores, load {here['load_average'][0]}")
    )
    if json_file is not None:
        json_file.write_text(json.dumps({"benchmark": benchmark, "machine": here, "rows": plain}, indent=2) + "\n", encoding="utf-8")


def _table(rows: Sequence[dict[str, Any]], title: str) -> Table:
    table = Table(title=title, title_justify="left")
    for key in rows[0] if rows else ():
        table.add_column(key.replace("_", " "), justify="left" if isinstance(rows[0][key], str) else "right")
    for row in rows:
        table.add_row(*(_shown(value) for value in row.values()))
    return table


def _shown(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, float) and abs(value) < 10 else f"{value:.0f}" if isinstance(value, float) else str(value)
