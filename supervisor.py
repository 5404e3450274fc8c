"""The parent of the bot: starts it, listens to its heart, and starts it again after a crash, a dead lock or ``/restart``.

It does nothing else and loads no native library, so that there is nothing in it that could crash along.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

from errors import EXIT_RESTART, EXIT_SETTINGS, EXIT_UNAVAILABLE, EXIT_USAGE
from heartbeat import READY
from interrupts import INTERRUPTED

log = logging.getLogger(__name__)

LOOK_EVERY_S: Final = 0.25
MOST_BETWEEN_LOOKS_S: Final = 0.5
"""A longer time between two looks was not the bot's silence: the machine slept, or this process was stopped as well."""
BREAK_OFF_WITHIN_S: Final = 1.0
"""A bot that still starts is not waited for longer."""
LAST_WORDS_S: Final = 0.5
"""Time for a bot that is stuck to write down where, before it is killed."""
MOST_FAILED_STARTS: Final = 5
FIRST_WAIT_S: Final = 2.0
LONGEST_WAIT_S: Final = 60.0
STEADY_S: Final = 60.0
"""A bot that was at work for so long has not crashed in a row with what was before."""
DELIBERATE: Final = frozenset({0, EXIT_USAGE, EXIT_SETTINGS, INTERRUPTED})
"""Exit codes with which the bot ends because it should, or because a person has to mend something."""
STOP_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@dataclass(frozen=True, slots=True)
class Patience:
    """How long the bot may be silent, while it starts (models are loaded) and once it is at work; and how long it may take to stop."""

    starting_s: float = 180.0
    working_s: float = 4.0
    stopping_s: float = 10.0


class Silence:
    """How long nothing was heard of the bot, as far as this process was awake to listen."""

    def __init__(self, now_s: float) -> None:
        self._looked_s = now_s
        self.lasts_s = 0.0

    def broken(self) -> None:
        """Something was heard."""
        self.lasts_s = 0.0

    def look(self, now_s: float) -> float:
        """How long it lasts by now; to be called often."""
        self.lasts_s += min(now_s - self._looked_s, MOST_BETWEEN_LOOKS_S)
        self._looked_s = now_s
        return self.lasts_s


@dataclass(frozen=True, slots=True)
class Run:
    """One run of the bot: the exit code (negative: the signal that ended it), and how long it was at work (None: it never was)."""

    code: int
    worked_s: float | None = None
    stuck: bool = False

    @property
    def ending(self) -> str:
        """For people."""
        if self.stuck:
            return "did not answer any more"
        return f"ended with exit code {self.code}" if self.code >= 0 else f"ended by {signal.Signals(-self.code).name}"


class Next(Enum):
    """What follows a run."""

    END = auto()
    AT_ONCE = auto()
    AFTER_A_WAIT = auto()


class History:
    """Decides what follows each run, by the runs before it. Pure."""

    def __init__(self) -> None:
        self._has_worked = False
        self._in_a_row = 0

    def after(self, run: Run) -> Next:
        """A bot that never came to work and says why is not started again; one that crashes so, only a few times."""
        self._has_worked |= run.worked_s is not None
        if run.code == EXIT_RESTART:
            self._in_a_row = 0
            return Next.AT_ONCE
        if run.code in DELIBERATE or (run.code > 0 and not self._has_worked):
            return Next.END
        self._in_a_row = 1 if (run.worked_s or 0.0) >= STEADY_S else self._in_a_row + 1
        if not self._has_worked and self._in_a_row >= MOST_FAILED_STARTS:
            return Next.END
        return Next.AFTER_A_WAIT

    @property
    def wait_s(self) -> float:
        """None after the first crash, then longer with each that follows."""
        return 0.0 if self._in_a_row <= 1 else min(LONGEST_WAIT_S, FIRST_WAIT_S * 2.0 ** min(self._in_a_row - 2, 16))


class Child:
    """The running bot."""

    def __init__(self, process: asyncio.subprocess.Process, pipe: int, clock: Callable[[], float]) -> None:
        self._process = process
        self._pipe = pipe
        self._clock = clock
        self._silence = Silence(clock())
        self._ready_s: float | None = None
        asyncio.get_running_loop().add_reader(pipe, self._listen)

    @classmethod
    async def start(cls, command: Sequence[str], clock: Callable[[], float]) -> Child:
        """Start ``command`` in a process group of its own; it gets ``--supervised-by`` with our process id and its end of the pipe."""
        pipe, its_end = os.pipe()
        os.set_blocking(pipe, False)
        try:
            process = await asyncio.create_subprocess_exec(
                *command,
                *("--supervised-by", str(os.getpid()), str(its_end)),
                stdin=asyncio.subprocess.DEVNULL,
                pass_fds=(its_end,),
                process_group=0,
            )
        except BaseException:
            os.close(pipe)
            raise
        finally:
            os.close(its_end)
        return cls(process, pipe, clock)

    def _listen(self) -> None:
        heard = os.read(self._pipe, 4096)
        if not heard:
            asyncio.get_running_loop().remove_reader(self._pipe)
            return
        self._silence.broken()
        if READY in heard and self._ready_s is None:
            self._ready_s = self._clock()

    async def silent(self, patience: Patience) -> None:
        """Returns when the bot has been silent for too long."""
        while self._silence.look(self._clock()) < (patience.starting_s if self._ready_s is None else patience.working_s):  # noqa: ASYNC110
            await asyncio.sleep(LOOK_EVERY_S)

    async def ended(self) -> int:
        """Wait for its end; the exit code."""
        return await self._process.wait()

    def send(self, number: signal.Signals) -> None:
        """Send it a signal, unless it has ended."""
        with contextlib.suppress(ProcessLookupError):
            self._process.send_signal(number)

    async def kill(self) -> None:
        """Have it write down where it is stuck, if it still can, and end it."""
        self.send(signal.SIGABRT)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._process.wait(), LAST_WORDS_S)
        self.send(signal.SIGKILL)

    @property
    def worked_s(self) -> float | None:
        """How long it has been at work; None: it still starts."""
        return None if self._ready_s is None else self._clock() - self._ready_s

    def close(self) -> None:
        """Let go of the pipe, and end what the bot has left running (models live in processes of their own)."""
        asyncio.get_running_loop().remove_reader(self._pipe)
        os.close(self._pipe)
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)


class Supervisor:
    """Runs ``command`` again and again. ``clock`` gives seconds that only grow."""

    def __init__(self, command: Sequence[str], patience: Patience | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self._command = command
        self._patience = patience if patience is not None else Patience()
        self._clock = clock
        self._history = History()
        self._child: Child | None = None
        self._stops = asyncio.Event()
        self._stopped_by = signal.SIGTERM

    async def run(self) -> int:
        """Until the bot ends for good or a signal stops it; the exit code, as a shell tells it."""
        with self._stop_signals():
            while True:
                run = await self._run_once()
                if self._stops.is_set():
                    return self._stopped(run)
                match self._history.after(run):
                    case Next.END:
                        return self._end(run)
                    case Next.AT_ONCE:
                        log.info("Parley is started again.")
                    case Next.AFTER_A_WAIT:
                        await self._wait(run)
                        if self._stops.is_set():
                            return 0

    async def _run_once(self) -> Run:
        self._child = child = await Child.start(self._command, self._clock)
        if self._stops.is_set():
            child.send(signal.SIGTERM)
        ended = asyncio.create_task(child.ended())
        stops = asyncio.create_task(self._stops.wait())
        silent = asyncio.create_task(child.silent(self._patience))
        try:
            await asyncio.wait({ended, stops, silent}, return_when=asyncio.FIRST_COMPLETED)
            stuck = silent.done() and not ended.done() and not stops.done()
            if stuck:
                log.error("Parley does not answer any more and is killed.")
                await child.kill()
            elif not ended.done():
                await self._see_off(child, ended)
            return Run(await ended, child.worked_s, stuck)
        finally:
            for task in (ended, stops, silent):
                task.cancel()
            self._child = None
            child.close()

    async def _see_off(self, child: Child, ended: asyncio.Task[int]) -> None:
        at_work = child.worked_s is not None
        done, _ = await asyncio.wait({ended}, timeout=self._patience.stopping_s if at_work else BREAK_OFF_WITHIN_S)
        if at_work and not done:
            log.warning("Parley has not ended within %g s and is killed.", self._patience.stopping_s)
            await child.kill()
        child.send(signal.SIGKILL)

    async def _wait(self, run: Run) -> None:
        wait_s = self._history.wait_s
        log.error("Parley %s. It is started again %s.", run.ending, f"in {wait_s:g} s" if wait_s else "at once")
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._stops.wait(), wait_s)

    def _end(self, run: Run) -> int:
        if run.code in DELIBERATE or run.code > 0:
            return run.code
        log.error("Parley %s, %d times before it came to work. It is not started again.", run.ending, MOST_FAILED_STARTS)
        return EXIT_UNAVAILABLE

    def _stopped(self, run: Run) -> int:
        """The exit code after a signal; a bot that still started has no good-bye to say, and ends by the signal itself."""
        if run.worked_s is None:
            print("Broken off.", file=sys.stderr, flush=True)
        return run.code if run.code >= 0 else 128 + self._stopped_by

    @contextlib.contextmanager
    def _stop_signals(self) -> Iterator[None]:
        """SIGHUP, a closed terminal, stops the bot like SIGTERM; with ``nohup`` it stays ignored."""
        loop = asyncio.get_running_loop()
        taken = [number for number in STOP_SIGNALS if signal.getsignal(number) is not signal.SIG_IGN]
        for number in taken:
            loop.add_signal_handler(number, self._pass_on, number)
        try:
            yield
        finally:
            for number in taken:
                loop.remove_signal_handler(number)

    def _pass_on(self, number: signal.Signals) -> None:
        """As SIGTERM, which ends also a bot that has no handlers yet, without a word."""
        self._stops.set()
        self._stopped_by = number
        if self._child is not None:
            self._child.send(signal.SIGTERM)


def supervise(command: Sequence[str]) -> int:
    """Run the bot with ``command`` until it ends for good; the exit code."""
    return asyncio.run(Supervisor(command).run())
