"""The supervisor and the heart of the bot: what is started again, what is not, and what is never left behind."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import heartbeat
from errors import EXIT_RESTART, EXIT_SETTINGS, EXIT_UNAVAILABLE, EXIT_USAGE
from heartbeat import ALIVE, READY, Heart
from supervisor import LONGEST_WAIT_S, MOST_FAILED_STARTS, STEADY_S, History, Next, Run, Silence
from tests.secret_watch import watch

ROOT = Path(__file__).resolve().parents[1]
WITHIN_S = 60.0

SUPERVISOR = """
import asyncio, logging, sys
sys.path.insert(0, {root!r})
from supervisor import Patience, Supervisor
logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(message)s")
patience = Patience(starting_s=60.0, working_s={working_s!r}, stopping_s={stopping_s!r})
sys.exit(asyncio.run(Supervisor([sys.executable, "-c", {bot!r}], patience).run()))
"""
BOT = """
import os, signal, subprocess, sys, time
from pathlib import Path
runs = Path("runs")
number = len(runs.read_text().splitlines()) + 1 if runs.exists() else 1
pipe = int(sys.argv[-1])

def begin():
    with runs.open("a") as file:
        file.write(f"{os.getpid()}\\n")

def work(seconds=60.0):
    os.write(pipe, b"!")
    begin()
    for _ in range(int(seconds * 10)):
        os.write(pipe, b".")
        time.sleep(0.1)

"""


class Supervised:
    """A supervisor with a bot that is a few lines of Python; ``number`` counts its runs from 1."""

    def __init__(self, folder: Path, bot: str, *, working_s: float = 30.0, stopping_s: float = 30.0) -> None:
        self.folder = folder
        program = SUPERVISOR.format(root=str(ROOT), bot=BOT + bot, working_s=working_s, stopping_s=stopping_s)
        self.process = subprocess.Popen(
            [sys.executable, "-c", program], cwd=folder, stderr=subprocess.PIPE, text=True, preexec_fn=heed_interrupts
        )

    def bots(self) -> list[int]:
        """The process ids of the bots that came so far as to work."""
        runs = self.folder / "runs"
        return [int(line) for line in runs.read_text().splitlines()] if runs.exists() else []

    def end(self) -> tuple[int, str]:
        """The exit code and what was told."""
        _, told = self.process.communicate(timeout=WITHIN_S)
        watch(told, "the supervisor")
        return self.process.returncode, told


def heed_interrupts() -> None:
    """What was started in the background of a shell ignores Ctrl-C otherwise."""
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)


def until(condition: Callable[[], object]) -> None:
    deadline_s = time.monotonic() + WITHIN_S
    while not condition():
        assert time.monotonic() < deadline_s
        time.sleep(0.02)


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.mark.parametrize(
    ("trouble", "told"),
    [
        ("os.kill(os.getpid(), signal.SIGSEGV)", "ended by SIGSEGV"),
        ("os.abort()", "ended by SIGABRT"),
        ("os.kill(os.getpid(), signal.SIGKILL)", "ended by SIGKILL"),
        ("os.kill(os.getpid(), signal.SIGSTOP)", "did not answer any more"),
        ("time.sleep(60)", "did not answer any more"),
        ("sys.exit(1)", "ended with exit code 1"),
        (f"sys.exit({EXIT_UNAVAILABLE})", f"ended with exit code {EXIT_UNAVAILABLE}"),
    ],
)
def test_after_a_crash_or_a_dead_lock_it_is_started_again(tmp_path: Path, trouble: str, told: str) -> None:
    supervised = Supervised(tmp_path, f"work(0.3)\nif number == 1:\n    {trouble}\n", working_s=3.0, stopping_s=1.0)
    code, log = supervised.end()
    assert code == 0
    assert len(supervised.bots()) == 2
    assert f"Parley {told}. It is started again at once." in log
    assert not any(is_alive(pid) for pid in supervised.bots())


def test_a_restart_that_was_asked_for_is_no_trouble(tmp_path: Path) -> None:
    supervised = Supervised(tmp_path, f"work(0.3)\nsys.exit({EXIT_RESTART} if number == 1 else 0)\n")
    code, log = supervised.end()
    assert code == 0
    assert len(supervised.bots()) == 2
    assert "exit code" not in log


@pytest.mark.parametrize("code", [0, 1, EXIT_USAGE, EXIT_UNAVAILABLE, EXIT_SETTINGS])
def test_what_keeps_it_from_starting_ends_the_supervisor_too(tmp_path: Path, code: int) -> None:
    supervised = Supervised(tmp_path, f"begin()\nsys.exit({code})\n")
    assert supervised.end() == (code, "")
    assert len(supervised.bots()) == 1


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_being_stopped_is_passed_on_and_waited_for(tmp_path: Path, number: signal.Signals) -> None:
    good_bye = "signal.signal(signal.SIGTERM, lambda *_: (Path('good-bye').touch(), sys.exit(0)))\nwork()\n"
    supervised = Supervised(tmp_path, good_bye)
    until(supervised.bots)
    supervised.process.send_signal(number)
    assert supervised.end() == (0, "")
    assert (tmp_path / "good-bye").exists()
    assert len(supervised.bots()) == 1


def test_one_that_does_not_stop_is_killed(tmp_path: Path) -> None:
    supervised = Supervised(
        tmp_path, "signal.signal(signal.SIGTERM, signal.SIG_IGN)\nsignal.signal(signal.SIGABRT, signal.SIG_IGN)\nwork()\n", stopping_s=1.0
    )
    until(supervised.bots)
    supervised.process.terminate()
    code, log = supervised.end()
    assert code == 128 + signal.SIGTERM
    assert "has not ended within 1 s and is killed" in log
    assert not is_alive(supervised.bots()[0])


@pytest.mark.parametrize("deaf", ["", "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"])
def test_one_that_still_starts_is_broken_off_with_one_line(tmp_path: Path, deaf: str) -> None:
    supervised = Supervised(tmp_path, f"{deaf}begin()\ntime.sleep(60)\n")
    until(supervised.bots)
    supervised.process.send_signal(signal.SIGINT)
    assert supervised.end() == (128 + signal.SIGINT, "Broken off.\n")
    assert not is_alive(supervised.bots()[0])


def test_stopped_while_it_waits_to_start_again(tmp_path: Path) -> None:
    supervised = Supervised(tmp_path, "work(0.3)\nsys.exit(1)\n")
    until(lambda: len(supervised.bots()) == 2)
    assert supervised.process.stderr is not None
    while "It is started again in" not in supervised.process.stderr.readline():
        assert supervised.process.poll() is None
    supervised.process.terminate()
    assert supervised.end()[0] == 0
    assert len(supervised.bots()) == 2


def test_the_bot_ends_with_its_supervisor(tmp_path: Path) -> None:
    bot = f"sys.path.insert(0, {str(ROOT)!r})\nfrom heartbeat import die_with\ndie_with(int(sys.argv[-2]))\nbegin()\ntime.sleep(60)\n"
    supervised = Supervised(tmp_path, bot)
    until(supervised.bots)
    supervised.process.kill()
    supervised.process.communicate(timeout=WITHIN_S)
    until(lambda: not is_alive(supervised.bots()[0]))


def test_what_a_crashed_bot_had_started_is_ended(tmp_path: Path) -> None:
    start_model = "Path('model').write_text(str(subprocess.Popen(['sleep', '60']).pid))\n    os.kill(os.getpid(), signal.SIGSEGV)\n"
    supervised = Supervised(tmp_path, f"if number == 1:\n    begin()\n    {start_model}work(0.1)\n")
    assert supervised.end()[0] == 0
    until(lambda: not is_alive(int((tmp_path / "model").read_text())))


# ---- decisions


def test_silence_is_counted_only_while_somebody_listened() -> None:
    silence = Silence(100.0)
    for now_s in (100.25, 100.5, 100.75):
        silence.look(now_s)
    assert silence.look(101.0) == pytest.approx(1.0)
    asleep = silence.look(101.0 + 8 * 3600)
    assert asleep < 2.0
    silence.broken()
    assert silence.look(101.25 + 8 * 3600) == pytest.approx(0.25)


def crash(worked_s: float | None = 1.0) -> Run:
    return Run(-signal.SIGSEGV, worked_s)


def test_waits_grow_while_it_keeps_crashing_and_a_steady_run_forgives() -> None:
    history, waits = History(), []
    for _ in range(8):
        assert history.after(crash()) is Next.AFTER_A_WAIT
        waits.append(history.wait_s)
    assert waits == [0.0, 2.0, 4.0, 8.0, 16.0, 32.0, LONGEST_WAIT_S, LONGEST_WAIT_S]
    assert history.after(crash(STEADY_S)) is Next.AFTER_A_WAIT
    assert history.wait_s == 0.0


def test_one_that_crashes_before_it_ever_worked_is_given_up() -> None:
    history = History()
    for _ in range(MOST_FAILED_STARTS - 1):
        assert history.after(crash(None)) is Next.AFTER_A_WAIT
    assert history.after(crash(None)) is Next.END


def test_one_that_has_worked_is_never_given_up() -> None:
    history = History()
    history.after(crash())
    for _ in range(3 * MOST_FAILED_STARTS):
        assert history.after(crash(None)) is Next.AFTER_A_WAIT
        assert history.after(Run(EXIT_UNAVAILABLE)) is Next.AFTER_A_WAIT


def test_settings_that_became_wrong_end_it_also_later() -> None:
    history = History()
    history.after(crash())
    assert history.after(Run(EXIT_SETTINGS)) is Next.END
    assert history.after(Run(0, 5.0)) is Next.END


# ---- the heart


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    ends = os.pipe()
    yield ends
    for end in ends:
        with contextlib.suppress(OSError):
            os.close(end)


async def heard(pipe: int, wanted: bytes) -> None:
    """Wait for a sign."""
    os.set_blocking(pipe, False)
    async with asyncio.timeout(WITHIN_S):
        while True:
            try:
                if wanted in os.read(pipe, 4096):
                    return
            except BlockingIOError:
                await asyncio.sleep(0.01)


async def test_it_beats_while_the_loop_turns_and_tells_when_it_is_at_work(pipe: tuple[int, int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(heartbeat, "BEAT_EVERY_S", 0.01)
    heart = Heart(pipe[1])
    async with heart.beating():
        await heard(pipe[0], ALIVE)
        heart.ready()
        await heard(pipe[0], READY)


async def test_a_part_that_is_stuck_keeps_the_beats_back_and_is_named(
    pipe: tuple[int, int], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(heartbeat, "BEAT_EVERY_S", 0.01)
    monkeypatch.setattr(heartbeat, "STUCK_AFTER_BEATS", 3)
    heart, stuck = Heart(pipe[1]), asyncio.Event()
    stuck.set()
    heart.watch("The call library", stuck.wait)
    async with heart.beating():
        await heard(pipe[0], ALIVE)
        stuck.clear()
        async with asyncio.timeout(WITHIN_S):
            while "The call library does not answer any more." not in caplog.text:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        while True:
            try:
                os.read(pipe[0], 4096)
            except BlockingIOError:
                break
        await asyncio.sleep(0.1)
        with pytest.raises(BlockingIOError):
            os.read(pipe[0], 1)
        stuck.set()
        await heard(pipe[0], ALIVE)


async def test_without_its_supervisor_the_bot_stops(pipe: tuple[int, int], monkeypatch: pytest.MonkeyPatch) -> None:
    signals: list[tuple[int, int]] = []
    monkeypatch.setattr(os, "kill", lambda pid, number: signals.append((pid, number)))
    heart = Heart(pipe[1])
    os.close(pipe[0])
    heart.ready()
    heart.ready()
    assert signals == [(os.getpid(), signal.SIGTERM)]


async def test_without_a_pipe_nothing_beats() -> None:
    heart = Heart()
    async with heart.beating():
        heart.ready()


def test_the_help_tells_what_is_started_again(tmp_path: Path) -> None:
    run = subprocess.run(
        [sys.executable, str(ROOT / "bot.py"), "run", "--help"], cwd=tmp_path, capture_output=True, text=True, timeout=WITHIN_S, check=True
    )
    assert "supervisor" in run.stdout
    assert "--unsupervised" in run.stdout
    assert "--supervised-by" not in run.stdout


def test_the_supervisor_loads_no_native_call_library_and_no_model() -> None:
    program = (
        "import bot, supervisor, sys; print([m for m in ('ntgcalls', 'pytgcalls', 'telethon', 'numpy', 'ctranslate2') if m in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=WITHIN_S, check=True)
    assert run.stdout.strip() == "[]"
