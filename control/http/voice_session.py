"""One WebSocket call from its first message to its last: who may send what, how fast, and what they are told."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Final

from aiohttp import WSCloseCode, WSMsgType, web

from audio.streams import SoundStream, StreamError
from audio.vad import AboveFloor
from calls import events
from calls.captions import caption
from calls.ending import End, Ending
from calls.guest_calls import Door, GuestCall, GuestWishes
from calls.lines.allowance import Allowance
from calls.lines.socket_sender import SocketSender
from calls.lines.websocket import WebSocketLine
from calls.manners import Manners
from config import Settings
from control.http import voice_messages as messages
from control.http.services import HttpServices
from control.http.voice_messages import CallWishes, EndCall, MessageError, Ping, PlayerWishes
from errors import LineError

LOOK_EVERY_S: Final = 1.0
SOUND_PER_S: Final = 1.02
SOUND_SAVED_S: Final = 10.0
"""Sound may come a little faster than it sounds, because clocks differ, and this much of it at once: a network stands still at times."""
TEXTS_PER_S: Final = 20.0
TEXTS_SAVED: Final = 100.0
SOUNDS_PER_S: Final = 200.0
SOUNDS_SAVED: Final = 2000.0
MOST_MISTAKES: Final = 20
FAREWELL_S: Final = 1.0
SOUND_AT_ONCE: Final = 2
"""So many pieces of sound (120 ms each) are heard before others have their turn."""


@dataclass(frozen=True, slots=True)
class Goodbye:
    """Why a socket is closed. ``code`` and ``message`` are told in an ``error``, if it is one."""

    close_code: int
    message: str = ""
    code: str = ""


class Refused(Exception):
    """The client did what ends the call."""

    def __init__(self, close_code: int, code: str, message: str) -> None:
        super().__init__(message)
        self.goodbye = Goodbye(close_code, message, code)


HUNG_UP: Final = "Parley has hung up."
GONE: Final = Goodbye(WSCloseCode.OK)


class VoiceSession:
    """Made when the socket is open; :meth:`run` goes on until it is closed."""

    def __init__(self, services: HttpServices, socket: web.WebSocketResponse, wishes: CallWishes) -> None:
        self._settings = services.settings
        self._services = services
        self._socket = socket
        self._wishes = wishes
        self._clock = asyncio.get_running_loop().time
        self._unwanted: asyncio.Future[Goodbye] = asyncio.get_running_loop().create_future()
        self._sender = SocketSender(socket, self._clock)
        self._line = WebSocketLine(self._sender, services.pacer, wishes.name, wishes.playing(services.settings))
        self._sound = self._new_stream(wishes)
        self._sound_allowed = Allowance(SOUND_PER_S, SOUND_SAVED_S)
        self._sounds_allowed = Allowance(SOUNDS_PER_S, SOUNDS_SAVED)
        self._texts_allowed = Allowance(TEXTS_PER_S, TEXTS_SAVED)
        self._mistakes = 0
        self._last_sound_s = self._clock()
        self._last_partial_s = float("-inf")
        self._captions = wishes.captions

    async def run(self) -> None:
        """Open a call, carry it, and say good-bye."""
        sending = asyncio.create_task(self._sender.run())
        try:
            await self._say_good_bye(await self._call(sending), sending)
        finally:
            sending.cancel()
            await asyncio.gather(sending, return_exceptions=True)

    def end(self, goodbye: Goodbye) -> None:
        """Have it end soon; what was decided first counts."""
        if not self._unwanted.done():
            self._unwanted.set_result(goodbye)

    async def _call(self, sending: asyncio.Task[None]) -> Goodbye:
        try:
            guest = await self._open()
        except LineError as refusal:
            return Goodbye(WSCloseCode.TRY_AGAIN_LATER, str(refusal), "refused")
        forget = self._services.bus.subscribe(lambda event: self._tell(guest, event), guest.chat_id)
        try:
            self._greet(guest)
            goodbye = await self._carry(guest, sending)
        finally:
            forget()
            self._line.hang_up()
            await asyncio.shield(guest.over)
        reason = goodbye.message or guest.over.result().reason
        self._sender.text(messages.status(guest.call_id, "ended", reason=reason))
        return goodbye

    async def _open(self) -> GuestCall:
        """A call; one that the same client left behind is ended first, and gone on with."""
        guests, session_id = self._services.guests, self._wishes.session_id
        for left in [guest for guest in guests.calls if session_id and guest.session_id == session_id]:
            left.hang_up()
            await asyncio.shield(left.over)
        wishes = GuestWishes(
            door=Door.WEBSOCKET,
            title=self._wishes.name,
            language=self._wishes.language,
            session_id=session_id,
            adapted=adaptation(self._settings),
        )
        return await guests.open(self._line, wishes)

    def _greet(self, guest: GuestCall) -> None:
        phase = guest.state.phase
        self._sender.text(
            messages.status(
                guest.call_id,
                phase.value if phase else "connecting",
                session_id=guest.session_id,
                resumed=guest.resumed,
                sample_rate=self._wishes.playing(self._settings).rate_hz,
                chunk_size=self._settings.chunk_size,
            )
        )

    async def _carry(self, guest: GuestCall, sending: asyncio.Task[None]) -> Goodbye:
        reading, keeping = asyncio.create_task(self._read()), asyncio.create_task(self._keep())
        try:
            ends: set[asyncio.Future[Any]] = {reading, keeping, sending, guest.over, self._unwanted}
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
            for decided in (reading, keeping, self._unwanted):
                if decided.done():
                    return decided.result()
            return GONE if sending.done() else _ended(guest.over.result())
        finally:
            for task in (reading, keeping):
                task.cancel()
            await asyncio.gather(reading, keeping, return_exceptions=True)

    async def _say_good_bye(self, goodbye: Goodbye, sending: asyncio.Task[None]) -> None:
        if goodbye.code:
            self._sender.text(messages.error(goodbye.code, goodbye.message))
        sent = asyncio.create_task(self._sender.sent())
        await asyncio.wait({sent, sending}, timeout=FAREWELL_S, return_when=asyncio.FIRST_COMPLETED)
        sent.cancel()
        await self._socket.close(code=goodbye.close_code, message=_short(goodbye.message))

    # ---- what comes

    async def _read(self) -> Goodbye:
        try:
            while True:
                message = await self._socket.receive()
                if message.type is WSMsgType.BINARY:
                    await self._hear(message.data)
                elif message.type is WSMsgType.TEXT:
                    if isinstance(self._obey(message.data), EndCall):
                        return GONE
                else:
                    return GONE
        except Refused as refused:
            return refused.goodbye
        except StreamError as broken:
            return Goodbye(WSCloseCode.UNSUPPORTED_DATA, str(broken), "unreadable_sound")

    async def _hear(self, data: bytes) -> None:
        now_s = self._clock()
        if not self._sounds_allowed.spend(1, now_s):
            raise _too_fast()
        for number, pcm in enumerate(self._sound.feed(data), 1):
            self._line.hear(pcm)
            self._last_sound_s = now_s
            if number % SOUND_AT_ONCE == 0:
                await asyncio.sleep(0)

    def _allow(self, seconds: float) -> None:
        if not self._sound_allowed.spend(seconds, self._clock()):
            raise _too_fast()

    def _obey(self, text: str) -> messages.Message | None:
        if not self._texts_allowed.spend(1, self._clock()):
            raise Refused(WSCloseCode.POLICY_VIOLATION, "too_fast", f"More than {TEXTS_PER_S:g} messages a second are too many.")
        try:
            message = messages.understood(text)
            if isinstance(message, PlayerWishes):
                self._change(message)
        except MessageError as wrong:
            self._mistakes += 1
            if self._mistakes >= MOST_MISTAKES:
                raise Refused(WSCloseCode.POLICY_VIOLATION, wrong.key, str(wrong)) from None
            self._sender.text(messages.error(wrong.key, str(wrong)))
            return None
        if isinstance(message, Ping):
            self._sender.text(messages.PONG)
        return message

    def _change(self, wishes: PlayerWishes) -> None:
        if wishes.rate and self._sound.kind:
            raise MessageError("Sound has come already, so its rate is known.", "Send start before the first sound.", key="too_late")
        if wishes.rate:
            self._sound = self._new_stream(wishes)
        self._captions = wishes.captions
        self._line.play(wishes.playing(self._settings))

    def _new_stream(self, wishes: PlayerWishes) -> SoundStream:
        return SoundStream(wishes.playing(self._settings).rate_hz, self._allow)

    # ---- what is told

    def _tell(self, guest: GuestCall, event: events.CallEvent) -> None:
        if isinstance(event, events.PhaseChanged):
            self._sender.text(messages.status(guest.call_id, event.phase))
        elif self._captions and (message := caption(event)) is not None and not self._too_soon(event):
            self._sender.text(json.dumps(message))

    def _too_soon(self, event: events.CallEvent) -> bool:
        if not isinstance(event, events.TurnPartial):
            return False
        if self._clock() - self._last_partial_s < self._settings.buffer_duration_ms / 1000:
            return True
        self._last_partial_s = self._clock()
        return False

    async def _keep(self) -> Goodbye:
        """Heartbeats, until the client has been silent, or deaf, for too long."""
        beat_s = self._clock() + self._settings.ws_heartbeat_interval
        while (goodbye := self._too_long()) is None:
            await asyncio.sleep(LOOK_EVERY_S)
            if self._clock() >= beat_s:
                beat_s += self._settings.ws_heartbeat_interval
                self._sender.text(messages.HEARTBEAT)
        return goodbye

    def _too_long(self) -> Goodbye | None:
        settings = self._settings
        if self._sender.stuck_s > settings.audio_timeout_seconds:
            return Goodbye(WSCloseCode.POLICY_VIOLATION, "What is sent is not read.", "not_read")
        if self._clock() - self._last_sound_s > settings.ws_timeout:
            return Goodbye(WSCloseCode.POLICY_VIOLATION, f"No sound has come for {settings.ws_timeout:g} seconds.", "no_sound")
        return None


def adaptation(settings: Settings) -> Callable[[Manners], Manners]:
    """What the settings of this door change of the manners."""

    def adapted(manners: Manners) -> Manners:
        pauses = manners.pauses
        if settings.min_audio_length_ms is not None:
            pauses = replace(pauses, shortest_speech_s=settings.min_audio_length_ms / 1000)
        if settings.silence_duration_ms is not None:
            manners = replace(manners, waits=None)
            pauses = replace(pauses, end_s=settings.silence_duration_ms / 1000)
        if settings.silence_threshold is not None:
            floor, new_activity = settings.silence_threshold, manners.new_activity
            manners = replace(manners, new_activity=lambda: AboveFloor(new_activity(), floor))
        return replace(manners, pauses=pauses)

    return adapted


def _ended(how: Ending) -> Goodbye:
    if how.end is End.SENT_AWAY:
        return Goodbye(WSCloseCode.GOING_AWAY, how.reason or HUNG_UP)
    return Goodbye(WSCloseCode.OK, how.reason)


def _too_fast() -> Refused:
    return Refused(WSCloseCode.POLICY_VIOLATION, "too_fast", f"Sound comes faster than it sounds, by more than {SOUND_SAVED_S:g} seconds.")


def _short(reason: str) -> bytes:
    """As much of it as a close frame holds."""
    return reason.encode()[:120].decode(errors="ignore").encode()
