"""The private calls there are, and who is told what of them. https://core.telegram.org/api/calls."""

from __future__ import annotations

import asyncio
import logging
import os
from collections import OrderedDict
from collections.abc import Iterator
from typing import Final

from telethon.tl import types as t

from loopback.mtproto.session import Authorisation
from loopback.mtproto.wire import Tl
from loopback.world.accounts import Account
from loopback.world.context import Context
from loopback.world.posting import Posting
from loopback.world.private_call import PrivateCall, Stage, given_up

log = logging.getLogger(__name__)

KEPT_CALLS: Final = 1000
AFTER_ANSWER_S: Final = 0.05
"""A busy callee is told when the request has been answered."""


class PrivateCalls:
    """Keeps the newest thousand calls. Signalling is passed on between the two devices of a call, which are told of nothing else."""

    def __init__(self, context: Context, posting: Posting) -> None:
        self._context = context
        self._posting = posting
        self._calls: OrderedDict[int, PrivateCall] = OrderedDict()

    def __iter__(self) -> Iterator[PrivateCall]:
        return iter(self._calls.values())

    def get(self, call_id: int) -> PrivateCall | None:
        """The call with this id."""
        return self._calls.get(call_id)

    def running(self, account: Account) -> list[PrivateCall]:
        """The calls of somebody that are not over."""
        return [call for call in self if call.stage is not Stage.OVER and call.concerns(account.id)]

    # --- how a call gets on -----------------------------------------------------------------------------------
    def request(self, caller: Account, device: Authorisation, callee: Account, g_a_hash: bytes, protocol: Tl, video: bool) -> PrivateCall:
        """Somebody phones somebody: all devices of the callee are told; one who is on the phone is busy at once."""
        call = PrivateCall(_random_id(), _random_id(), caller, callee, device, self._context.now(), g_a_hash, protocol, video)
        busy = any(other.occupies_callee for other in self.running(callee))
        self._calls[call.id] = call
        while len(self._calls) > KEPT_CALLS:
            self._calls.popitem(last=False)
        if busy:
            asyncio.get_running_loop().call_later(AFTER_ANSWER_S, self.discard, call, t.PhoneCallDiscardReasonBusy())
        else:
            self._tell(call, callee, t.PhoneCallRequested(g_a_hash=g_a_hash, **self.described(call)))
        return call

    def received(self, call: PrivateCall) -> None:
        """A device of the callee rings: the caller's device is told."""
        if call.received_at is None:
            call.received_at = self._context.now()
            self._tell(call, call.caller, self.waiting(call), call.caller_key)

    def accept(self, call: PrivateCall, device: Authorisation, g_b: bytes, protocol: Tl) -> None:
        """A device of the callee answers: the caller's device is told, the callee's other devices fall silent."""
        call.stage, call.callee_key, call.g_b = Stage.ACCEPTED, device, g_b
        call.received_at = call.received_at or self._context.now()
        call.protocol = _chosen(call.protocol, protocol)
        self._tell(call, call.caller, t.PhoneCallAccepted(g_b=g_b, **self.described(call)), call.caller_key)
        self._tell(call, call.callee, t.PhoneCallDiscarded(call.id), besides=device)

    def confirm(self, call: PrivateCall, g_a: bytes, fingerprint: int) -> None:
        """The caller's device confirms: the callee's is told."""
        call.stage, call.started_at = Stage.ACTIVE, self._context.now()
        self._tell(call, call.callee, self.active(call, g_a, fingerprint), call.callee_key)

    def signal(self, call: PrivateCall, sender: Account, data: bytes) -> None:
        """Pass on what the media of one end has to say to the other's."""
        to = call.other(sender)
        update = t.UpdateShort(t.UpdatePhoneCallSignalingData(call.id, data), int(self._context.now()))
        self._context.delivery.to_device(to, call.device_of(to), lambda: update)

    def discard(self, call: PrivateCall, reason: Tl, duration_s: int = 0, by: Authorisation | None = None) -> None:
        """End a call, as ``by`` wishes, and note it in the private chat. The reason is passed on as it is."""
        if call.stage is Stage.OVER:
            return
        duration = duration_s if call.stage is Stage.ACTIVE else None
        call.stage = Stage.OVER
        for account in (call.caller, call.callee):
            self._tell(call, account, t.PhoneCallDiscarded(call.id, reason=reason, duration=duration, video=call.video), besides=by)
        self._posting.service(call.callee, call.caller, t.MessageActionPhoneCall(call.id, call.video, reason, duration))

    def sweep(self) -> list[PrivateCall]:
        """Let the callers give up who have waited long enough; their calls."""
        settings, now = self._context.settings, self._context.now()
        missed = [call for call in self if given_up(call, now, settings.call_receive_timeout_s, settings.call_ring_timeout_s)]
        for call in missed:
            log.info("%s gives up phoning %s", call.caller.first_name, call.callee.first_name)
            self.discard(call, t.PhoneCallDiscardReasonMissed())
        return missed

    async def run(self) -> None:
        """Sweep for ever."""
        while True:
            await asyncio.sleep(self._context.settings.media_check_interval_s)
            self.sweep()

    # --- as the devices see it --------------------------------------------------------------------------------
    def described(self, call: PrivateCall) -> dict[str, Tl]:
        """What all stages have in common."""
        return {
            "id": call.id,
            "access_hash": call.access_hash,
            "date": int(call.requested_at),
            "admin_id": call.caller.id,
            "participant_id": call.callee.id,
            "protocol": call.protocol,
            "video": call.video,
        }

    def waiting(self, call: PrivateCall) -> Tl:
        """For the end that waits."""
        receive_date = None if call.received_at is None else int(call.received_at)
        return t.PhoneCallWaiting(receive_date=receive_date, **self.described(call))

    def active(self, call: PrivateCall, g_a_or_b: bytes, fingerprint: int) -> Tl:
        """For both ends when the call begins; each gets the other's half of the key."""
        settings = self._context.settings
        return t.PhoneCall(
            g_a_or_b=g_a_or_b,
            key_fingerprint=fingerprint,
            connections=_CONNECTIONS,
            start_date=int(call.started_at or 0),
            p2p_allowed=settings.private_calls_p2p,
            conference_supported=True,
            **self.described(call),
        )

    def _tell(
        self, call: PrivateCall, account: Account, shown: Tl, only: Authorisation | None = None, besides: Authorisation | None = None
    ) -> None:
        render = self._context.render

        def bundle() -> Tl:
            return render.bundle(account, [t.UpdatePhoneCall(shown)], [call.caller, call.callee])

        self._context.delivery.to_device(account, only, bundle, besides)


def _chosen(one: Tl, other: Tl) -> Tl:
    """What both can do; of the versions one is chosen, the first of the caller's list that the callee has too."""
    common = [version for version in one.library_versions if version in other.library_versions]
    return t.PhoneCallProtocol(
        min_layer=max(one.min_layer, other.min_layer),
        max_layer=min(one.max_layer, other.max_layer),
        library_versions=common[:1],
        udp_p2p=one.udp_p2p and other.udp_p2p,
        udp_reflector=True,
    )


def _random_id() -> int:
    return int.from_bytes(os.urandom(7), "big")


_CONNECTIONS: Final = [
    t.PhoneConnectionWebrtc(1, "192.0.2.1", "2001:db8::1", 1400, "", "", stun=True),
    t.PhoneConnectionWebrtc(2, "192.0.2.2", "2001:db8::2", 1400, "user", "password", turn=True, stun=True),
]
"""Addresses from the blocks for documentation, at which nobody answers; the real service gives about six."""
