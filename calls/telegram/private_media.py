"""The sound of private calls: ntgcalls directly, without py-tgcalls, whose private-call half is left out (:mod:`calls.telegram.phone`)."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import ntgcalls
from telethon.tl import types

from audio.pcm import HEARING_RATE_HZ, PLAYOUT_FRAME_BYTES, PLAYOUT_RATE_HZ
from calls.telegram.native_calls import NativeCalls

log = logging.getLogger(__name__)

SIGNAL_RETRY_S: Final = 0.02
SIGNAL_WITHIN_S: Final = 3.0
"""The native library takes what the other end tells only when it has begun to connect."""
END_WITHIN_S: Final = 5.0
"""What still goes on in the native library then is no longer waited for; the call is stopped after it."""
ENDED: Final = (ntgcalls.ConnectionState.FAILED, ntgcalls.ConnectionState.TIMEOUT, ntgcalls.ConnectionState.CLOSED)


@dataclass(frozen=True, slots=True)
class Ends:
    """Where what the native library tells about one call goes, on the event loop.

    ``hear`` takes 10 ms of 16 kHz mono, ``signal`` what the other end is to be told, ``muted`` whether that has muted itself;
    ``connected`` and ``lost`` may come more than once.
    """

    hear: Callable[[bytes], None]
    signal: Callable[[bytes], None]
    connected: Callable[[], None]
    lost: Callable[[], None]
    muted: Callable[[bool], None]


class PrivateMedia:
    """Calls are named by the id of the person at the other end. Make it inside the running event loop."""

    def __init__(self) -> None:
        self._native = NativeCalls(ntgcalls.NTgCalls())
        self._loop = asyncio.get_running_loop()
        self._ends: dict[int, Ends] = {}
        self._native.on_frames(self._on_frames)
        self._native.on_signaling_data(self._on_signal)
        self._native.on_connection_change(self._on_connection)
        self._native.on_remote_source_change(self._on_source)

    @staticmethod
    def protocol() -> types.PhoneCallProtocol:
        """What the native library can do."""
        can = ntgcalls.NTgCalls.get_protocol()
        return types.PhoneCallProtocol(can.min_layer, can.max_layer, list(can.library_versions), can.udp_p2p, can.udp_reflector)

    # ---- coming into a call, and out of it

    async def begin(self, user_id: int, dh: types.messages.DhConfig, g_a_hash: bytes | None, ends: Ends) -> bytes:
        """Prepare a call; returns our half of the key (the hash of it if we are the caller, who has none of the other's).

        :raises ntgcalls.BaseRTCException: the native library refuses.
        """
        self._ends[user_id] = ends
        await self._native.create_p2p_call(user_id)
        for mode, rate_hz in ((ntgcalls.StreamMode.CAPTURE, PLAYOUT_RATE_HZ), (ntgcalls.StreamMode.PLAYBACK, HEARING_RATE_HZ)):
            await self._native.set_stream_sources(user_id, mode, _sound(rate_hz))
        return bytes(await self._native.init_exchange(user_id, ntgcalls.DhConfig(dh.g, dh.p, dh.random), g_a_hash))

    async def agree(self, user_id: int, g_a_or_b: bytes, fingerprint: int = 0) -> tuple[bytes, int]:
        """Make the key of the two halves; returns what the other end needs to make it, and its fingerprint.

        :raises ntgcalls.BaseRTCException: the halves do not fit.
        """
        keys = await self._native.exchange_keys(user_id, g_a_or_b, fingerprint)
        return bytes(keys.g_a_or_b), int(keys.key_fingerprint)

    async def connect(self, user_id: int, call: types.PhoneCall) -> None:
        """Begin to connect with the other end.

        :raises ntgcalls.BaseRTCException: the native library refuses.
        """
        custom = call.custom_parameters.data if call.custom_parameters else None
        servers = [_server(each) for each in call.connections]
        await self._native.connect_p2p(user_id, servers, list(call.protocol.library_versions), bool(call.p2p_allowed), custom)

    async def take_signal(self, user_id: int, data: bytes) -> None:
        """What the other end tells ours."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(SIGNAL_WITHIN_S):
                while not await self._taken(user_id, data):  # noqa: ASYNC110 - nothing tells
                    await asyncio.sleep(SIGNAL_RETRY_S)

    async def _taken(self, user_id: int, data: bytes) -> bool:
        try:
            await self._native.send_signaling_data(user_id, data)
        except (ntgcalls.ConnectionNotFound, ntgcalls.ConnectionError):
            return user_id not in self._ends
        return True

    async def emojis(self, user_id: int) -> str:
        """The four pictures that both ends see if nobody sits between them.

        :raises ntgcalls.BaseRTCException: the call is gone.
        """
        found = await self._native.get_emojis_fingerprint(user_id)
        return found if isinstance(found, str) else "".join(found)

    async def holds(self, user_id: int) -> bool:
        """The native library still has this call."""
        return user_id in await self._native.calls()

    async def end(self, user_id: int) -> None:
        """End the sound; nothing happens when there is none."""
        self._ends.pop(user_id, None)
        with contextlib.suppress(TimeoutError, ntgcalls.ConnectionNotFound):
            async with asyncio.timeout(END_WITHIN_S):
                await self._native.stop(user_id)

    # ---- sound

    async def send(self, user_id: int, frame: bytes) -> None:
        """Send 10 ms of 24 kHz mono. There is no pacing below this.

        :raises ValueError: the frame has not exactly 480 bytes (the native code would read past its end).
        :raises ntgcalls.ConnectionNotFound: the call is gone.
        """
        if len(frame) != PLAYOUT_FRAME_BYTES:
            raise ValueError(f"a frame must have {PLAYOUT_FRAME_BYTES} bytes, not {len(frame)}")
        await self._native.send_external_frame(user_id, ntgcalls.StreamDevice.MICROPHONE, frame, ntgcalls.FrameData())

    # ---- called on native threads: they hand over and do nothing else

    def _on_frames(self, user_id: int, mode: Any, device: Any, frames: Sequence[Any]) -> None:
        heard = [frame.data for frame in frames]
        self._loop.call_soon_threadsafe(self._hear, user_id, heard)

    def _on_signal(self, user_id: int, data: bytes) -> None:
        self._loop.call_soon_threadsafe(self._tell, user_id, bytes(data))

    def _on_connection(self, user_id: int, info: Any) -> None:
        self._loop.call_soon_threadsafe(self._connection, user_id, info.state)

    def _on_source(self, user_id: int, source: Any) -> None:
        if source.device == ntgcalls.StreamDevice.MICROPHONE:
            self._loop.call_soon_threadsafe(self._mutes, user_id, source.state != ntgcalls.StreamStatus.ACTIVE)

    # ---- on the event loop

    def _hear(self, user_id: int, heard: Sequence[bytes]) -> None:
        if (ends := self._ends.get(user_id)) is not None:
            for pcm in heard:
                ends.hear(pcm)

    def _tell(self, user_id: int, data: bytes) -> None:
        if (ends := self._ends.get(user_id)) is not None:
            ends.signal(data)

    def _mutes(self, user_id: int, muted: bool) -> None:
        if (ends := self._ends.get(user_id)) is not None:
            ends.muted(muted)

    def _connection(self, user_id: int, state: Any) -> None:
        log.debug("the private call with %s is %s", user_id, state)
        if (ends := self._ends.get(user_id)) is None:
            return
        if state == ntgcalls.ConnectionState.CONNECTED:
            ends.connected()
        elif state in ENDED:
            ends.lost()


def _sound(rate_hz: int) -> Any:
    audio = ntgcalls.AudioDescription(ntgcalls.MediaSource.EXTERNAL, rate_hz, 1, "", False)
    return ntgcalls.MediaDescription(audio, None, None, None)


def _server(given: Any) -> Any:
    if isinstance(given, types.PhoneConnectionWebrtc):
        turn, stun = bool(given.turn), bool(given.stun)
        return ntgcalls.RTCServer(given.id, given.ip, given.ipv6, given.port, given.username, given.password, turn, stun, False, None)
    return ntgcalls.RTCServer(given.id, given.ip, given.ipv6, given.port, None, None, True, False, bool(given.tcp), given.peer_tag)
