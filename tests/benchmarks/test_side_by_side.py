from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

from benchmarks import barge_in, idle, side_by_side, v2v
from benchmarks.harness.session import Figures
from benchmarks.peers import environment
from benchmarks.pictures import Bar, draw_bars
from benchmarks.side_by_side import figures_in, measured, parley
from errors import ParleyError

FIGURES = Figures("parley", 1, voice_to_voice_s=[0.7, 0.68, 0.72], duck_s=[0.09], silence_s=[0.15, 0.17], wall_s=10.0)


def listening(*, finished: bool, silent_s: float = 0.4, skipped: tuple[str, ...] = ()) -> dict[str, Any]:
    return {"sign": "yeah", "finished": finished, "silent_s": silent_s, "skipped": list(skipped), "repeated": []}


def test_figures_are_the_last_line_that_is_json() -> None:
    assert figures_in(f"loading\n{json.dumps(asdict(FIGURES))}\nbye\n", "Parley") == FIGURES


def test_a_program_without_figures_is_named_with_its_complaint() -> None:
    with pytest.raises(ParleyError, match="Pipecat gave no figures: no such model"):
        figures_in("", "Pipecat", "Traceback\nno such model\n")


def test_overhead_is_what_is_over_the_bound() -> None:
    row = v2v.row_of(parley().with_options("late"), FIGURES, 0.66)

    assert (row.system, row.setting, row.turns) == ("Parley", "late", 3)
    assert (row.p50_ms, row.p95_ms, row.over_bound_p50, row.over_bound_p95) == (700.0, 720.0, 40.0, 60.0)


def test_spans_are_medians_of_each() -> None:
    figures = replace(FIGURES, notes={"spans_ms": [{"hearing": 10.0}, {"hearing": 30.0, "floor": 5.0}, {"hearing": 20.0}]})

    assert v2v.spans_of(figures) == {"hearing": 20.0, "floor": 5.0}


def test_every_system_is_run_in_every_setting() -> None:
    peer = side_by_side.Program("Peer", ("peer",))

    stub = [run.program.label for run in v2v.stub_runs([peer], quick=True)]
    real = [run.program.label for run in v2v.real_runs([peer], quick=True, models=())]

    assert sum(label.startswith("Peer") for label in stub) == 2
    assert "Parley, speculates, 10 ms" in stub
    assert {"Parley, alike", "Peer, alike", "Parley, as it comes", "Peer, as it comes"} <= set(real)


def test_interruptions_of_a_run_become_a_row() -> None:
    row = barge_in.row_of(parley(), FIGURES)

    assert (row.interruptions, row.duck_p50_ms, row.silent_p50_ms, row.silent_p95_ms) == (2, 90.0, 160.0, 170.0)


def test_replies_that_were_stopped_count_and_what_is_missing_of_the_others() -> None:
    listenings = [listening(finished=True), listening(finished=True, silent_s=0.01, skipped=("golf",)), listening(finished=False)]

    row = barge_in.listening_row_of(parley(), replace(FIGURES, listenings=listenings))

    assert (row.signs, row.stopped_percent, row.never_silent, row.held_p50_ms) == (3, 33.3, 1, 400.0)
    assert row.words_skipped == 1


def test_an_extra_session_costs_the_difference() -> None:
    one, many = replace(FIGURES, rss_mb_per_session=10.0), replace(FIGURES, sessions=50, rss_mb_per_session=0.69)

    row = idle.row_of(parley(), one, many, FIGURES)

    assert row.mb_extra_session == pytest.approx(0.5)


async def test_a_program_that_fails_is_told() -> None:
    broken = side_by_side.Program("Broken", (sys.executable, "-c", "raise SystemExit('out of order')"))

    with pytest.raises(ParleyError, match="out of order"):
        await measured(broken, (), any_load=True)


async def test_a_lagging_run_is_tried_again_and_the_better_one_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    runs = [replace(FIGURES, mic_lag_ms=80.0), replace(FIGURES, mic_lag_ms=5.0)]

    async def give(*_: object) -> Figures:
        return runs.pop(0)

    monkeypatch.setattr(side_by_side, "_run", give)
    monkeypatch.setattr(os, "getloadavg", lambda: (0.1, 0.1, 0.1))

    assert (await measured(parley(), ())).mic_lag_ms == 5.0
    assert not runs


async def test_parley_gives_figures_in_a_process_of_its_own() -> None:
    figures = await measured(parley(), ("--silent", "0.3", "--sessions", "2"), any_load=True)

    assert (figures.system, figures.sessions, figures.missed) == ("parley", 2, 0)
    assert figures.rss_import_mb > 0


def test_a_peer_is_installed_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    commands: list[tuple[str, ...]] = []

    def run(command: tuple[str, ...], **_: object) -> subprocess.CompletedProcess[str]:
        commands.append(command)
        environment.PIPECAT.folder.mkdir(exist_ok=True)
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(environment, "PEERS_DIR", tmp_path)
    monkeypatch.setattr(subprocess, "run", run)

    first, second = environment.python_of(environment.PIPECAT), environment.python_of(environment.PIPECAT)

    assert first == second == tmp_path / "pipecat-ai-1.14.0" / "bin" / "python"
    assert len(commands) == 2
    assert "pipecat-ai==1.14.0" in commands[1]
    assert capsys.readouterr().err.count("Installing Pipecat 1.14.0") == 1


def test_a_peer_that_cannot_be_installed_says_why_and_how_to_go_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    failed = subprocess.CompletedProcess((), 1, "", "warning\nno matching distribution")
    monkeypatch.setattr(environment, "PEERS_DIR", tmp_path)
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: failed)

    with pytest.raises(ParleyError, match=r"no matching distribution.*--peers none"):
        environment.python_of(environment.LIVEKIT)


def test_bars_are_drawn(tmp_path: Path) -> None:
    draw_bars([Bar("Parley", 600.0, 640.0, True), Bar("Peer", 700.0, 720.0, False)], "title", "ms", tmp_path / "a.png", 660.0)

    assert (tmp_path / "a.png").stat().st_size > 1000
