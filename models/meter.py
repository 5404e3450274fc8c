"""How far a fetch is: a moving bar in a terminal, a few plain lines elsewhere."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TaskID, TextColumn, TimeRemainingColumn, TransferSpeedColumn

from models.source import Meter

PLAIN_STEP: Final = 0.25


def meter_for(console: Console) -> Meter:
    """The meter that suits ``console``."""
    return BarMeter(console) if console.is_terminal and not console.is_dumb_terminal else PlainMeter(console)


@dataclass
class BarMeter:
    """A bar with bytes, speed and the time left."""

    console: Console
    _progress: Progress | None = field(default=None, init=False)
    _task: TaskID = field(default=TaskID(0), init=False)

    def begin(self, label: str, total: int) -> None:
        """See `Meter`."""
        self.end()
        columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn())
        self._progress = Progress(*columns, console=self.console)
        self._task = self._progress.add_task(label, total=total)
        self._progress.start()

    def reach(self, done: int) -> None:
        """See `Meter`."""
        if self._progress:
            self._progress.update(self._task, completed=done)

    def end(self) -> None:
        """See `Meter`."""
        if self._progress:
            self._progress.stop()


@dataclass
class PlainMeter:
    """A line at each quarter of the way."""

    console: Console
    _label: str = field(default="", init=False)
    _total: int = field(default=1, init=False)
    _next_line: float = field(default=0.0, init=False)

    def begin(self, label: str, total: int) -> None:
        """See `Meter`."""
        self._label, self._total, self._next_line = label, total, PLAIN_STEP
        self._print(f"{label}: {total / 1e6:.1f} MB")

    def reach(self, done: int) -> None:
        """See `Meter`."""
        fraction = done / self._total
        if fraction >= self._next_line:
            self._next_line = (fraction // PLAIN_STEP + 1) * PLAIN_STEP
            self._print(f"{self._label}: {min(fraction, 1):.0%}")

    def end(self) -> None:
        """See `Meter`."""

    def _print(self, line: str) -> None:
        self.console.print(line, highlight=False, markup=False, soft_wrap=True)
