"""The line that is a WebSocket: somebody's program sends sound as it likes, and gets replies as it likes.

A WebSocket comes in order and loses nothing, so sound is heard as soon as it comes, in bursts as long as the messages: turns are counted in
audio time, and :class:`calls.hearing.Hearing` knows that more is not due before the burst has had the time to sound.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from typing import Final

from audio.pcm import HEARING_FRAME_BYTES, PLAYOUT_RATE_HZ
from audio.playout import Playout, nobody_waits, nothing_on_its_way
from calls.lines.event_stream import EventStream
from calls.lines.line import AttendanceKnown, HearingSink, LineEvent, LineHungUp, Participant, ParticipantJoined
from calls.lines.pacer import Pacer
from calls.lines.replies import PacedPcm, Replies, SoundOut, WholeWavs

CALLER_ID: Final = -1
"""No user of Telegram has this id."""


class Output(StrEnum):
    """What replies are sent as."""

    WAV = "wav"
    PCM = "pcm"


@dataclass(frozen=True, slots=True)
class Playing:
    """How the far end plays. ``buffer_ms``: raw PCM that it keeps before it sounds; ``clears``: it stops a WAV file when it is told to."""

    output: Output = Output.WAV
    rate_hz: int = PLAYOUT_RATE_HZ
    buffer_ms: int = 60
    clears: bool = False


class WebSocketLine:
    """Lives as long as its socket; whoever reads the socket calls :meth:`hear`, and :meth:`hang_up` at the end."""

    def __init__(self, out: SoundOut, pacer: Pacer, name: str, playing: Playing) -> None:
        self._out = out
        self._pacer = pacer
        self._caller = Participant(CALLER_ID, name)
        self._playing = playing
        self._events = EventStream()
        self._sink: HearingSink | None = None
        self._playout: Playout | None = None
        self._replies: Replies | None = None
        self._rest = b""

    @property
    def description(self) -> str:
        """For people."""
        return f'WebSocket call of "{self._caller.name}"'

    @property
    def voice_chat_id(self) -> int | None:
        """It is no voice chat."""
        return None

    async def open(self, sink: HearingSink, playout: Playout) -> None:
        """The socket is open already."""
        self._sink, self._playout = sink, playout
        self.play(self._playing)
        self._pacer.add(self, self._pull)
        playout.on_said = partial(self._pacer.wake, self)
        self._events.put(ParticipantJoined(self._caller))
        self._events.put(AttendanceKnown())

    def events(self) -> AsyncIterator[LineEvent]:
        """What happens, in order; ends when the line is closed."""
        return self._events.read()

    def play(self, playing: Playing) -> None:
        """Send replies in this way from now on."""
        self._playing = playing
        if self._playout is None:
            return
        if playing.output is Output.PCM:
            self._replies = PacedPcm(self._playout, self._out, rate_hz=playing.rate_hz, buffer_ms=playing.buffer_ms)
        else:
            self._replies = WholeWavs(self._playout, self._out, clears=playing.clears)
        self._playout.take_back = self._replies.take_back

    def _pull(self) -> None:
        if self._replies is None:
            return
        self._replies.pull()
        if self._replies.idle:
            self._pacer.rest(self)

    def hear(self, pcm: bytes) -> None:
        """The next sound of the caller (16 kHz mono), as long as it may be."""
        if self._sink is None:
            return
        sink, caller = self._sink, self._caller
        pcm = self._rest + pcm if self._rest else pcm
        whole = len(pcm) - len(pcm) % HEARING_FRAME_BYTES
        for start in range(0, whole, HEARING_FRAME_BYTES):
            sink(caller, pcm[start : start + HEARING_FRAME_BYTES])
        self._rest = pcm[whole:]

    def hang_up(self, reason: str = "", key: str = "") -> None:
        """The far end has gone, or must go: then ``reason`` says why."""
        self._events.put(LineHungUp(reason, key))

    async def close(self) -> None:
        """Nothing is heard or played any more. Safe to call twice."""
        self._pacer.remove(self)
        self._sink = self._replies = None
        if self._playout is not None:
            self._playout.take_back = nothing_on_its_way
            self._playout.on_said = nobody_waits
        self._events.close()
