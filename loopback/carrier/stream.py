"""The carrier's end of a media socket: every 20 ms a packet of what the person says, and one of what was sent is played to them.

Messages as in https://www.twilio.com/docs/voice/media-streams/websocket-messages; the clock is the event loop's.
"""

from __future__ import annotations

import asyncio
import base64
import json
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any, Final

from audio import mulaw
from audio.pcm import HEARING_RATE_HZ
from audio.resample import resample

PACKET_S: Final = 0.02
PACKET_BYTES: Final = 160
QUIET: Final = mulaw.SILENCE * PACKET_BYTES

Send = Callable[[str], Awaitable[None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Weather:
    """How the network is between the person and the carrier: shares of packets that are lost, or overtaken by the next one."""

    lost: float = 0.0
    overtaken: float = 0.0
    seed: int = 1


@dataclass(frozen=True, slots=True)
class Heard:
    """A packet that the person has heard, and when."""

    at_s: float
    packet: bytes

    @property
    def audible(self) -> bool:
        """It is not silence."""
        return self.packet != QUIET


@dataclass(slots=True, kw_only=True)
class CarrierStream:
    """One call's. ``heard`` is all that the person has heard, ``played`` the marks that were played, ``cleared`` those thrown away.

    ``delay_s`` is how long everything takes from the other end, and back.
    """

    send: Send
    stream_sid: str
    call_sid: str
    account_sid: str = "AC" + "0" * 32
    parameters: Mapping[str, str] = field(default_factory=dict)
    weather: Weather = field(default_factory=Weather)
    delay_s: float = 0.0
    heard: list[Heard] = field(default_factory=list)
    played: list[str] = field(default_factory=list)
    cleared: list[str] = field(default_factory=list)
    clears_at_s: list[float] = field(default_factory=list)
    garbled: list[str] = field(default_factory=list)
    longest_buffer_s: float = 0.0
    _sequence: int = 0
    _chunk: int = 0
    _speech: bytearray = field(default_factory=bytearray)
    _buffer: deque[bytes | str] = field(default_factory=deque)
    _echoes: deque[tuple[float, str]] = field(default_factory=deque)
    _overtaken: list[str] = field(default_factory=list)
    _over: bool = False

    # ---- what the person does

    def say(self, pcm: bytes) -> float:
        """Speak (16 kHz mono); returns how many seconds it takes."""
        self._speech += mulaw.encode(resample(pcm, HEARING_RATE_HZ, mulaw.RATE_HZ))
        return len(self._speech) / mulaw.RATE_HZ

    async def press(self, digit: str) -> None:
        """Press a key."""
        await self._tell("dtmf", dtmf={"track": "inbound_track", "digit": digit})

    def hang_up(self) -> None:
        """The stream ends with the next packet."""
        self._over = True

    # ---- the socket

    async def run(self) -> None:
        """From the first message to the last."""
        await self.send(json.dumps({"event": "connected", "protocol": "Call", "version": "1.0.0"}))
        await self._tell("start", start=self._start())
        clock, chance = asyncio.get_running_loop().time, Random(self.weather.seed)
        due_s = clock()
        while not self._over:
            await self._tick(clock(), chance)
            due_s += PACKET_S
            await asyncio.sleep(max(0.0, due_s - clock()))
        await self._tell("stop", stop={"accountSid": self.account_sid, "callSid": self.call_sid})

    def _start(self) -> dict[str, Any]:
        return {
            "streamSid": self.stream_sid,
            "accountSid": self.account_sid,
            "callSid": self.call_sid,
            "tracks": ["inbound"],
            "customParameters": dict(self.parameters),
            "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1},
        }

    async def _tick(self, now_s: float, chance: Random) -> None:
        packet, self._speech = bytes(self._speech[:PACKET_BYTES]), self._speech[PACKET_BYTES:]
        await self._send_sound(packet + QUIET[len(packet) :], chance)
        for mark in self._play(now_s):
            self.played.append(mark)
            self._echoes.append((now_s + self.delay_s, mark))
        while self._echoes and self._echoes[0][0] <= now_s:
            await self._tell("mark", mark={"name": self._echoes.popleft()[1]})

    async def _send_sound(self, packet: bytes, chance: Random) -> None:
        self._chunk += 1
        media = {
            "track": "inbound",
            "chunk": str(self._chunk),
            "timestamp": str(self._chunk * 20),
            "payload": base64.b64encode(packet).decode("ascii"),
        }
        message = self._message("media", media=media)
        if chance.random() < self.weather.lost:
            return
        if chance.random() < self.weather.overtaken:
            self._overtaken.append(message)
            return
        await self.send(message)
        while self._overtaken:
            await self.send(self._overtaken.pop())

    def _play(self, now_s: float) -> list[str]:
        packet, marks = b"", []
        while self._buffer and len(packet) < PACKET_BYTES:
            head = self._buffer.popleft()
            if isinstance(head, str):
                marks.append(head)
                continue
            take = PACKET_BYTES - len(packet)
            packet += head[:take]
            if head[take:]:
                self._buffer.appendleft(head[take:])
        while self._buffer and isinstance(self._buffer[0], str):
            marks.append(str(self._buffer.popleft()))
        self.heard.append(Heard(now_s, packet + QUIET[len(packet) :]))
        return marks

    async def take(self, text: str) -> None:
        """A message from the other end."""
        if self.delay_s:
            asyncio.get_running_loop().call_later(self.delay_s, self._obey, text)
        else:
            self._obey(text)
        await asyncio.sleep(0)

    def _obey(self, text: str) -> None:
        message = json.loads(text)
        if message.get("streamSid") != self.stream_sid:
            self.garbled.append(text)
            return
        match message["event"]:
            case "media":
                self._buffer.append(base64.b64decode(message["media"]["payload"], validate=True))
                self.longest_buffer_s = max(self.longest_buffer_s, self.buffered_s)
            case "mark":
                self._buffer.append(str(message["mark"]["name"]))
            case "clear":
                self._clear()
            case _:
                self.garbled.append(text)

    def _clear(self) -> None:
        marks = [each for each in self._buffer if isinstance(each, str)]
        self._buffer.clear()
        self.cleared += marks
        now_s = asyncio.get_running_loop().time()
        self.clears_at_s.append(now_s)
        self._echoes += [(now_s + self.delay_s, mark) for mark in marks]

    @property
    def buffered_s(self) -> float:
        """What waits to be played."""
        return sum(len(each) for each in self._buffer if isinstance(each, bytes)) / mulaw.RATE_HZ

    async def _tell(self, event: str, **parts: Any) -> None:
        await self.send(self._message(event, **parts))

    def _message(self, event: str, **parts: Any) -> str:
        self._sequence += 1
        return json.dumps({"event": event, "sequenceNumber": str(self._sequence), **parts, "streamSid": self.stream_sid})
