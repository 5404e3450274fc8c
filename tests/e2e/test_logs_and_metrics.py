"""bot.py run on the loopback Telegram: its metrics follow a call, and its log file holds the lines of the bot and of its supervisor."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import stat

import aiohttp

from tests.call_process import run_in_process
from tests.e2e.running_bot import a_town, until
from tests.free_ports import free_port


async def metrics_at(port: int) -> dict[str, float]:
    async with aiohttp.ClientSession() as session, session.get(f"http://127.0.0.1:{port}/metrics") as page:
        lines = (await page.text()).splitlines()
    return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in lines if not line.startswith("#"))}


async def a_call_a_crash_and_the_call_again() -> None:
    async with a_town(groups=1) as town:
        port, file = free_port(), town.folder / "logs" / "parley.log"
        bot = await town.start_bot(METRICS_PORT=str(port), LOG_FORMAT="json", LOG_FILE=str(file))
        await bot.ready()
        before = await metrics_at(port)
        assert before['parley_calls{kind="group"}'] == 0
        await town.join_everywhere()
        seen = await metrics_at(port)
        assert seen['parley_calls{kind="group"}'] == seen['parley_calls_joined_total{kind="group"}'] == 1
        assert seen["parley_event_loop_lag_seconds_count"] > 0
        places = town.places()
        os.kill(bot.child, signal.SIGSEGV)
        await town.all_in(places, "Parley is back in its call")
        while not (joined_now := (await metrics_at(port)).get('parley_calls_joined_total{kind="group"}')):  # noqa: ASYNC110 - a page does not tell
            await asyncio.sleep(0.1)
        assert joined_now == 1, "a new process counts anew"
        await until(lambda: file.read_text(encoding="utf-8").count("Successfully joined voice chat") >= 2, "both joins are logged")
        lines = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
        told = [line["event"] for line in lines]
        assert [line for line in told if "ended by SIGSEGV" in line], "the supervisor's line"
        joined = [line for line in lines if line["event"].startswith("✅ Successfully joined voice chat")]
        assert [line["chat_id"] for line in joined] == [town.groups[0].dialog_id] * 2
        assert len({line["call_id"] for line in joined}) == 2
        assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_call_a_crash_and_the_call_again() -> None:
    run_in_process(a_call_a_crash_and_the_call_again, timeout_s=200)
