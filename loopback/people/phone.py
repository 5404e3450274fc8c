"""One person's phone: private calls by unmodified py-tgcalls, and what a person may do with one that rings."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable
from typing import Any, Final

from pytgcalls import PyTgCalls
from pytgcalls import filters as when
from pytgcalls.exceptions import CallBusy, CallDeclined, CallDiscarded, NotInCallError, TimedOutAnswer
from pytgcalls.types import CallConfig, ChatUpdate, Device, ExternalMedia, MediaStream, RecordStream
from pytgcalls.types.raw import AudioParameters
from telethon import TelegramClient, events, functions, types

from audio.pcm import HEARING_RATE_HZ, PLAYOUT_RATE_HZ
from errors import ParleyError

log = logging.getLogger(__name__)

CONNECT_TIMEOUT_S: Final = 15.0
"""Beyond the ringing; the native library gives up after ten."""
RING_S: Final = 90


class CallFailed(ParleyError):
    """A private call did not come about; ``how`` is busy, declined, unanswered, or what Telegram has refused it with."""

    def __init__(self, what: str, how: str) -> None:
        super().__init__(what)
        self.how = how


class Phone:
    """``on_over`` is called when the other end has hung up. One call at a time."""

    def __init__(self, client: TelegramClient, calls: PyTgCalls, on_over: Callable[[], None]) -> None:
        self._client = client
        self._calls = calls
        self._on_over = on_over
        self._rings: dict[int, types.InputPhoneCall] = {}
        self._answerable: set[int] = set()
        self._rang = asyncio.Condition()
        self.peer_id: int | None = None
        """Who is at the other end."""
        client.add_event_handler(self._on_update, events.Raw(types=types.UpdatePhoneCall))
        calls.add_handler(self._on_incoming, when.chat_update(ChatUpdate.Status.INCOMING_CALL))

    # ---- phoning

    async def call(self, user_id: int, ring_s: int = RING_S) -> None:
        """Phone a contact, or somebody met before; returns when the two are connected.

        :raises CallFailed: they are not.
        """
        await self._client(functions.contacts.GetContactsRequest(hash=0))
        try:
            await self._connect(user_id, CallConfig(timeout=ring_s), ring_s + CONNECT_TIMEOUT_S)
        except CallBusy:
            raise CallFailed("The line was busy.", "busy") from None
        except (CallDeclined, CallDiscarded):
            raise CallFailed("The call was declined.", "declined") from None
        except (TimedOutAnswer, TimeoutError):
            raise CallFailed("Nobody answered.", "unanswered") from None

    # ---- being phoned

    async def wait_for_ring(self, within_s: float = 20.0) -> int:
        """Wait until somebody phones; who it is. The phone says to the caller that it rings.

        :raises TimeoutError: nobody does.
        """
        async with asyncio.timeout(within_s), self._rang:
            await self._rang.wait_for(lambda: self._answerable & self._rings.keys())
        user_id = next(iter(self._answerable & self._rings.keys()))
        await self._client(functions.phone.ReceivedCallRequest(self._rings[user_id]))
        return user_id

    async def answer(self, user_id: int) -> None:
        """Answer somebody who phones; returns when the two are connected."""
        self._rings.pop(user_id)
        self._answerable.discard(user_id)
        await self._connect(user_id, CallConfig(), CONNECT_TIMEOUT_S)

    async def decline(self, user_id: int, *, busy: bool = True) -> None:
        """Decline, as official apps do (busy) or as py-tgcalls does (hung up)."""
        reason = types.PhoneCallDiscardReasonBusy() if busy else types.PhoneCallDiscardReasonHangup()
        call = self._rings.pop(user_id)
        await self._client(functions.phone.DiscardCallRequest(call, duration=0, reason=reason, connection_id=0))

    # ---- in a call

    async def hang_up(self) -> None:
        """End the call, if there is one."""
        peer_id, self.peer_id = self.peer_id, None
        if peer_id is not None:
            with contextlib.suppress(NotInCallError):
                await self._calls.leave_call(peer_id)

    async def send(self, frame: bytes) -> None:
        """Send 10 ms of sound."""
        await self._calls.send_frame(self.peer_id, Device.MICROPHONE, frame)

    async def _connect(self, user_id: int, config: CallConfig, within_s: float) -> None:
        microphone = MediaStream(ExternalMedia.AUDIO, AudioParameters(PLAYOUT_RATE_HZ, 1))
        async with asyncio.timeout(within_s):
            await self._calls.play(user_id, microphone, config)
            await self._calls.record(user_id, RecordStream(True, AudioParameters(HEARING_RATE_HZ, 1)))
        self.peer_id = user_id

    def ended(self, update: ChatUpdate) -> None:
        """Take in that a call of py-tgcalls is over."""
        if update.chat_id == self.peer_id:
            self.peer_id = None
            self._on_over()

    async def _on_update(self, update: Any) -> None:
        call = update.phone_call
        if isinstance(call, types.PhoneCallRequested):
            async with self._rang:
                self._rings[call.admin_id] = types.InputPhoneCall(call.id, call.access_hash)
                self._rang.notify_all()
        elif isinstance(call, types.PhoneCallDiscarded):
            self._rings = {user_id: ringing for user_id, ringing in self._rings.items() if ringing.id != call.id}

    async def _on_incoming(self, _calls: Any, update: ChatUpdate) -> None:
        """The library knows of the call, too."""
        async with self._rang:
            self._answerable.add(update.chat_id)
            self._rang.notify_all()

    @property
    def rings(self) -> bool:
        """Somebody phones."""
        return bool(self._rings)
