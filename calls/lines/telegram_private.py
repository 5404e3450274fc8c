"""The line that is a private call on Telegram: places it or answers it, hears one person, and says how it ends.

There is no way back into a private call: whatever ends it, this line is over.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from typing import Any, Final

import ntgcalls
from telethon.tl import types

from audio.playout import Playout
from calls import phone_errors
from calls.errors import Failure, of
from calls.lines.event_stream import EventStream
from calls.lines.frame_sender import FrameSender
from calls.lines.line import AttendanceKnown, HearingSink, LineEvent, LineHungUp, Participant, ParticipantJoined
from calls.lines.pacer import Pacer
from calls.lines.packet_flow import PacketFlow
from calls.telegram.phone import Discarded, Phone, PhoneCall
from calls.telegram.private_media import Ends, PrivateMedia

log = logging.getLogger(__name__)

RECEIVE_S: Final = 20.0
"""Official apps give up when no device of the other has said by then that it rings."""
CONFIRM_S: Final = 10.0
CONNECT_S: Final = 15.0
"""The native library gives up by itself after ten, and now and then never says that it is connected."""
LOOK_EVERY_S: Final = 1.0
LAST_WORD_S: Final = 2.0
"""The sound ends a little before Telegram says that the other has hung up."""


class TelegramPrivateLine:
    """A call with the person ``peer``: the one that rings (``incoming``), or a new one that rings there for at most ``ring_s``."""

    def __init__(
        self, phone: Phone, media: PrivateMedia, pacer: Pacer, peer: Participant, incoming: PhoneCall | None = None, ring_s: float = 60.0
    ) -> None:
        loop = asyncio.get_running_loop()
        self._phone = phone
        self._media = media
        self._pacer = pacer
        self._peer = peer
        self._ring_s = ring_s
        self._call = incoming
        self._incoming = incoming is not None
        self._events = EventStream()
        self._sender = FrameSender(lambda frame: media.send(peer.id, frame))
        self._connected: asyncio.Future[None] = loop.create_future()
        self._lost = asyncio.Event()
        self._flow = PacketFlow()
        self._sink: HearingSink | None = None
        self._playout: Playout | None = None
        self._runner: asyncio.Task[None] | None = None
        self._signals: set[asyncio.Task[None]] = set()
        self._began_s: float | None = None
        self._answered = False
        self._ended_by: Any = None
        self.emojis = ""
        """What both ends see if nobody sits between them; known once the line is open."""

    @property
    def description(self) -> str:
        """For people."""
        return f'private call with "{self._peer.name}"'

    @property
    def voice_chat_id(self) -> int | None:
        """A private call is no voice chat."""
        return None

    # ---- opening

    async def open(self, sink: HearingSink, playout: Playout) -> None:
        """Place the call or answer it; returns when the two ends are connected.

        :raises calls.errors.CallError: they are not; nothing is left behind after :meth:`close`.
        """
        self._sink, self._playout = sink, playout
        try:
            await self._connect()
        except BaseException as error:
            await asyncio.shield(self.close())
            if isinstance(error, Exception):
                raise self._told(error) from error
            raise
        self._runner = asyncio.create_task(self._run(), name=f"line of the call with {self._peer.id}")
        self._pacer.add(self, self._pull)
        self._events.put(ParticipantJoined(self._peer))
        self._events.put(AttendanceKnown())
        log.info("✅ In a private call with %s (%s)", self._peer.id, self.emojis)

    def _told(self, error: Exception) -> Exception:
        if isinstance(error, Discarded):
            return phone_errors.of_discard(error.reason, answered=self._answered)
        if isinstance(error, ntgcalls.BaseRTCException):
            log.warning("the native library refused a private call: %r", error)
            return of(phone_errors.NOT_CONNECTED)
        told = phone_errors.explain(error)
        if told.key == phone_errors.UNKNOWN.key:
            log.error("a private call failed", exc_info=error)
        return told

    async def _connect(self) -> None:
        confirmed = await (self._answer() if self._call is not None else self._place())
        assert self._call is not None
        await self._media.connect(self._peer.id, confirmed)
        self._call.listen(self._take_signal)
        await self._until_connected(self._call)
        self._began_s = asyncio.get_running_loop().time()
        self.emojis = await self._media.emojis(self._peer.id)

    async def _place(self) -> types.PhoneCall:
        protocol = self._media.protocol()
        g_a_hash = await self._media.begin(self._peer.id, await self._phone.dh_config(), None, self._ends())
        self._call = await self._phone.call(self._peer.id, g_a_hash, protocol)
        g_b = await self._until_answered(self._call)
        self._answered = True
        g_a, fingerprint = await self._media.agree(self._peer.id, g_b)
        return await self._call.confirm(g_a, fingerprint, protocol)

    async def _until_answered(self, call: PhoneCall) -> bytes:
        try:
            await call.wait(call.rings, min(RECEIVE_S, self._ring_s))
            return bytes(await call.wait(call.answered, self._ring_s))
        except TimeoutError:
            raise of(phone_errors.NO_ANSWER) from None

    async def _answer(self) -> types.PhoneCall:
        call = self._call
        assert call is not None
        self._answered = True
        g_b = await self._media.begin(self._peer.id, await self._phone.dh_config(), call.g_a_hash, self._ends())
        await call.accept(g_b, self._media.protocol())
        try:
            confirmed: types.PhoneCall = await call.wait(call.confirmed, CONFIRM_S)
        except TimeoutError:
            raise of(phone_errors.DISCARDED) from None
        call.check(bytes(confirmed.g_a_or_b))
        _, fingerprint = await self._media.agree(self._peer.id, confirmed.g_a_or_b, confirmed.key_fingerprint)
        if fingerprint != confirmed.key_fingerprint:
            raise of(phone_errors.NOT_SECRET)
        return confirmed

    async def _until_connected(self, call: PhoneCall) -> None:
        lost = asyncio.create_task(self._lost.wait())
        try:
            await asyncio.wait({self._connected, call.over, lost}, timeout=CONNECT_S, return_when=asyncio.FIRST_COMPLETED)
        finally:
            lost.cancel()
        if self._connected.done():
            return
        if call.over.done():
            raise Discarded(call.over.result())
        self._ended_by = types.PhoneCallDiscardReasonDisconnect()
        raise of(phone_errors.NOT_CONNECTED)

    # ---- while it is open

    def events(self) -> AsyncIterator[LineEvent]:
        """What happens, in order; ends when the line is closed."""
        return self._events.read()

    def _ends(self) -> Ends:
        return Ends(self._hear, self._tell, self._is_connected, self._lost.set, self._mutes)

    def _is_connected(self) -> None:
        if not self._connected.done():
            self._connected.set_result(None)

    def _tell(self, data: bytes) -> None:
        if self._call is not None:
            self._call.signal(data)

    def _take_signal(self, data: bytes) -> None:
        task = asyncio.create_task(self._media.take_signal(self._peer.id, data))
        self._signals.add(task)
        task.add_done_callback(self._signals.discard)

    def _mutes(self, muted: bool) -> None:
        self._flow.muted = muted

    def _hear(self, pcm: bytes) -> None:
        self._is_connected()
        self._flow.came(pcm, asyncio.get_running_loop().time())
        if self._sink is not None and self._runner is not None:
            self._sink(self._peer, pcm)

    def _pull(self) -> None:
        if self._playout is not None and self._sender.has_room:
            self._sender.offer(self._playout.read())

    async def _run(self) -> None:
        sending = asyncio.create_task(self._send())
        try:
            ending = await self._until_over()
            log.info("the private call with %s is over: %s", self._peer.id, ending.reason or "hung up")
            self._events.put(ending)
        finally:
            sending.cancel()
            await asyncio.gather(sending, return_exceptions=True)

    async def _send(self) -> None:
        try:
            await self._sender.run()
        except Exception as error:
            log.warning("no sound can be sent to %s: %r", self._peer.id, error)
            self._lost.set()

    async def _until_over(self) -> LineHungUp:
        assert self._call is not None
        lost = asyncio.create_task(self._until_lost())
        try:
            await asyncio.wait({self._call.over, lost}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            lost.cancel()
        if not self._call.over.done():
            await asyncio.wait({self._call.over}, timeout=LAST_WORD_S)
        return self._ending(self._call)

    def _ending(self, call: PhoneCall) -> LineHungUp:
        if not call.over.done():
            self._ended_by = types.PhoneCallDiscardReasonDisconnect()
            return _told(phone_errors.LOST)
        match call.over.result():
            case types.PhoneCallDiscardReasonMigrateConferenceCall():
                return _told(phone_errors.MIGRATED)
            case types.PhoneCallDiscardReasonDisconnect():
                return _told(phone_errors.LOST)
            case _:
                return LineHungUp()

    async def _until_lost(self) -> None:
        """The native library tells late that the other end is gone, and not of everything."""
        while not self._lost.is_set():
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LOOK_EVERY_S):
                    await self._lost.wait()
            if self._flow.has_ceased(asyncio.get_running_loop().time()) or not await self._media.holds(self._peer.id):
                return

    # ---- closing

    async def close(self) -> None:
        """Hang up and free everything. Safe to call twice, and on a line that broke."""
        self._pacer.remove(self)
        for task in (*self._signals, *((self._runner,) if self._runner else ())):
            task.cancel()
        if self._runner is not None:
            await asyncio.wait([self._runner])
            self._runner = None
        await self._media.end(self._peer.id)
        if self._call is not None:
            await self._call.discard(self._ended_by or self._reason(), self._duration_s())
        self._events.close()

    def _reason(self) -> Any:
        if self._incoming or self._answered:
            return types.PhoneCallDiscardReasonHangup()
        return types.PhoneCallDiscardReasonMissed()

    def _duration_s(self) -> int:
        return 0 if self._began_s is None else int(asyncio.get_running_loop().time() - self._began_s)


def _told(failure: Failure) -> LineHungUp:
    return LineHungUp(" ".join(part for part in (failure.what, failure.next_step) if part), failure.key)
