"""A participant made of the native call library alone: the media server's tests need no accounts."""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any

import numpy as np
from ntgcalls import AudioDescription, ConnectionState, FrameData, MediaDescription, MediaSource, NTgCalls, StreamDevice, StreamMode

from audio.pcm import HEARING_RATE_HZ, PLAYOUT_RATE_HZ
from loopback.media.server import MediaServer
from loopback.people.ear import Ear, Hearing
from loopback.people.mouth import Mouth, Spoken
from loopback.people.pacer import Pacer

CALL_ID = 7
CONNECT_TIMEOUT_S = 15.0


def tone(frequency_hz: float, seconds: float, rate_hz: int = PLAYOUT_RATE_HZ) -> bytes:
    """A sine at a quarter of full scale."""
    at = np.arange(round(seconds * rate_hz)) / rate_hz
    return bytes((8000 * np.sin(2 * np.pi * frequency_hz * at)).astype("<i2").tobytes())


def dominant_hz(pcm: bytes, rate_hz: int = HEARING_RATE_HZ) -> float:
    """The strongest frequency."""
    samples = np.frombuffer(pcm, dtype="<i2").astype(np.float64)
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples))))
    return float(spectrum.argmax()) * rate_hz / len(samples)


class NativeMember:
    """Joins a call of a media server, talks and listens."""

    def __init__(self, server: MediaServer, pacer: Pacer, member_id: int) -> None:
        self.member_id = member_id
        self.ssrc = 0
        self.hearing = Hearing()
        self.mouth = Mouth()
        self.state = ConnectionState.CONNECTING
        self._server = server
        self._pacer = pacer
        self._loop = asyncio.get_running_loop()
        self._changed = asyncio.Event()
        self._native = NTgCalls()
        self._native.on_connection_change(self._connection_changed)
        self._native.on_frames(self._frames_came)

    async def join(self, within_s: float = CONNECT_TIMEOUT_S) -> float:
        """Join; returns how long the connection took, in seconds. Tried twice: the library now and then never says that it is connected."""
        try:
            return await self._join(within_s)
        except TimeoutError:
            print(f"member {self.member_id}: no connection within {within_s:g} s, state {self.state}; joining again")
            await self._native.stop(CALL_ID)
            return await self._join(within_s)

    async def _join(self, within_s: float) -> float:
        self.state = ConnectionState.CONNECTING
        payload = json.loads(await self._native.create_call(CALL_ID))
        self.ssrc = payload["ssrc"]
        await self._native.set_stream_sources(CALL_ID, StreamMode.CAPTURE, _external(PLAYOUT_RATE_HZ))
        await self._native.set_stream_sources(CALL_ID, StreamMode.PLAYBACK, _external(HEARING_RATE_HZ))
        began_s = time.monotonic()
        await self._native.connect(CALL_ID, json.dumps(self._server.join(CALL_ID, self.member_id, payload)), False)
        async with asyncio.timeout(within_s):
            await self.reaches(ConnectionState.CONNECTED)
        self._pacer.add(self.mouth, self._send, lost=lambda: self.mouth.hush("the call has ended"))
        return time.monotonic() - began_s

    async def leave(self) -> None:
        """Leave."""
        self._pacer.remove(self.mouth)
        self._server.leave(CALL_ID, self.member_id)
        await self._native.stop(CALL_ID)

    async def say(self, pcm: bytes) -> Spoken:
        """Talk."""
        return await self.mouth.say(pcm)

    def ear(self, other: NativeMember) -> Ear:
        """What was heard of another."""
        return self.hearing.ear(other.ssrc)

    async def reaches(self, state: ConnectionState) -> None:
        """Wait for a state of the connection."""
        while self.state != state:
            self._changed.clear()
            await self._changed.wait()

    async def _send(self, frame: bytes) -> None:
        await self._native.send_external_frame(CALL_ID, StreamDevice.MICROPHONE, frame, FrameData())

    def _connection_changed(self, _: int, info: Any) -> None:
        self._loop.call_soon_threadsafe(self._enter, info.state)

    def _enter(self, state: ConnectionState) -> None:
        self.state = state
        self._changed.set()

    def _frames_came(self, _call: int, _mode: Any, _device: Any, frames: list[Any]) -> None:
        heard = [(frame.ssrc, frame.data) for frame in frames]
        self._loop.call_soon_threadsafe(self.hearing.receive, heard, time.monotonic())


def _external(rate_hz: int) -> MediaDescription:
    return MediaDescription(AudioDescription(MediaSource.EXTERNAL, rate_hz, 1, "", False), None, None, None)
