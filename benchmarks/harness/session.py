"""Runs one system through the script in a process of its own, and prints what came of it as one line of JSON.

Each system has a program that builds it and calls :func:`run`; whatever else differs between programs is the system's.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import math
import time
import urllib.request
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

from benchmarks.harness.cost import cpu_s, rss_mb
from benchmarks.harness.microphone import Microphone, Push
from benchmarks.harness.script import Course, Delays, Prompter, Talk
from benchmarks.harness.sounds import clip
from benchmarks.harness.speaker import Speaker

SETTLE_S: Final = 1.5
BETWEEN_SESSIONS_S: Final = 0.137
"""Sessions begin one after the other, so that they don't all speak in the same packet."""
HOPS_MS: Final = (10, 32)


@dataclass(frozen=True, slots=True)
class Setup:
    """How every system is to be built, as far as it has a choice."""

    delays: Delays
    hop_ms: int
    """The window of the loudness detector that stands for a model."""
    silero: bool
    real: bool
    """Whisper, Piper and a language model behind HTTP instead of stubs."""
    own_turn_model: bool
    """End turns by the system's own model, at its defaults."""
    beams: int
    whisper: Path | None
    voice: Path | None
    brain_url: str
    extra: str = ""
    """What only this system knows."""


@dataclass(slots=True)
class Ends:
    """The two ends of one session: where sound goes in, and what comes out."""

    push: Push
    speaker: Speaker
    prompter: Prompter


@dataclass(slots=True)
class Figures:
    """What one run gave; lists hold seconds."""

    system: str
    sessions: int
    voice_to_voice_s: list[float] = field(default_factory=list)
    duck_s: list[float] = field(default_factory=list)
    silence_s: list[float] = field(default_factory=list)
    listenings: list[dict[str, Any]] = field(default_factory=list)
    missed: int = 0
    wall_s: float = 0.0
    cpu_s_per_min: float = 0.0
    rss_import_mb: float = 0.0
    rss_mb_per_session: float = 0.0
    mic_lag_ms: float = 0.0
    tasks_per_session: float = 0.0
    notes: dict[str, Any] = field(default_factory=dict)


Build = Callable[[Setup], Awaitable[Ends]]


async def run(system: str, build: Build, ready: Callable[[], Awaitable[None]] | None = None, notes: dict[str, Any] | None = None) -> None:
    """Build as many sessions as the command line asks for, talk, and print. ``ready`` is awaited once all are built."""
    wanted = _arguments()
    setup = _setup(wanted)
    course = Course(wanted.turns, wanted.barge_ins, wanted.listenings, [clip(path) for path in wanted.clip])
    figures = Figures(system, wanted.sessions, rss_import_mb=round(rss_mb(), 1))
    sessions = [await build(setup) for _ in range(wanted.sessions)]
    if ready:
        await ready()
    await asyncio.sleep(SETTLE_S)
    await _talk(sessions, course, wanted.silent, figures)
    figures.notes = notes or {}
    print(json.dumps({key: _plain(value) for key, value in asdict(figures).items()}), flush=True)


def _plain(value: Any) -> Any:
    if isinstance(value, list):
        return [item for item in value if not (isinstance(item, float) and math.isnan(item))]
    return value


async def _talk(sessions: list[Ends], course: Course, silent_s: float, figures: Figures) -> None:
    microphones = [Microphone(session.push) for session in sessions]
    talks = [Talk(course, microphone, session.speaker, session.prompter) for microphone, session in zip(microphones, sessions, strict=True)]
    open_microphones = [asyncio.create_task(microphone.run()) for microphone in microphones]
    await asyncio.sleep(0.5)
    cpu_before_s, began_s = cpu_s(), time.perf_counter()

    async def one(number: int, talk: Talk) -> None:
        await asyncio.sleep(BETWEEN_SESSIONS_S * number)
        await talk.run()

    await asyncio.gather(*(one(number, talk) for number, talk in enumerate(talks)), asyncio.sleep(silent_s))
    figures.wall_s = round(time.perf_counter() - began_s, 2)
    figures.cpu_s_per_min = round(60 * (cpu_s() - cpu_before_s) / figures.wall_s / len(sessions), 4)
    figures.rss_mb_per_session = round((rss_mb() - figures.rss_import_mb) / len(sessions), 3)
    figures.tasks_per_session = round(len(asyncio.all_tasks()) / len(sessions), 1)
    for task in open_microphones:
        task.cancel()
    figures.mic_lag_ms = round(1000 * max(microphone.max_lag_s for microphone in microphones), 1)
    _collect(talks, figures)


def _collect(talks: list[Talk], figures: Figures) -> None:
    for results in (talk.results for talk in talks):
        figures.voice_to_voice_s += results.voice_to_voice_s
        figures.duck_s += results.duck_s
        figures.silence_s += results.silence_s
        figures.listenings += [asdict(listening) for listening in results.listenings]
        figures.missed += results.missed


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sessions", type=int, default=1)
    parser.add_argument("--turns", type=int, default=0)
    parser.add_argument("--barge-ins", type=int, default=0)
    parser.add_argument("--listenings", type=int, default=0)
    parser.add_argument("--silent", type=float, default=0.0, metavar="SECONDS")
    parser.add_argument("--clip", type=Path, action="append", default=[], help="recorded speech instead of tones")
    parser.add_argument("--hop-ms", type=int, choices=HOPS_MS, default=32)
    parser.add_argument("--silero", action="store_true")
    parser.add_argument("--real", action="store_true")
    parser.add_argument("--own-turn-model", action="store_true")
    parser.add_argument("--beams", type=int, default=1)
    parser.add_argument("--whisper", type=Path)
    parser.add_argument("--voice", type=Path)
    parser.add_argument("--brain-url", default="")
    parser.add_argument("--extra", default="")
    return parser.parse_args()


def _setup(wanted: argparse.Namespace) -> Setup:
    return Setup(
        Delays(),
        wanted.hop_ms,
        wanted.silero,
        wanted.real,
        wanted.own_turn_model,
        wanted.beams,
        wanted.whisper,
        wanted.voice,
        wanted.brain_url,
        wanted.extra,
    )


def prompter_for(setup: Setup) -> Prompter:
    """With real engines the answer is told to the service that gives it."""
    if not setup.real or not setup.brain_url:
        return Prompter()

    async def tell(answer: str) -> None:
        await asyncio.to_thread(_put, f"{setup.brain_url}/reply", answer)

    return Prompter(answers_changed=tell)


def _put(url: str, text: str) -> None:
    with contextlib.closing(urllib.request.urlopen(urllib.request.Request(url, data=text.encode(), method="PUT"))) as answer:
        answer.read()
