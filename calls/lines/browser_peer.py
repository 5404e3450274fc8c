"""One WebRTC connection with a browser: a voice each way, and a channel for messages.

aiortc does the transport. The voices are decoded and encoded here: what is only listened to needs none of its jitter buffer (80 ms, and
300 ms after a lost packet), nor a thread.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, Final

import av
from aiortc import (
    RTCConfiguration,
    RTCDataChannel,
    RTCIceServer,
    RTCPeerConnection,
    RTCRtpReceiver,
    RTCSessionDescription,
)
from aiortc.exceptions import InternalError, InvalidAccessError, InvalidStateError, OperationError
from aiortc.mediastreams import MediaStreamError, MediaStreamTrack
from aiortc.rtp import RtpPacket
from aiortc.sdp import candidate_from_sdp

import drops
from calls.errors import CallError
from calls.lines.allowance import Allowance
from calls.lines.opus_voice import OPUS_CLOCK, PACKET_TICKS, PLAYOUT_PACKET_BYTES, OpusDecoder, OpusEncoder
from calls.lines.packet_order import PacketOrder
from drops import Drop

log = logging.getLogger(__name__)

MOST_OFFER_BYTES: Final = 64 * 1024
MOST_CANDIDATES: Final = 64
MOST_PACKETS_AHEAD: Final = 2
"""40 ms on the way out wait for the network at most; more sound waits where it can still be cut."""
MOST_UNSENT_BYTES: Final = 256 * 1024
"""A browser that does not take its messages loses the next ones."""
MOST_PACKETS_PER_S: Final = 60.0
MOST_PACKETS_AT_ONCE: Final = 150.0
"""After an interruption the network may deliver 3 s of sound at once; who sends more than that is not listened to so fast."""
_UNWANTED: Final = re.compile(r"^m=(?!audio |application )", re.MULTILINE)
_SECTIONS: Final = re.compile(r"^m=", re.MULTILINE)
_MALFORMED: Final = (
    ValueError, TypeError, KeyError, IndexError, AttributeError, AssertionError,
    InternalError, InvalidAccessError, InvalidStateError, OperationError,
)  # fmt: skip
"""What aiortc raises on an offer that makes no sense."""


class OfferRefused(CallError):
    """What the browser offers cannot be connected to."""


class _VoiceOut(MediaStreamTrack):
    """What the browser hears, pulled by aiortc packet by packet."""

    kind = "audio"

    def __init__(self) -> None:
        super().__init__()
        self._encoder = OpusEncoder()
        self._pcm = b""
        self._packets: deque[av.Packet[Any]] = deque()
        self._wake = asyncio.Event()
        self._ticks = 0

    @property
    def has_room(self) -> bool:
        return len(self._packets) < MOST_PACKETS_AHEAD

    def play(self, frame: bytes) -> None:
        self._pcm += frame
        if len(self._pcm) < PLAYOUT_PACKET_BYTES:
            return
        packet = av.Packet(self._encoder.encode(self._pcm))
        self._pcm = b""
        packet.pts = self._ticks
        packet.time_base = OPUS_CLOCK
        self._ticks += PACKET_TICKS
        self._packets.append(packet)
        self._wake.set()

    async def recv(self) -> av.Packet[Any]:
        while not self._packets:
            if self.readyState != "live":
                raise MediaStreamError
            self._wake.clear()
            await self._wake.wait()
        return self._packets.popleft()


class _VoiceIn:
    """Stands where aiortc has its jitter buffer; hands what it hears on at once and gives aiortc nothing to decode."""

    def __init__(self, hear: Callable[[bytes], None], clock: Callable[[], float]) -> None:
        self._hear = hear
        self._clock = clock
        self._order = PacketOrder()
        self._decoder = OpusDecoder()
        self._allowance = Allowance(MOST_PACKETS_PER_S, MOST_PACKETS_AT_ONCE)

    def add(self, packet: RtpPacket) -> tuple[bool, None]:
        if not self._allowance.spend(1, self._clock()):
            drops.note(Drop.HEARD_FRAMES)
        else:
            for payload in self._order.add(packet.sequence_number, packet.payload):
                for frame in self._decoder.decode(payload):
                    self._hear(frame)
        return False, None


def _listen(receiver: RTCRtpReceiver, voice: _VoiceIn) -> None:
    name = "_RTCRtpReceiver__jitter_buffer"
    assert hasattr(receiver, name), "this aiortc keeps its jitter buffer elsewhere"
    setattr(receiver, name, voice)


class BrowserPeer:
    """One connection, from the browser's offer to its end.

    ``hear`` takes each frame of 10 ms (16 kHz mono), ``told`` each message, ``changed`` is called when :attr:`connected` or :attr:`failed`
    changes; all on the event loop.
    """

    def __init__(
        self, servers: Sequence[RTCIceServer], hear: Callable[[bytes], None], told: Callable[[str], None], changed: Callable[[], None]
    ) -> None:
        self._connection = RTCPeerConnection(RTCConfiguration(iceServers=list(servers)))
        self._voice_in = _VoiceIn(hear, asyncio.get_running_loop().time)
        self._voice_out = _VoiceOut()
        self._told = told
        self._channel: RTCDataChannel | None = None
        self._candidates = 0
        self._connection.on("connectionstatechange", changed)
        self._connection.on("datachannel", self._take_channel)

    async def answer(self, offer: str) -> str:
        """The SDP that answers the browser's.

        :raises OfferRefused: it makes no sense, or offers something else than one voice and a channel.
        """
        if len(offer) > MOST_OFFER_BYTES or _UNWANTED.search(offer) or len(_SECTIONS.findall(offer)) > 2:
            raise OfferRefused("The browser offers more than a voice.", "Use the call page that comes with Parley.", key="browser.offer")
        try:
            await self._connection.setRemoteDescription(RTCSessionDescription(offer, "offer"))
            self._connection.addTrack(self._voice_out)
            for transceiver in self._connection.getTransceivers():
                _listen(transceiver.receiver, self._voice_in)
            await self._connection.setLocalDescription(await self._connection.createAnswer())
        except _MALFORMED as error:
            log.info("an offer was refused: %r", error)
            raise OfferRefused("What the browser offers makes no sense.", "Load the page again.", key="browser.offer") from error
        return str(self._connection.localDescription.sdp)

    async def add_candidate(self, candidate: dict[str, Any] | None) -> None:
        """One more address of the browser; ``None``: there are no more. What makes no sense is passed over."""
        self._candidates += 1
        if self._candidates > MOST_CANDIDATES or self.closed:
            return
        try:
            await self._connection.addIceCandidate(_parsed(candidate) if candidate else None)
        except _MALFORMED as error:
            log.info("a candidate was passed over: %r", error)

    # ---- while it lasts

    @property
    def connected(self) -> bool:
        """Voices and messages go through, as far as is known."""
        return bool(self._connection.connectionState == "connected")

    @property
    def failed(self) -> bool:
        """It could not be connected, or is no more."""
        return self._connection.connectionState in ("failed", "closed")

    @property
    def closed(self) -> bool:
        """It is no more."""
        return bool(self._connection.connectionState == "closed")

    @property
    def has_room(self) -> bool:
        """One more frame may be played."""
        return self._voice_out.has_room

    def play(self, frame: bytes) -> None:
        """Take the next 10 ms for the browser (24 kHz mono)."""
        self._voice_out.play(frame)

    def send(self, message: str) -> bool:
        """Send a message; false if it cannot be sent this way."""
        channel = self._channel
        if channel is None or channel.readyState != "open" or not self.connected:
            return False
        if channel.bufferedAmount > MOST_UNSENT_BYTES:
            drops.note(Drop.MESSAGES_TO_CALLERS)
            return True
        channel.send(message)
        return True

    def _take_channel(self, channel: RTCDataChannel) -> None:
        if self._channel is None:
            self._channel = channel
            channel.on("message", self._take_message)

    def _take_message(self, message: str | bytes) -> None:
        if isinstance(message, str):
            self._told(message)

    async def close(self) -> None:
        """End it and free everything. Safe to call twice."""
        self._connection.remove_all_listeners()
        self._voice_out.stop()
        await self._connection.close()


def _parsed(candidate: dict[str, Any]) -> Any:
    parsed = candidate_from_sdp(str(candidate["candidate"]).removeprefix("candidate:"))
    parsed.sdpMid = candidate.get("sdpMid")
    parsed.sdpMLineIndex = candidate.get("sdpMLineIndex")
    return parsed
