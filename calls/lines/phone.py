"""The line that is a telephone call: sound as JSON messages over a socket that the carrier has opened.

The carrier plays what it gets one after the other, from a buffer of its own. A cut has it throw that away, and the marks that it sends back
tell how far it had played.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import AsyncIterator, Callable
from typing import Final

import numpy as np

import drops
from audio import mulaw
from audio.pcm import HEARING_FRAME_BYTES, HEARING_RATE_HZ, PLAYOUT_FRAME_BYTES, PLAYOUT_RATE_HZ, as_samples
from audio.playout import FRAME_SAMPLES, Playout
from audio.resample import Resampler
from calls.lines.allowance import Allowance
from calls.lines.carriers import Dialect, Digit, Marked, MediaSocket, Sound, Started, Stopped
from calls.lines.event_stream import EventStream
from calls.lines.far_buffer import FarBuffer
from calls.lines.line import AttendanceKnown, HearingSink, LineEvent, LineHungUp, Participant, ParticipantJoined
from calls.lines.pacer import Pacer
from calls.lines.packet_order import NUMBERS, PacketOrder
from drops import Drop

log = logging.getLogger(__name__)

MOST_WAITING: Final = 6
"""Messages that wait to be sent (at most 60 ms of sound): a carrier that does not read makes the sound wait where it can still be cut."""
IDLE_FRAMES: Final = 20
"""After 200 ms of silence nothing is sent until there is sound again."""
MUTE_S: Final = 20.0
"""A carrier sends sound all the time, silence too; after so long without any the call is lost."""
LAST_WORDS_S: Final = 1.0
"""Before Parley hangs up, what the carrier still has of its last words may be heard for so long."""
FASTEST: Final = 2
"""Sound that comes so many times faster than it plays is not taken, but for the first second of it."""

OnDigit = Callable[[str], None]


class PhoneLine:
    """A call with ``peer`` over a media socket whose ``stream`` has been announced, and whose carrier has shown who it is.

    ``on_digit`` is told each key that is pressed.
    """

    def __init__(
        self,
        socket: MediaSocket,
        dialect: Dialect,
        stream: Started,
        peer: Participant,
        pacer: Pacer,
        on_digit: OnDigit = lambda _digit: None,
    ) -> None:
        self._socket = socket
        self._dialect = dialect
        self._stream_id = stream.stream_id
        self._peer = peer
        self._pacer = pacer
        self._on_digit = on_digit
        self._events = EventStream()
        self._ear = _Ear(dialect.rate_hz)
        self._mouth = _Mouth(dialect)
        self._far = FarBuffer(dialect.rate_hz)
        self._all_heard = asyncio.Event()
        self._waiting: deque[str] = deque()
        self._wake = asyncio.Event()
        self._clock = asyncio.get_running_loop().time
        self._sink: HearingSink | None = None
        self._playout: Playout | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._over = False

    @property
    def description(self) -> str:
        """For people."""
        return f'telephone call with "{self._peer.name}"'

    @property
    def voice_chat_id(self) -> int | None:
        """A telephone call is no voice chat."""
        return None

    async def open(self, sink: HearingSink, playout: Playout) -> None:
        """Begin to hear and to speak; the carrier is connected already."""
        self._sink, self._playout = sink, playout
        playout.take_back = self._take_back
        self._tasks = [asyncio.create_task(part, name=f"line of a {self._dialect.name} call") for part in (self._read(), self._write())]
        self._pacer.add(self, self._pull)
        self._events.put(ParticipantJoined(self._peer))
        self._events.put(AttendanceKnown())

    def events(self) -> AsyncIterator[LineEvent]:
        """What happens on the line."""
        return self._events.read()

    # ---- what the carrier sends

    async def _read(self) -> None:
        reason = await self._until_over()
        self._hang_up(reason)

    async def _until_over(self) -> LineHungUp:
        while True:
            try:
                async with asyncio.timeout(MUTE_S):
                    text = await self._socket.receive()
            except TimeoutError:
                return LineHungUp("The sound connection of our call was lost. Call again if you like.", "phone.lost")
            message = self._dialect.read(text) if text is not None else Stopped()
            if isinstance(message, Stopped):
                return LineHungUp()
            self._take(message)

    def _take(self, message: object) -> None:
        match message:
            case Sound(number, payload):
                for frame in self._ear.frames(number, payload, self._clock()):
                    if self._sink is not None:
                        self._sink(self._peer, frame)
            case Marked(name):
                self._far.echoed(name, self._clock())
                if self._far.empty:
                    self._all_heard.set()
            case Digit(digit):
                self._on_digit(digit)
            case _:
                pass

    def _hang_up(self, event: LineHungUp) -> None:
        if not self._over:
            self._over = True
            self._all_heard.set()
            self._events.put(event)

    # ---- what the carrier gets

    def _pull(self) -> None:
        if self._playout is None or self._over or len(self._waiting) >= MOST_WAITING:
            return
        frame = self._playout.read()
        for packet, spoken in self._mouth.packets(frame, spoken=frame is not Playout.SILENCE):
            self._send_sound(packet, spoken)
        if self._mouth.rests:
            self._mark(self._far.mark())

    def _send_sound(self, packet: bytes, spoken: int) -> None:
        self._all_heard.clear()
        mark = self._far.hand_over(len(packet), spoken, self._clock())
        self._put(self._dialect.sound(self._stream_id, packet))
        self._mark(mark)

    def _mark(self, name: str | None) -> None:
        if name is not None:
            self._put(self._dialect.mark_after(self._stream_id, name))

    def _put(self, text: str) -> None:
        self._waiting.append(text)
        self._wake.set()

    def _take_back(self) -> int:
        """Have the carrier forget what it has not played; see :attr:`audio.playout.Playout.take_back`."""
        unheard = self._mouth.forget()
        if not self._far.empty:
            unheard += self._far.take_back(self._clock())
            self._waiting.clear()
            self._put(self._dialect.clear(self._stream_id))
            self._all_heard.set()
        return unheard

    async def _write(self) -> None:
        try:
            while True:
                await self._wake.wait()
                self._wake.clear()
                while self._waiting:
                    await self._socket.send(self._waiting.popleft())
        except (ConnectionError, OSError) as error:
            log.warning("nothing can be sent to the carrier any more: %r", error)
            self._hang_up(LineHungUp())

    # ---- closing

    async def close(self) -> None:
        """Let the last words be heard, and hang up. Safe to call twice, and on a line that broke."""
        self._pacer.remove(self)
        if self._playout is not None:
            self._playout.take_back = _nothing
        if not self._over and self._tasks:
            await self._last_words()
        self._over = True
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks = []
        await self._socket.close()
        if self._ear.lost or self._ear.late or self._ear.refused:
            log.info("packets of a call: %d lost, %d late, %d too fast", self._ear.lost, self._ear.late, self._ear.refused)
        self._events.close()

    async def _last_words(self) -> None:
        for packet, spoken in self._mouth.rest():
            self._send_sound(packet, spoken)
        self._mark(self._far.mark())
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LAST_WORDS_S):
                while not self._far.empty and not self._over:
                    await self._all_heard.wait()


def _nothing() -> int:
    return 0


class _Ear:
    """Packets of μ-law in, frames of 10 ms at 16 kHz out."""

    def __init__(self, rate_hz: int) -> None:
        self._order = PacketOrder()
        self._resampler = Resampler(rate_hz, HEARING_RATE_HZ)
        self._last = b""
        self._pending = b""
        self._allowance = Allowance(FASTEST * rate_hz, rate_hz)
        self.refused = 0

    @property
    def lost(self) -> int:
        return self._order.lost

    @property
    def late(self) -> int:
        return self._order.late

    def frames(self, number: int, payload: bytes, now_s: float) -> list[bytes]:
        """What can be heard now that this packet has come."""
        if not self._allowance.spend(len(payload), now_s):
            self.refused += 1
            drops.note(Drop.HEARD_FRAMES)
            return []
        for packet in self._order.add(number % NUMBERS, payload):
            self._pending += self._resampler.feed(self._decoded(packet))
        whole = len(self._pending) // HEARING_FRAME_BYTES * HEARING_FRAME_BYTES
        ready, self._pending = self._pending[:whole], self._pending[whole:]
        return [ready[start : start + HEARING_FRAME_BYTES] for start in range(0, whole, HEARING_FRAME_BYTES)]

    def _decoded(self, packet: bytes | None) -> bytes:
        """A lost packet sounds like the one before it, ever more softly."""
        if packet is None:
            self._last = (as_samples(self._last) // np.int16(2)).astype("<i2").tobytes()
        else:
            self._last = mulaw.decode(packet)
        return self._last


class _Mouth:
    """Frames of 10 ms at 24 kHz in, packets of μ-law out. Silence that lasts makes no packets."""

    def __init__(self, dialect: Dialect) -> None:
        self._rate_hz = dialect.rate_hz
        self._packet_bytes = dialect.rate_hz * dialect.packet_ms // 1000
        self._resampler = Resampler(PLAYOUT_RATE_HZ, dialect.rate_hz)
        self._pending = b""
        self._spoken = 0
        self._silent_frames = IDLE_FRAMES + 1

    @property
    def rests(self) -> bool:
        """Silence has just lasted for so long that nothing more is sent."""
        return self._silent_frames == IDLE_FRAMES

    def packets(self, frame: bytes, *, spoken: bool) -> list[tuple[bytes, int]]:
        """What is to be sent now, and how many samples (24 kHz) of each packet are speech."""
        self._silent_frames = 0 if spoken else self._silent_frames + 1
        if self._silent_frames > IDLE_FRAMES:
            return []
        self._spoken += FRAME_SAMPLES * spoken
        self._pending += mulaw.encode(self._resampler.feed(frame))
        return self._whole()

    def rest(self) -> list[tuple[bytes, int]]:
        """The end of what was spoken, filled up with silence."""
        if self._silent_frames >= IDLE_FRAMES:
            return []
        silence = bytes(2 * PLAYOUT_FRAME_BYTES)
        self._pending += mulaw.encode(self._resampler.feed(silence))
        self._pending += mulaw.SILENCE * (-len(self._pending) % self._packet_bytes)
        return self._whole()

    def forget(self) -> int:
        """What was not sent yet is not sent any more; returns how many samples of it were speech."""
        spoken, self._spoken, self._pending = self._spoken, 0, b""
        self._resampler = Resampler(PLAYOUT_RATE_HZ, self._rate_hz)
        return spoken

    def _whole(self) -> list[tuple[bytes, int]]:
        packets = []
        while len(self._pending) >= self._packet_bytes:
            packet, self._pending = self._pending[: self._packet_bytes], self._pending[self._packet_bytes :]
            spoken = min(self._spoken, 2 * FRAME_SAMPLES * self._packet_bytes * 1000 // self._rate_hz // 20)
            self._spoken -= spoken
            packets.append((packet, spoken))
        return packets
