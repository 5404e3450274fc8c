from __future__ import annotations

import io

import pytest
from rich.console import Console

from models.meter import BarMeter, PlainMeter, meter_for


def test_without_a_terminal_a_transfer_is_a_few_plain_lines() -> None:
    output = io.StringIO()
    meter = PlainMeter(Console(file=output))

    meter.begin("weights.bin", 1_000_000)
    for done in range(0, 1_000_001, 10_000):
        meter.reach(done)
    meter.end()

    percentages = [f"weights.bin: {percent}%" for percent in (25, 50, 75, 100)]
    assert output.getvalue().splitlines() == ["weights.bin: 1.0 MB", *percentages]


def test_a_terminal_gets_a_bar_with_bytes() -> None:
    output = io.StringIO()
    meter = BarMeter(Console(file=output, force_terminal=True, width=120))

    meter.begin("weights.bin", 1_000_000)
    meter.reach(500_000)
    meter.begin("weights.bin", 1_000_000)
    meter.reach(1_000_000)
    meter.end()

    assert "1.0/1.0 MB" in output.getvalue()


def test_a_dumb_terminal_gets_plain_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    assert isinstance(meter_for(Console(force_terminal=True, _environ={"TERM": "xterm"})), BarMeter)
    assert isinstance(meter_for(Console(force_terminal=True, _environ={"TERM": "dumb"})), PlainMeter)
    assert isinstance(meter_for(Console(file=io.StringIO())), PlainMeter)
