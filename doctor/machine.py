"""The machine: its time zone and its memory."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from brain.choose import chosen_kind
from config import Settings
from doctor.finding import Finding, failure, ok, warning

LOCAL_TIME: Final = Path("/etc/localtime")
MEMORY: Final = Path("/proc/meminfo")
NEEDED_MB: Final = {"embedded": 1500, "other": 700}
"""Roughly: the embedded engines together take about 1.2 GB, without the embedded brain about 0.5 GB."""


def machine_zone() -> str | None:
    """The name of this machine's time zone, where it has one."""
    named = os.environ.get("TZ", "").lstrip(":")
    path = str(LOCAL_TIME.resolve())
    return named or (path.partition("/zoneinfo/")[2] or None)


def time_zone(settings: Settings, zone_of_machine: Callable[[], str | None] = machine_zone) -> Finding:
    """Quiet hours and appointments are told in it."""
    try:
        now = time.strftime("%H:%M", time.gmtime(time.time() + _offset_s(settings.time_zone)))
    except ZoneInfoNotFoundError:
        return failure(
            f"The rules of the time zone {settings.time_zone} are missing.", "pip install -r requirements.txt (it brings tzdata)"
        )
    here = zone_of_machine()
    is_default = "time_zone" not in settings.model_fields_set
    if is_default and here and _differs(here, settings.time_zone):
        return warning(f"Quiet hours are in {settings.time_zone}, and this machine is in {here}.", f"Put TIME_ZONE={here} into .env.")
    return ok(f"The time zone is {settings.time_zone}: it is {now} there.")


def _offset_s(zone: str) -> float:
    offset = datetime.now(ZoneInfo(zone)).utcoffset()
    return offset.total_seconds() if offset else 0.0


def _differs(one: str, other: str) -> bool:
    try:
        return _offset_s(one) != _offset_s(other)
    except (ZoneInfoNotFoundError, ValueError):
        return False


def memory(settings: Settings, file: Path = MEMORY) -> Finding:
    """Whether there is enough to load the engines."""
    needed = NEEDED_MB["embedded" if chosen_kind(settings) == "embedded" else "other"]
    try:
        lines = dict(line.split(":", 1) for line in file.read_text().splitlines() if ":" in line)
        available = int(lines["MemAvailable"].split()[0]) // 1024
    except (OSError, KeyError, ValueError):
        return ok("How much memory is free cannot be told here.")
    if available < needed:
        lighter = "Stop other programs, or let services do the work: BRAIN=openai or anthropic, STT_URL."
        return warning(f"{available} MB of memory are free; the engines need about {needed} MB.", lighter)
    return ok(f"{available} MB of memory are free.")
