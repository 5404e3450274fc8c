"""Many callers over WebSockets in one event loop: each sends its sound in time and listens to what comes."""

from __future__ import annotations

import asyncio
import itertools
from pathlib import Path
from types import TracebackType
from typing import Final

import aiohttp
import numpy as np
from aiohttp import WSMsgType

from audio.pcm import BYTES_PER_SAMPLE, HEARING_RATE_HZ
from benchmarks.harness.sounds import clip
from errors import ParleyError

SPEECH: Final = Path(__file__).resolve().parents[2] / "tests" / "speech" / "lv_0930.wav"
SECOND_BYTES: Final = HEARING_RATE_HZ * BYTES_PER_SAMPLE
CYCLE_S: Final = 12.0
NOISE_PEAK: Final = 60
ANSWERED_WITHIN_S: Final = 6.0
JOINING_S: Final = 0.02
GOLDEN: Final = 0.618034
"""Multiples of it spread evenly over a cycle, however many there are."""


def cycle_of_sound(message_bytes: int) -> tuple[list[bytes], int, float]:
    """The messages of one cycle, a question in room noise; which of them holds the end of the question, and how long it goes on then."""
    length = round(CYCLE_S * SECOND_BYTES / message_bytes) * message_bytes
    samples = np.random.default_rng(1).integers(-NOISE_PEAK, NOISE_PEAK, length // BYTES_PER_SAMPLE).astype("<i2")
    question = np.frombuffer(clip(SPEECH), dtype="<i2")
    samples[: len(question)] = question
    sound = samples.tobytes()
    messages = [sound[start : start + message_bytes] for start in range(0, length, message_bytes)]
    place, rest = divmod(len(question) * BYTES_PER_SAMPLE, message_bytes)
    return messages, place, (message_bytes - rest) / SECOND_BYTES


class Callers:
    """All callers; a context manager that hangs them up."""

    def __init__(self, url: str, message_bytes: int) -> None:
        self._url = url
        self._message_s = message_bytes / SECOND_BYTES
        self._messages, self._question_ends, self._goes_on_s = cycle_of_sound(message_bytes)
        self._tasks: list[asyncio.Task[None]] = []
        self.responses_s: list[float] = []
        self.unanswered = 0
        self._idle = 0

    async def __aenter__(self) -> Callers:
        self._http = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._http.close()

    async def grow_to(self, number: int) -> None:
        """Add callers, one every 20 ms."""
        while len(self._tasks) - self._idle < number:
            socket = await self._http.ws_connect(self._url, compress=0)
            begin = int(GOLDEN * len(self._tasks) * len(self._messages)) % len(self._messages)
            self._tasks.append(asyncio.create_task(self._call(socket, begin)))
            await asyncio.sleep(JOINING_S)

    async def add_idle(self, number: int) -> None:
        """Sockets that are open and send nothing."""
        for _ in range(number):
            socket = await self._http.ws_connect(self._url, compress=0)
            self._tasks.append(asyncio.create_task(self._listen(socket, [])))
        self._idle += number

    def forget(self) -> None:
        """What is counted begins anew.

        :raises ParleyError: a caller was cut off.
        """
        self.responses_s, self.unanswered = [], 0
        for task in self._tasks:
            if task.done():
                raise ParleyError(f"A caller was cut off: {task.exception() if not task.cancelled() else 'cancelled'}")

    async def refused(self) -> str:
        """What one more caller is told, and the code with which the socket is closed."""
        async with self._http.ws_connect(self._url) as socket:
            told = [message.json()["message"] async for message in socket if message.type is WSMsgType.TEXT and "message" in message.data]
            return f"{socket.close_code} {' '.join(told)}"

    async def _call(self, socket: aiohttp.ClientWebSocketResponse, begin: int) -> None:
        asked_s: list[float] = []
        async with asyncio.TaskGroup() as group:
            group.create_task(self._listen(socket, asked_s))
            await self._speak(socket, begin, asked_s)

    async def _speak(self, socket: aiohttp.ClientWebSocketResponse, begin: int, asked_s: list[float]) -> None:
        clock = asyncio.get_running_loop().time
        due_s = clock() + self._message_s * (GOLDEN * begin % 1)
        whole = False
        for place in itertools.islice(itertools.cycle(range(len(self._messages))), begin, None):
            await asyncio.sleep(max(0.0, due_s - clock()))
            due_s += self._message_s
            whole = whole or place == 0
            await socket.send_bytes(self._messages[place])
            if whole and place == self._question_ends:
                if asked_s:
                    self.unanswered += 1
                asked_s[:] = [clock() - self._goes_on_s]

    async def _listen(self, socket: aiohttp.ClientWebSocketResponse, asked_s: list[float]) -> None:
        clock = asyncio.get_running_loop().time
        async for message in socket:
            if message.type is WSMsgType.BINARY and asked_s:
                self.responses_s.append(clock() - asked_s.pop())
        raise ParleyError(f"The server has closed a call ({socket.close_code}).")
