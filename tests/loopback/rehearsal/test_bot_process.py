import asyncio
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from loopback.rehearsal.bot_process import DIE_WITH_PARENT, READY, BotFailed, BotProcess

ROOT = Path(__file__).resolve().parents[3]
READY_BOT = f"import time; print({READY!r}, flush=True); time.sleep(60)"
STUBBORN_BOT = f"""
import os, signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
print("child", child.pid, flush=True)
print({READY!r}, flush=True)
time.sleep(60)
"""


def bot(program: str, folder: Path, **environment: str) -> BotProcess:
    return BotProcess([sys.executable, "-c", program], {"PATH": os.environ["PATH"], "PYTHONIOENCODING": "utf-8", **environment}, folder)


def alive(pid: int) -> bool:
    """Whether the process runs; one that nobody has reaped yet has ended too."""
    stat = Path(f"/proc/{pid}/stat")
    return stat.exists() and stat.read_text().rpartition(")")[2].split()[0] != "Z"


async def wait_until(reached: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not reached():  # noqa: ASYNC110 - processes do not tell
            await asyncio.sleep(0.01)


async def test_a_bot_is_ready_when_it_says_so_and_ends_with_the_rehearsal(tmp_path: Path) -> None:
    async with bot(READY_BOT, tmp_path) as process:
        await process.ready(60.0)
        pid = process.pid
        assert alive(pid)
    assert not alive(pid)


async def test_the_last_lines_of_a_bot_that_dies_are_told(tmp_path: Path) -> None:
    async with bot("import sys; print('no models here'); sys.exit(69)", tmp_path) as process:
        with pytest.raises(BotFailed, match=r"ended with exit code 69\. Its last lines:\n  no models here"):
            await process.ready(60.0)


async def test_a_bot_that_crashes_in_the_middle_is_told(tmp_path: Path) -> None:
    async with bot(f"print({READY!r}, flush=True); import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", tmp_path) as process:
        await process.ready(60.0)
        with pytest.raises(BotFailed, match="ended with signal SIGSEGV"):
            await process.ended()


async def test_a_bot_that_is_never_ready_is_told(tmp_path: Path) -> None:
    async with bot("import time; time.sleep(60)", tmp_path) as process:
        with pytest.raises(BotFailed, match=r"not ready within 0\.2 s\. It printed nothing"):
            await process.ready(0.2)


async def test_a_bot_that_will_not_end_is_made_to_together_with_its_children(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("loopback.rehearsal.bot_process.STOP_TIME_OUT_S", 0.2)
    async with bot(STUBBORN_BOT, tmp_path) as process:
        await process.ready(60.0)
        child = int(next(line for line in process.lines if line.startswith("child")).split()[1])
        assert alive(child)
    assert not alive(process.pid)
    await wait_until(lambda: not alive(child))


async def test_the_bot_ends_when_the_rehearsal_is_cancelled(tmp_path: Path) -> None:
    pids: list[int] = []

    async def rehearsal() -> None:
        async with bot(READY_BOT, tmp_path) as process:
            await process.ready(60.0)
            pids.append(process.pid)
            await asyncio.sleep(60)

    task = asyncio.create_task(rehearsal())
    await wait_until(lambda: bool(pids))
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not alive(pids[0])


REHEARSAL = """
import asyncio, sys
from pathlib import Path
from loopback.rehearsal.bot_process import BotProcess

async def main():
    environment = {"PATH": "/usr/bin:/bin", "PYTHONIOENCODING": "utf-8"}
    async with BotProcess([sys.executable, "-c", sys.argv[1]], environment, Path(sys.argv[2])) as bot:
        await bot.ready(60.0)
        print(bot.pid, next((line.split()[1] for line in bot.lines if line.startswith("child")), 0), flush=True)
        await asyncio.sleep(60)

asyncio.run(main())
"""
BOT_WITH_ENGINE = f"""
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE)
print("child", child.pid, flush=True)
print({READY!r}, flush=True)
time.sleep(60)
"""


async def test_the_bot_and_its_engines_end_even_when_the_rehearsal_is_killed(tmp_path: Path) -> None:
    rehearsal = await asyncio.create_subprocess_exec(
        sys.executable, "-c", REHEARSAL, BOT_WITH_ENGINE, str(tmp_path), cwd=ROOT, stdout=asyncio.subprocess.PIPE
    )
    assert rehearsal.stdout is not None
    pids = [int(pid) for pid in (await asyncio.wait_for(rehearsal.stdout.readline(), 60)).split()]
    assert all(alive(pid) for pid in pids)
    rehearsal.kill()
    await rehearsal.wait()
    await wait_until(lambda: not any(alive(pid) for pid in pids))


def test_a_bot_whose_parent_has_already_ended_does_not_begin() -> None:
    started = subprocess.run(
        [sys.executable, str(DIE_WITH_PARENT), "1", sys.executable, "-c", "print('here')"], capture_output=True, check=False
    )
    assert (started.returncode, started.stdout) == (1, b"")
