"""The bot's process over its lives: small programs that behave as the bot does."""

import asyncio
import contextlib
import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from loopback.rehearsal.bot_lives import BotLives
from loopback.rehearsal.bot_process import READY, BotFailed
from loopback.rehearsal.process_tree import is_alive

CALLING_CHILD = f"import ntgcalls, os, time; print('child', os.getpid(), flush=True); print({READY!r}, flush=True); time.sleep(60)"
SUPERVISED_BOT = f"""
import subprocess, sys
while True:
    subprocess.run([sys.executable, "-c", {CALLING_CHILD!r}])
"""
BOT_WITHOUT_CALLS = f"import time; print({READY!r}, flush=True); time.sleep(60)"
BOT_WITHOUT_SUPERVISION = f"import subprocess, sys, time; subprocess.run([sys.executable, '-c', {CALLING_CHILD!r}]); time.sleep(60)"


def lives(program: str, folder: Path) -> BotLives:
    environment = {"PATH": os.environ["PATH"], "PYTHONIOENCODING": "utf-8"}
    return BotLives([sys.executable, "-c", program], environment, folder)


def children(bot: BotLives) -> list[int]:
    return [int(line.split()[1]) for line in bot.lines if line.startswith("child")]


async def wait_until(reached: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not reached():  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def test_a_crash_hits_the_process_in_the_calls_and_its_return_is_noticed(tmp_path: Path) -> None:
    async with lives(SUPERVISED_BOT, tmp_path) as bot:
        await bot.ready()
        bot.crash("SIGSEGV")
        await bot.ready_again(60.0)
        first, second = children(bot)
        assert not is_alive(first)
        assert is_alive(second)
    assert not is_alive(second)


async def test_a_stopped_bot_is_no_failure_and_begins_again(tmp_path: Path) -> None:
    async with lives(SUPERVISED_BOT, tmp_path) as bot:
        watching = asyncio.create_task(bot.watch())
        await bot.ready()
        await bot.stop("SIGKILL")
        await wait_until(lambda: not is_alive(children(bot)[0]))
        with pytest.raises(BotFailed, match="does not run"):
            bot.crash("SIGSEGV")
        await bot.start()
        assert len(children(bot)) == 2
        assert not watching.done()
        watching.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await watching


async def test_a_bot_that_ends_by_itself_is_a_failure(tmp_path: Path) -> None:
    async with lives(f"print({READY!r}, flush=True); raise SystemExit(3)", tmp_path) as bot:
        with pytest.raises(BotFailed, match="ended with exit code 3"):
            await bot.watch()


async def test_a_bot_that_does_not_come_back_is_told(tmp_path: Path) -> None:
    async with lives(BOT_WITHOUT_SUPERVISION, tmp_path) as bot:
        await bot.ready()
        bot.crash("SIGKILL")
        with pytest.raises(BotFailed, match=r"not ready within 0\.2 s"):
            await bot.ready_again(0.2)


async def test_a_bot_that_is_in_no_calls_is_told(tmp_path: Path) -> None:
    async with lives(BOT_WITHOUT_CALLS, tmp_path) as bot:
        await bot.ready()
        with pytest.raises(BotFailed, match="has the call library loaded"):
            bot.crash("SIGSEGV")
