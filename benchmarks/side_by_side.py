"""Runs Parley and the peers one after the other, each in a process of its own, with the same microphone, speaker and script."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from benchmarks.harness.session import Figures
from benchmarks.peers.environment import CHOICES, Peer, python_of
from benchmarks.report import argument_parser
from errors import ParleyError

ROOT: Final = Path(__file__).resolve().parent.parent
MOST_LAG_MS: Final = 30.0
"""A run whose microphone was later than this met a busy machine."""
QUIET_LOAD: Final = 0.7
"""Of the last minute; a measuring run waits for it."""
QUIET_TIMEOUT_S: Final = 600
RUN_TIMEOUT_S: Final = 600
TRIES: Final = 2
PARLEY: Final = "Parley"


@dataclass(frozen=True, slots=True)
class Program:
    """A system under the microphone: what the table calls it and how it is set up, and how it is run."""

    name: str
    command: tuple[str, ...]
    setting: str = ""

    def with_options(self, setting: str, *options: str) -> Program:
        """The same system, set up differently."""
        return Program(self.name, (*self.command, *options), setting)

    @property
    def label(self) -> str:
        """Name and setting."""
        return f"{self.name}, {self.setting}" if self.setting else self.name

    @property
    def is_parley(self) -> bool:
        """It is ours."""
        return self.name == PARLEY


def parley() -> Program:
    """Parley itself."""
    return Program(PARLEY, (sys.executable, "-m", "benchmarks.parley_session"))


def peer_program(peer: Peer) -> Program:
    """A peer, installed if need be.

    :raises errors.ParleyError: it can't be installed.
    """
    return Program(peer.name, (str(python_of(peer)), "-m", peer.program))


def comparing_parser(description: str) -> argparse.ArgumentParser:
    """The options of all benchmarks, and which peers to run."""
    parser = argument_parser(description)
    parser.add_argument("--peers", choices=CHOICES, default="both", help="whom to compare with; installed when first needed")
    parser.add_argument("--any-load", action="store_true", help="measure even while the machine is busy")
    return parser


def peers_of(choice: str) -> list[Program]:
    """The peers that ``--peers`` names.

    :raises errors.ParleyError: one can't be installed.
    """
    return [peer_program(peer) for peer in CHOICES[choice]]


async def until_quiet(any_load: bool) -> None:
    """Wait for the load of the machine to fall, as long as may be expected."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(0 if any_load else QUIET_TIMEOUT_S):
            while os.getloadavg()[0] >= QUIET_LOAD:  # noqa: ASYNC110 - the load has no event
                await asyncio.sleep(5)


async def measured(program: Program, options: Sequence[str], *, any_load: bool = False) -> Figures:
    """One run that did not meet a busy machine, if there is one among a few.

    :raises errors.ParleyError: the program failed.
    """
    figures = await _after_quiet(program, options, any_load)
    for _ in range(0 if any_load else TRIES - 1):
        if figures.mic_lag_ms <= MOST_LAG_MS:
            break
        print(f"{program.label}: the microphone was {figures.mic_lag_ms:.0f} ms late, once more ...", file=sys.stderr, flush=True)
        again = await _after_quiet(program, options, any_load)
        figures = min(figures, again, key=lambda run: run.mic_lag_ms)
    return figures


async def _after_quiet(program: Program, options: Sequence[str], any_load: bool) -> Figures:
    await until_quiet(any_load)
    print(f"{program.label} ...", file=sys.stderr, flush=True)
    return await _run(program, options)


async def _run(program: Program, options: Sequence[str]) -> Figures:
    process = await asyncio.create_subprocess_exec(
        *program.command,
        *options,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), "HF_HUB_OFFLINE": "1"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        out, complaints = await asyncio.wait_for(process.communicate(), RUN_TIMEOUT_S)
    except TimeoutError:
        raise ParleyError(f"{program.label} was not done within {RUN_TIMEOUT_S} s.") from None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return figures_in(out.decode(), program.label, complaints.decode(errors="replace"))


def figures_in(output: str, label: str, complaints: str = "") -> Figures:
    """The figures in what a program printed.

    :raises errors.ParleyError: there are none.
    """
    for line in reversed(output.splitlines()):
        with contextlib.suppress(ValueError):
            plain: Any = json.loads(line)
            if isinstance(plain, dict):
                return Figures(**plain)
    why = (complaints.strip().splitlines() or ["it printed nothing"])[-1]
    raise ParleyError(f"{label} gave no figures: {why}", "Run it alone to see more, or leave it out: --peers none.")
