"""A call from a web page, over WebRTC.

The connection under it may be replaced while the call goes on (an ICE restart: the page offers a new one), and may be away for a while:
what there is to say waits for the caller then.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any, Final

from aiortc import RTCIceServer

from audio.playout import Playout
from calls.errors import CallError
from calls.lines.browser_peer import BrowserPeer
from calls.lines.event_stream import EventStream
from calls.lines.line import AttendanceKnown, HearingSink, LineEvent, LineHungUp, Participant, ParticipantJoined
from calls.lines.pacer import Pacer

log = logging.getLogger(__name__)

CONNECT_S: Final = 15.0
PRESENT_S: Final = 5.0
"""A page that was not heard of for this long is away. It sends sound all the time, or at least a message every two seconds."""
RETURN_S: Final = 20.0
"""A caller who is away for this long has left."""
LOOK_EVERY_S: Final = 0.5


class BrowserLine:
    """A call with ``caller``. :meth:`answer` comes first, then :meth:`open`.

    ``on_message`` is given what the page sends over the channel, ``on_clear`` is called when sound that is on its way should not be heard.
    """

    def __init__(self, caller: Participant, servers: Sequence[RTCIceServer], pacer: Pacer) -> None:
        self.caller = caller
        self._servers = servers
        self._pacer = pacer
        self._clock = asyncio.get_running_loop().time
        self._events = EventStream()
        self._peer: BrowserPeer | None = None
        self._next: BrowserPeer | None = None
        self._changed = asyncio.Event()
        self._sink: HearingSink | None = None
        self._playout: Playout | None = None
        self._watcher: asyncio.Task[None] | None = None
        self._heard_of_s = self._clock()
        self._over = False
        self.on_message: Callable[[str], None] = lambda _message: None
        self.on_clear: Callable[[], None] = lambda: None

    @property
    def description(self) -> str:
        """For people."""
        return f'browser call of "{self.caller.name}"'

    @property
    def voice_chat_id(self) -> int | None:
        """A browser call is no voice chat."""
        return None

    # ---- connecting

    async def answer(self, offer: str) -> str:
        """Answer the page's offer; a later one replaces the connection as soon as the new one stands.

        :raises OfferRefused: the offer cannot be accepted; what there was goes on.
        :raises calls.errors.CallError: the call is over.
        """
        if self._over:
            raise _error("The call is over.", "", "browser.over")
        peer = BrowserPeer(self._servers, self._hear, self._hear_of, self._changed.set)
        if self._next is not None:
            await self._next.close()
        self._next = peer
        try:
            return await peer.answer(offer)
        except BaseException:
            await peer.close()
            if self._next is peer:
                self._next = None
            raise

    async def add_candidate(self, candidate: dict[str, Any] | None) -> None:
        """An address of the page, for the newest connection."""
        peer = self._next or self._peer
        if peer is not None:
            await peer.add_candidate(candidate)

    async def open(self, sink: HearingSink, playout: Playout) -> None:
        """Returns when the connection stands.

        :raises calls.errors.CallError: it does not come about.
        """
        self._sink, self._playout = sink, playout
        try:
            async with asyncio.timeout(CONNECT_S):
                await self._until_connected()
        except CallError:
            await self.close()
            raise
        except TimeoutError:
            await self.close()
            raise _error(
                "No sound connection with the browser came about.",
                "A firewall may be in the way: try another network, or set ICE_TURN.",
                "browser.not_connected",
            ) from None
        playout.take_back = self._clear
        self._heard_of_s = self._clock()
        self._pacer.add(self, self._pull)
        self._watcher = asyncio.create_task(self._watch(), name=self.description)
        self._events.put(ParticipantJoined(self.caller))
        self._events.put(AttendanceKnown())

    async def _until_connected(self) -> None:
        while not await self._take_over():
            if self._over:
                raise _error("The call is over.", "", "browser.hung_up")
            await self._changed.wait()
            self._changed.clear()

    async def _take_over(self) -> bool:
        """Go over to the newest connection if it stands; whether there is one that does."""
        peer = self._next
        if peer is not None and peer.connected:
            old, self._peer, self._next = self._peer, peer, None
            self._heard_of_s = self._clock()
            if old is not None:
                await old.close()
        elif peer is not None and peer.failed:
            self._next = None
            await peer.close()
        return self._peer is not None and self._peer.connected

    # ---- while it is open

    def events(self) -> AsyncIterator[LineEvent]:
        """What happens, in order; ends when the line is closed."""
        return self._events.read()

    @property
    def present(self) -> bool:
        """The page is connected, and was heard of a moment ago."""
        return self._peer is not None and self._peer.connected and self._clock() - self._heard_of_s < PRESENT_S

    def send(self, message: str) -> bool:
        """Send a message to the page over the channel; false if that is not possible just now."""
        return self._peer is not None and self._peer.send(message)

    def hang_up(self, reason: str = "", key: str = "") -> None:
        """End the call; empty: the caller wanted it."""
        if not self._over:
            self._over = True
            self._events.put(LineHungUp(reason, key))
            self._changed.set()

    def _hear(self, frame: bytes) -> None:
        self._heard_of_s = self._clock()
        if self._sink is not None and self._watcher is not None and not self._over:
            self._sink(self.caller, frame)

    def _hear_of(self, message: str) -> None:
        self._heard_of_s = self._clock()
        self.on_message(message)

    def _pull(self) -> None:
        peer, playout = self._peer, self._playout
        if peer is not None and playout is not None and self.present and peer.has_room:
            peer.play(playout.read())

    def _clear(self) -> int:
        """The page falls silent at once; what it has not played is a tenth of a second, which counts as heard."""
        self.on_clear()
        return 0

    async def _watch(self) -> None:
        while not self._over:
            try:
                async with asyncio.timeout(LOOK_EVERY_S):
                    await self._changed.wait()
            except TimeoutError:
                pass
            self._changed.clear()
            await self._take_over()
            if self._clock() - self._heard_of_s >= RETURN_S:
                self.hang_up("The connection with the browser was lost.", "browser.lost")

    # ---- closing

    async def close(self) -> None:
        """Hang up and free everything. Safe to call twice, and on a line that broke."""
        self._over = True
        self._pacer.remove(self)
        if self._watcher is not None:
            self._watcher.cancel()
            await asyncio.wait([self._watcher])
        for peer in (self._peer, self._next):
            if peer is not None:
                await peer.close()
        self._events.close()


def _error(what: str, next_step: str, key: str) -> CallError:
    return CallError(what, next_step, key=key)
