"""``bot.py doctor``: the findings on the terminal or as JSON, and the exit code."""

from __future__ import annotations

import asyncio
import json
import logging
from collections import Counter
from pathlib import Path
from typing import Any, Final

from rich.console import Console

from doctor.examination import Check, Examined, all_checks, examine
from doctor.finding import MARKS, Verdict
from redaction import redacted

EXIT_FAILURES: Final = 1
ENV_FILE: Final = Path(".env")
TITLE_WIDTH: Final = 18


def run(*, as_json: bool, quick: bool, stun: str | None) -> int:
    """Examine this machine and tell of it; the exit code: 0, or 1 where something must be mended before Parley can work."""
    logging.getLogger().addHandler(logging.NullHandler())
    progress = Console(stderr=True)
    with progress.status("Looking …") as status:

        def now_at(check: Check) -> None:
            status.update(f"{check.title} …")

        found = asyncio.run(_examined(all_checks(ENV_FILE, quick=quick, stun=stun), now_at, Console(), as_json))
    verdicts = Counter(each.finding.verdict for each in found)
    if as_json:
        print(json.dumps(as_object(found), indent=2, ensure_ascii=False))
    else:
        print(_summary(verdicts))
    return EXIT_FAILURES if verdicts[Verdict.FAILURE] else 0


async def _examined(checks: list[Check], now_at: Any, console: Console, quiet: bool) -> list[Examined]:
    found = []
    async for each in examine(checks, now_at):
        found.append(each)
        if not quiet:
            console.print(line_of(each), highlight=False, markup=False, soft_wrap=True)
    return found


def line_of(examined: Examined) -> str:
    """What a person reads of one check."""
    finding = examined.finding
    step = f"\n{'':{TITLE_WIDTH + 3}}→ {finding.next_step}" if finding.next_step else ""
    return redacted(f"{MARKS[finding.verdict]} {examined.check.title:{TITLE_WIDTH}} {finding.what.rstrip()}{step}")


def as_object(found: list[Examined]) -> dict[str, Any]:
    """What a program reads of all."""
    return {
        "ok": not any(each.finding.verdict is Verdict.FAILURE for each in found),
        "checks": [
            {
                "name": each.check.name,
                "verdict": each.finding.verdict.value,
                "what": redacted(each.finding.what.rstrip()),
                "next_step": redacted(each.finding.next_step),
                "took_s": round(each.took_s, 3),
            }
            for each in found
        ],
    }


def _summary(verdicts: Counter[Verdict]) -> str:
    if verdicts[Verdict.FAILURE]:
        return f"\n{verdicts[Verdict.FAILURE]} to mend before Parley can work, {verdicts[Verdict.WARNING]} to look at."
    if verdicts[Verdict.WARNING]:
        return f"\nParley can work; {verdicts[Verdict.WARNING]} to look at."
    return "\nAll is well. Start Parley with: scripts/run"
