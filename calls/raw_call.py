"""The sound of a call as raw bytes through two callbacks, as the libraries of old offered it."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from typing import Final

import numpy as np

import drops
from audio.pcm import BYTES_PER_SAMPLE, FRAME_S, HEARING_RATE_HZ, PLAYOUT_FRAME_BYTES, PLAYOUT_RATE_HZ, as_samples
from audio.playout import PlayingClause
from audio.resample import Resampler
from calls import facade
from calls.call import Call
from calls.lines import Participant
from drops import Drop

log = logging.getLogger(__name__)

RAW_RATE_HZ: Final = 48_000
RAW_FRAME_BYTES: Final = round(RAW_RATE_HZ * FRAME_S) * BYTES_PER_SAMPLE
MOST_FRAMES_WAITING: Final = 10
"""Of each participant; of more the oldest are dropped."""
AHEAD_BYTES: Final = 3 * PLAYOUT_FRAME_BYTES
LATEST_S: Final = 0.1
"""A delay of the event loop beyond this is not caught up with."""
NOBODYS_REPLY: Final = -1

OnPlayed = Callable[["GroupCallRaw", int], bytes | None]
OnRecorded = Callable[["GroupCallRaw", bytes, int], object]


class GroupCallRaw:
    """Every 10 ms ``on_recorded_data(call, data, length)`` gets what people say, and ``on_played_data(call, length)`` gives what they hear.

    Both in 16-bit mono PCM at 48 kHz, called on the event loop. Silence (zeros, no bytes, or ``None``) leaves the call to Parley's own
    voice. Who speaks silences what is played; who has opted out is not heard. A callback that fails ends it, and is logged.
    """

    def __init__(self, on_played_data: OnPlayed | None = None, on_recorded_data: OnRecorded | None = None) -> None:
        self.chat_id = 0
        self._on_played = on_played_data
        self._on_recorded = on_recorded_data
        self._task: asyncio.Task[None] | None = None

    @property
    def is_connected(self) -> bool:
        """Sound goes both ways."""
        return self._task is not None and not self._task.done()

    async def start(self, chat_id: int) -> bool:
        """Join the chat's voice chat, if Parley is not in it yet; whether it is now."""
        await self.stop()
        if not await facade.join_voice_chat(chat_id) or (call := facade.call_of(chat_id)) is None:
            return False
        self.chat_id = chat_id
        self._task = asyncio.create_task(self._run(call), name=f"raw call of chat {chat_id}")
        return True

    async def stop(self) -> None:
        """Hand over no more sound. The call goes on until :func:`calls.facade.leave_voice_chat`."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})
            self._task = None

    async def _run(self, call: Call) -> None:
        heard, spoken = _Heard(), _Spoken(call)
        unlisten = call.listen(heard.add)
        clock = asyncio.get_running_loop().time
        due_s = clock()
        try:
            while facade.call_of(self.chat_id) is call:
                if self._on_recorded:
                    for data in heard.frames():
                        self._on_recorded(self, data, len(data))
                if self._on_played and spoken.wants_more:
                    spoken.add(self._on_played(self, RAW_FRAME_BYTES) or b"")
                due_s = max(due_s + FRAME_S, clock() - LATEST_S)
                await asyncio.sleep(due_s - clock())
        except Exception:
            log.exception("a callback of a raw call failed", extra={"chat_id": self.chat_id})
        finally:
            unlisten()
            spoken.end()


class _Heard:
    """Mixes what people say."""

    def __init__(self) -> None:
        self._waiting: dict[int, deque[bytes]] = {}
        self._resampler = Resampler(HEARING_RATE_HZ, RAW_RATE_HZ)
        self._mixed = b""

    def add(self, participant: Participant, frame: bytes) -> None:
        """Somebody's next 10 ms (16 kHz)."""
        waiting = self._waiting.setdefault(participant.id, deque(maxlen=MOST_FRAMES_WAITING))
        drops.note(Drop.HEARD_FRAMES, len(waiting) == MOST_FRAMES_WAITING)
        waiting.append(frame)

    def frames(self) -> list[bytes]:
        """The frames that are ready when 10 ms more have passed: one, but for the first moment."""
        mixed = np.zeros(round(HEARING_RATE_HZ * FRAME_S), np.int32)
        for waiting in self._waiting.values():
            if waiting:
                mixed += as_samples(waiting.popleft())
        self._mixed += self._resampler.feed(np.clip(mixed, -32768, 32767).astype("<i2").tobytes())
        ready = range(0, len(self._mixed) - RAW_FRAME_BYTES + 1, RAW_FRAME_BYTES)
        frames = [self._mixed[start : start + RAW_FRAME_BYTES] for start in ready]
        self._mixed = self._mixed[len(frames) * RAW_FRAME_BYTES :]
        return frames


class _Spoken:
    """Puts sound into a call's playout, a stretch of it as one endless clause."""

    def __init__(self, call: Call) -> None:
        self._playout = call.playout
        self._clause: PlayingClause | None = None
        self._resampler = Resampler(RAW_RATE_HZ, PLAYOUT_RATE_HZ)

    @property
    def wants_more(self) -> bool:
        """What was given is nearly played, or was cut off."""
        clause = self._clause
        if clause is not None and clause.waiting and not self._playout.audible and not self._playout.held:
            self._clause = clause = None
        return clause is None or clause.waiting * BYTES_PER_SAMPLE < AHEAD_BYTES

    def add(self, data: bytes) -> None:
        """The next sound; silence ends the stretch."""
        if not data.strip(b"\0"):
            self.end()
            return
        if self._clause is None:
            self._resampler = Resampler(RAW_RATE_HZ, PLAYOUT_RATE_HZ)
            self._clause = PlayingClause("", NOBODYS_REPLY)
            self._playout.say(self._clause)
        self._clause.append(self._resampler.feed(data))

    def end(self) -> None:
        """Nothing more for now."""
        if self._clause is not None:
            self._clause.append(self._resampler.flush())
            self._clause.finish()
            self._clause = None
