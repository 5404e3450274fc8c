"""Fifty calls in one process leave nothing behind: no memory, task, thread or file descriptor."""

from __future__ import annotations

import asyncio
import gc
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from calls.admission import Admission
from calls.drafting import Engines
from calls.events import EventBus
from calls.gates import NO_JOIN_LIMITS, Gates
from calls.lines.pacer import Pacer
from calls.lines.telegram_group import TelegramGroupLine
from calls.manager import CallManager
from calls.manners import Manners
from calls.telegram.client import TelegramAccount
from calls.telegram.engine import CallEngine
from config import load_settings
from loopback.media.server import MediaServer
from loopback.settings import LoopbackSettings
from loopback.telegram import LoopbackTelegram
from tests.call_process import run_in_process
from tests.calls.stage import HearsClips, ScriptedBrain, ScriptedVoice

CALLS = 50
WARM_AFTER = 5
MOST_GROWTH_BYTES = 10 * 2**20


@dataclass(frozen=True)
class Footprint:
    resident_bytes: int
    threads: int
    descriptors: int
    tasks: int

    @classmethod
    def now(cls) -> Footprint:
        gc.collect()
        status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
        resident = int(status["VmRSS"].split()[0]) * 1024
        return cls(resident, int(status["Threads"]), len(list(Path("/proc/self/fd").iterdir())), len(asyncio.all_tasks()))


async def _manners(_chat_id: int) -> Manners:
    return Manners()


async def settled(warm: Footprint) -> Footprint:
    """The footprint when what ends is over, in some seconds at the latest."""
    for _ in range(20):
        await asyncio.sleep(1)
        now = Footprint.now()
        if now.threads <= warm.threads and now.descriptors <= warm.descriptors and now.tasks <= warm.tasks:
            break
    return now


async def join_and_leave_fifty_times() -> None:
    async with LoopbackTelegram(MediaServer(), settings=LoopbackSettings(natural_floods=False)) as telegram:
        ann, bot = telegram.add_account("Ann"), telegram.add_account("Parley")
        group = telegram.add_group("Book club", ann, members=[bot])
        telegram.start_voice_chat(group, ann)
        settings = load_settings(None, telegram_session=telegram.session_for(bot), api_id=1, api_hash="0" * 32)
        account = await TelegramAccount.connect(settings)
        account.gates = Gates(time.monotonic, NO_JOIN_LIMITS, {})
        engine = CallEngine(account.client)
        await engine.start()
        pacer, engines = Pacer(), Engines(HearsClips([]), ScriptedBrain(lambda _messages: "Yes."), ScriptedVoice())
        chat_id = -1_000_000_000_000 - group.id
        async with CallManager(
            lambda chat, title: TelegramGroupLine(account, engine, pacer, chat, title), engines, _manners, EventBus(), Admission(1)
        ) as manager:
            for number in range(1, CALLS + 1):
                await manager.join(chat_id, "Book club", ann.id)
                await asyncio.sleep(0.2)
                assert await manager.leave(chat_id)
                if number == WARM_AFTER:
                    await asyncio.sleep(1)
                    warm = Footprint.now()
        end = await settled(warm)
        print(f"after {WARM_AFTER}: {warm}\nafter {CALLS}: {end}")
        assert end.resident_bytes - warm.resident_bytes < MOST_GROWTH_BYTES
        assert end.threads <= warm.threads
        assert end.descriptors <= warm.descriptors
        assert end.tasks <= warm.tasks
        engine.close()
        await account.close()


@pytest.mark.timeout(400)
def test_fifty_calls_leave_nothing_behind() -> None:
    run_in_process(join_and_leave_fifty_times, timeout_s=300)
