"""How long the services from Python take: the first call, which loads the models, and those after it.

    python benchmarks/voice_services.py [--quick] [--json FILE]

A sentence of about three seconds is spoken, and what came out is transcribed, with the engines of the settings in this process.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.report import argument_parser, median, percentile, publish
from voice_services.stt_service import get_stt_service
from voice_services.tts_service import get_tts_service

TIMES: Final = 20
SENTENCE: Final = "Hello! The weather is nice today, so let us go for a walk. {number}"
"""A number makes each sentence a new one: none comes from a cache."""


@dataclass(frozen=True, slots=True)
class Row:
    """One service."""

    service: str
    first_s: float
    next_p50_s: float
    next_p95_s: float


def row(service: str, work: Callable[[int], object], times: int) -> Row:
    """The service measured ``times`` times after the first call."""
    took = [_seconds(work, number) for number in range(times + 1)]
    return Row(service, round(took[0], 2), round(median(took[1:]), 2), round(percentile(took[1:], 95), 2))


def _seconds(work: Callable[[int], object], number: int) -> float:
    began_s = time.perf_counter()
    work(number)
    return time.perf_counter() - began_s


def main() -> None:
    """Measure, and print a table."""
    options = argument_parser(__doc__ or "").parse_args()
    times = 5 if options.quick else TIMES
    sounds: list[bytes] = []

    def speak(number: int) -> None:
        sounds.append(get_tts_service().text_to_speech(SENTENCE.format(number=number)))

    def hear(number: int) -> None:
        get_stt_service().speech_to_text(sounds[number])

    publish(
        "voice_services", [row("text to speech", speak, times), row("speech to text", hear, times)], options.json, "Services from Python"
    )


if __name__ == "__main__":
    main()
