"""Private calls as Telegram signals them: who phones, who answers, what the two ends tell each other. No sound passes here.

The call library has a private-call half of its own. It loses the end of a call whose media broke, keeps what it knows of calls that were
never answered, and cannot decline as official apps do; so its half never sees these updates: they end here.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import logging
from collections import deque
from collections.abc import Callable
from typing import Any, Final

from telethon import TelegramClient, events, password
from telethon.errors import RPCError
from telethon.tl import functions, types
from telethon.utils import get_display_name

import drops
from calls import phone_errors
from calls.errors import of
from drops import Drop

log = logging.getLogger(__name__)

RANDOM_BYTES: Final = 256
MOST_EARLY: Final = 32
"""Updates about a call that we do not know yet: they may overtake the answer to our own request."""
MOST_SIGNALS: Final = 256
"""What the other end may tell ours before ours is ready to listen; a call needs about twenty."""
DISCARD_TIMEOUT_S: Final = 5.0
STALE_S: Final = 90.0
"""A request that is older comes from before an outage: nobody waits any more."""

Signal = Callable[[bytes], None]


class PhoneCall:
    """One private call; ``over`` is done with Telegram's reason as soon as it is. What happens is noted in the futures, in any order."""

    def __init__(self, client: TelegramClient, call: types.InputPhoneCall, user_id: int, g_a_hash: bytes = b"") -> None:
        loop = asyncio.get_running_loop()
        self.id = int(call.id)
        self.user_id = user_id
        self.g_a_hash = g_a_hash
        self.name = ""
        self.is_contact = False
        self.rings: asyncio.Future[None] = loop.create_future()
        self.answered: asyncio.Future[bytes] = loop.create_future()
        self.confirmed: asyncio.Future[types.PhoneCall] = loop.create_future()
        self.over: asyncio.Future[Any] = loop.create_future()
        self._client = client
        self._call = call
        self._signal: Signal | None = None
        self._signals: deque[bytes] = deque(maxlen=MOST_SIGNALS)
        self._sending: set[asyncio.Task[None]] = set()

    # ---- what comes

    def take(self, call: Any) -> None:
        """Note a new stage of the call."""
        match call:
            case types.PhoneCallWaiting(receive_date=rings_since) if rings_since is not None:
                _done(self.rings, None)
            case types.PhoneCallAccepted(g_b=g_b):
                _done(self.rings, None)
                _done(self.answered, bytes(g_b))
            case types.PhoneCall():
                _done(self.confirmed, call)
            case types.PhoneCallDiscarded(reason=reason):
                _done(self.over, reason)

    def take_signal(self, data: bytes) -> None:
        """The other end tells ours something."""
        if self._signal is None:
            drops.note(Drop.CALL_SIGNALS, len(self._signals) == MOST_SIGNALS)
            self._signals.append(data)
        else:
            self._signal(data)

    def listen(self, signal: Signal) -> None:
        """Hand what the other end tells to ``signal`` from now on, and before that what it has told."""
        self._signal = signal
        while self._signals:
            signal(self._signals.popleft())

    async def wait(self, stage: asyncio.Future[Any], within_s: float) -> Any:
        """Wait for a stage.

        :raises TimeoutError: it did not come in time.
        :raises Discarded: the call ended before.
        """
        await asyncio.wait({stage, self.over}, timeout=within_s, return_when=asyncio.FIRST_COMPLETED)
        if stage.done():
            return stage.result()
        if self.over.done():
            raise Discarded(self.over.result())
        raise TimeoutError

    # ---- what is sent

    async def received(self) -> None:
        """Tell the caller that it rings here; without that, official apps give up after 20 s.

        :raises telethon.errors.RPCError: the call is over.
        """
        await self._client(functions.phone.ReceivedCallRequest(self._call))

    async def accept(self, g_b: bytes, protocol: types.PhoneCallProtocol) -> None:
        """Answer.

        :raises telethon.errors.RPCError: Telegram refused.
        """
        self.take((await self._client(functions.phone.AcceptCallRequest(self._call, g_b, protocol))).phone_call)

    async def confirm(self, g_a: bytes, fingerprint: int, protocol: types.PhoneCallProtocol) -> types.PhoneCall:
        """Begin the call that was answered.

        :raises telethon.errors.RPCError: Telegram refused.
        """
        answer = await self._client(functions.phone.ConfirmCallRequest(self._call, g_a, fingerprint, protocol))
        return answer.phone_call

    def signal(self, data: bytes) -> None:
        """Tell the other end something; returns at once."""
        task = asyncio.create_task(self._send(data))
        self._sending.add(task)
        task.add_done_callback(self._sending.discard)

    async def _send(self, data: bytes) -> None:
        try:
            await self._client(functions.phone.SendSignalingDataRequest(self._call, data))
        except (RPCError, ConnectionError) as error:
            log.info("the other end of a private call was not told something: %r", error)

    async def discard(self, reason: Any, duration_s: int = 0) -> None:
        """End the call, if it is not over; nothing is raised."""
        for task in self._sending:
            task.cancel()
        if self.over.done():
            return
        with contextlib.suppress(TimeoutError, ConnectionError, RPCError):
            async with asyncio.timeout(DISCARD_TIMEOUT_S):
                await self._client(functions.phone.DiscardCallRequest(self._call, duration_s, reason, connection_id=0))
        _done(self.over, reason)

    # ---- the key

    def check(self, g_a: bytes) -> None:
        """Make sure that what the caller shows now is what it had promised before it saw our half.

        :raises calls.errors.CallError: it is not: somebody sits between the two.
        """
        if hashlib.sha256(g_a).digest() != self.g_a_hash:
            raise of(phone_errors.NOT_SECRET)


class Discarded(Exception):
    """The call was ended by the other side, or by Telegram; ``reason`` is Telegram's."""

    def __init__(self, reason: object) -> None:
        super().__init__(type(reason).__name__)
        self.reason = reason


class Phone:
    """The telephone of an account. Make it before the call engine. ``on_incoming`` is called when somebody phones, on the event loop.

    ``now_s`` is Telegram's time of day.
    """

    def __init__(self, client: TelegramClient, now_s: Callable[[], float]) -> None:
        self.on_incoming: Callable[[PhoneCall], None] = lambda call: None
        self._client = client
        self._now_s = now_s
        self._calls: dict[int, PhoneCall] = {}
        self._early: deque[Any] = deque(maxlen=MOST_EARLY)
        client.add_event_handler(self._on_update, events.Raw(types=(types.UpdatePhoneCall, types.UpdatePhoneCallSignalingData)))

    async def dh_config(self) -> types.messages.DhConfig:
        """What keys are agreed on with.

        :raises calls.errors.CallError: Telegram's prime is not one by which a key is secret.
        """
        config = await self._client(functions.messages.GetDhConfigRequest(version=0, random_length=RANDOM_BYTES))
        try:
            password.check_prime_and_good(config.p, config.g)
        except ValueError as error:
            raise of(phone_errors.NOT_SECRET) from error
        return config

    async def call(self, user_id: int, g_a_hash: bytes, protocol: types.PhoneCallProtocol) -> PhoneCall:
        """Phone somebody.

        :raises ValueError: the account knows nobody with this id.
        :raises telethon.errors.RPCError: Telegram refused.
        """
        user = await self._client.get_input_entity(user_id)
        answer = await self._client(functions.phone.RequestCallRequest(user, g_a_hash, protocol))
        call = self._known(answer.phone_call, user_id)
        call.take(answer.phone_call)
        return call

    def _known(self, shown: Any, user_id: int, g_a_hash: bytes = b"") -> PhoneCall:
        call = self._calls[shown.id] = PhoneCall(self._client, types.InputPhoneCall(shown.id, shown.access_hash), user_id, g_a_hash)
        call.over.add_done_callback(lambda _over: self._calls.pop(call.id, None))
        early, self._early = self._early, deque(maxlen=MOST_EARLY)
        for update in early:
            self._dispatch(update)
        return call

    async def _on_update(self, update: Any) -> None:
        self._dispatch(update)
        raise events.StopPropagation

    def _dispatch(self, update: Any) -> None:
        if isinstance(update, types.UpdatePhoneCallSignalingData):
            if (known := self._calls.get(update.phone_call_id)) is not None:
                known.take_signal(update.data)
        elif (known := self._calls.get(update.phone_call.id)) is not None:
            known.take(update.phone_call)
        elif isinstance(update.phone_call, types.PhoneCallRequested):
            self._rings(update)
        else:
            drops.note(Drop.CALL_SIGNALS, len(self._early) == MOST_EARLY)
            self._early.append(update)

    def _rings(self, update: types.UpdatePhoneCall) -> None:
        shown = update.phone_call
        if self._now_s() - shown.date.timestamp() > STALE_S:
            return
        call = self._known(shown, shown.admin_id, bytes(shown.g_a_hash))
        caller = (getattr(update, "_entities", None) or {}).get(shown.admin_id)
        call.name = get_display_name(caller) if caller else str(shown.admin_id)
        call.is_contact = bool(getattr(caller, "contact", False))
        self.on_incoming(call)


def _done(future: asyncio.Future[Any], result: Any) -> None:
    if not future.done():
        future.set_result(result)
