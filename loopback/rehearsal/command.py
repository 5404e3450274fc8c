"""``bot.py rehearse``: play a script against the bot, show it, measure it, and end with 0 only if all went well."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, NoReturn

from rich.console import Console

from audio.stt.choose import choose_speech_to_text
from audio.tts.choose import choose_text_to_speech
from config import Settings, load_settings
from errors import ParleyError
from loopback.rehearsal.live_view import LiveView
from loopback.rehearsal.rehearsal import Rehearsal
from loopback.rehearsal.report_folder import make_folder, write_report
from loopback.rehearsal.script import Script
from loopback.rehearsal.script_file import load_script
from loopback.rehearsal.summary import print_summary

ROOT: Final = Path(__file__).resolve().parents[2]
DEFAULT_SCRIPT: Final = ROOT / "rehearsals" / "first_call.yaml"
FAILED: Final = 1
INTERRUPTED: Final = 128 + signal.SIGINT


def rehearse_and_leave(script: Path | None = None, report: Path | None = None) -> NoReturn:
    """:func:`rehearse`, then leave the process at once: the native call library may hang or abort in an orderly exit."""
    code = rehearse(script, report)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def rehearse(script: Path | None = None, report: Path | None = None) -> int:
    """Play ``script`` (the first call by default), print how it went, write a report into ``report``; returns the exit code."""
    console = Console(highlight=False)
    try:
        loaded = load_script(script or DEFAULT_SCRIPT)
        own: dict[str, Any] = dict(loaded.settings)
        settings = load_settings(**own)
        played = loaded.named(settings.bot_name).dated(datetime.now(UTC), settings.time_zone)
        return asyncio.run(_rehearse(played, settings, report, console))
    except ParleyError as error:
        print(f"❌ {error}", file=sys.stderr)
        return error.exit_code
    except (KeyboardInterrupt, asyncio.CancelledError):
        print("The rehearsal was broken off.", file=sys.stderr)
        return INTERRUPTED


async def _rehearse(script: Script, settings: Settings, folder: Path | None, console: Console) -> int:
    _cancel_on(signal.SIGTERM, signal.SIGHUP)
    if folder is not None:
        make_folder(folder)
    voice_engine = choose_text_to_speech(settings)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(voice_engine.close)
        await voice_engine.load()
        with LiveView(console, settings.bot_name, time.monotonic) as view:
            rehearsal = Rehearsal(script, settings, voice_engine, choose_speech_to_text(settings), _bot_command(), view)
            report = await rehearsal.run()
    print_summary(report, console)
    if folder is not None:
        write_report(report, rehearsal, folder)
        console.print(f"The report is in {folder}.", soft_wrap=True)
    return 0 if report.passed else FAILED


def _bot_command() -> list[str]:
    return [sys.executable, str(ROOT / "bot.py"), "run"]


def _cancel_on(*signals: signal.Signals) -> None:
    """End in good order, the bot included, when the terminal or a supervisor asks for it."""
    task = asyncio.current_task()
    assert task is not None
    for number in signals:
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
