"""The embedded model's process as the event loop sees it: started, asked, cancelled, ended."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections import deque
from collections.abc import AsyncGenerator, Mapping
from dataclasses import asdict, dataclass
from itertools import count
from pathlib import Path
from typing import Any, Final

from brain.embedded_program import Options
from errors import EngineError

PROGRAM: Final = Path(__file__).with_name("embedded_program.py")
START_TIMEOUT_S: Final = 120.0
CLOSE_TIMEOUT_S: Final = 5.0
STUCK_AFTER_S: Final = 30.0
"""A process that has not stopped a cancelled request for so long counts as dead."""

_PASSED_ON: Final = ("PATH", "HOME", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "TMPDIR", "VIRTUAL_ENV", "SYSTEMROOT")
_THREADS_THAT_WAIT: Final = {"GOMP_SPINCOUNT": "3000", "OMP_WAIT_POLICY": "passive"}
"""They look for a moment whether the others are done, then sleep. Asleep at once, they cost a quarter of the speed: 16.4 tokens a second
instead of 22.3 (22.7 with ten times the count)."""
_DIED = {"error": "its process ended unexpectedly."}


@dataclass(frozen=True, slots=True)
class Finished:
    """How a request ended, and how many tokens of its prompt were in the cache, were read, and how many were written."""

    reason: str
    cached: int
    read: int
    written: int


@dataclass(slots=True)
class Request:
    """One request in work."""

    id: int
    events: asyncio.Queue[dict[str, Any]]
    cancelled_at_s: float | None = None


class ModelProcess:
    """One running ``embedded_program``. It is not restarted: when :attr:`alive` is false, start another."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._requests: dict[int, Request] = {}
        self._now = asyncio.get_running_loop().time
        self._ids = count(1)
        self._complaints: deque[str] = deque(maxlen=20)
        self._ready: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._tasks = [asyncio.create_task(self._read_answers()), asyncio.create_task(self._read_complaints())]

    @classmethod
    async def start(cls, options: Options) -> ModelProcess:
        """Start the program and wait until the model is loaded.

        :raises EngineError: it ended or was not ready within :data:`START_TIMEOUT_S`.
        """
        pipe = asyncio.subprocess.PIPE
        command = (sys.executable, "-P", str(PROGRAM), json.dumps(asdict(options)))
        started = cls(await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe, stderr=pipe, env=_environment(os.environ)))
        try:
            async with asyncio.timeout(START_TIMEOUT_S):
                loaded = await started._ready
        except BaseException as interruption:
            await started.close()
            if isinstance(interruption, TimeoutError):
                raise EngineError(f"The embedded brain did not load within {START_TIMEOUT_S:.0f} s.", _LOAD_STEP) from None
            raise
        if not loaded:
            await started.close()
            raise EngineError(f"The embedded brain could not load {options.model} ({started.last_words}).", _LOAD_STEP)
        return started

    @property
    def alive(self) -> bool:
        """Whether it can still be asked."""
        return self._process.returncode is None and not self._tasks[0].done() and not self._is_stuck

    @property
    def _is_stuck(self) -> bool:
        cancelled = (request.cancelled_at_s for request in self._requests.values() if request.cancelled_at_s is not None)
        return self._now() - min(cancelled, default=self._now()) > STUCK_AFTER_S

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    @property
    def last_words(self) -> str:
        """The last line it complained with."""
        return self._complaints[-1] if self._complaints else "it said nothing"

    def ask(self, **request: Any) -> Request:
        """Begin a request (``do``, ``slot``, ``messages``).

        :raises EngineError: the process has ended.
        """
        begun = Request(next(self._ids), asyncio.Queue())
        self._send(id=begun.id, **request)
        self._requests[begun.id] = begun
        return begun

    async def answer(self, request: Request) -> AsyncGenerator[str | Finished, None]:
        """The pieces of the reply as they come, then how it ended.

        :raises EngineError: the model refused the request, or its process ended.
        """
        while True:
            event = await request.events.get()
            if "text" in event:
                yield event["text"]
            elif "error" in event:
                raise EngineError(f"The embedded brain failed: {event['error']}", "The next reply starts afresh.")
            else:
                yield Finished(event["done"], event["cached"], event["read"], event["written"])
                return

    def cancel(self, request: Request) -> None:
        """Stop a request. Its reader, if any is left, sees it finish as ``cancelled``. Does nothing to a finished one."""
        if request.id in self._requests and request.cancelled_at_s is None and self.alive:
            request.cancelled_at_s = self._now()
            self._send(id=request.id, do="cancel")

    async def close(self) -> None:
        """End the process and wait until it is gone."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        try:
            async with asyncio.timeout(CLOSE_TIMEOUT_S):
                await self._process.wait()
        except TimeoutError:
            self._process.kill()
            await self._process.wait()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _send(self, **line: Any) -> None:
        if not self.alive or self._process.stdin is None:
            raise EngineError("The embedded brain's process is not running.", "The next reply starts it again.")
        self._process.stdin.write(json.dumps(line).encode() + b"\n")

    async def _read_answers(self) -> None:
        assert self._process.stdout is not None
        async for line in self._process.stdout:
            self._take(json.loads(line))
        for request in self._requests.values():
            request.events.put_nowait(_DIED)
        self._requests.clear()
        if not self._ready.done():
            self._ready.set_result(False)

    def _take(self, event: dict[str, Any]) -> None:
        if "ready" in event:
            self._ready.set_result(True)
        elif (request := self._requests.get(event["id"])) is not None:
            request.events.put_nowait(event)
            if "text" not in event:
                del self._requests[request.id]

    async def _read_complaints(self) -> None:
        assert self._process.stderr is not None
        async for line in self._process.stderr:
            self._complaints.append(line.decode(errors="replace").strip()[:300])


_LOAD_STEP: Final = "Check BRAIN_MODEL_PATH, or run 'python bot.py engines fetch'."


def _environment(ours: Mapping[str, str]) -> dict[str, str]:
    """No secret of ours, and OpenMP threads that sleep while they wait long: spinning ones starve everything else on few cores."""
    return {name: ours[name] for name in _PASSED_ON if name in ours} | _THREADS_THAT_WAIT
