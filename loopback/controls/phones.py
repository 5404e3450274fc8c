"""Private calls of people without a client, and who may phone whom."""

from __future__ import annotations

import os
from typing import Final

from telethon.crypto import AuthKey
from telethon.tl import types as t

from loopback.mtproto.session import Authorisation
from loopback.mtproto.wire import Tl
from loopback.world.accounts import Account, CallPrivacy
from loopback.world.mailbox import Message
from loopback.world.private_call import PrivateCall, Stage
from loopback.world.world import World

KEY_BYTES: Final = 256
HASH_BYTES: Final = 32
VERSIONS: Final = ["13.0.0", "12.0.0", "9.0.0", "8.0.0"]
"""What the call library of this project offers."""
LAYER: Final = 92


class PhoneControls:
    """The part of :class:`~loopback.telegram.LoopbackTelegram` that deals with private calls."""

    world: World

    def calls_between(self, one: Account, other: Account) -> list[PrivateCall]:
        """All calls that two people had or have, oldest first."""
        return [call for call in self.world.private_calls if call.concerns(one.id) and call.concerns(other.id)]

    def on_the_phone(self, account: Account) -> bool:
        """Whether somebody is in a private call that was answered."""
        return any(call.stage is Stage.ACTIVE for call in self.world.private_calls.running(account))

    # --- who may phone ----------------------------------------------------------------------------------------
    def allow_calls(self, account: Account, callers: CallPrivacy) -> None:
        """Who may phone ``account``."""
        account.calls_from = callers

    def block(self, account: Account, other: Account) -> None:
        """``account`` blocks somebody."""
        account.blocked.add(other.id)

    # --- people without a client ------------------------------------------------------------------------------
    def phone(self, caller: Account, callee: Account) -> PrivateCall:
        """Somebody without a client phones: it rings, and nobody is behind it."""
        device = Authorisation(AuthKey(os.urandom(KEY_BYTES)), caller.id)
        protocol = t.PhoneCallProtocol(LAYER, LAYER, VERSIONS, udp_p2p=True, udp_reflector=True)
        return self.world.private_calls.request(caller, device, callee, os.urandom(HASH_BYTES), protocol, video=False)

    def ring(self, call: PrivateCall) -> None:
        """The device of a callee without a client rings."""
        self.world.private_calls.received(call)

    def hang_up(self, call: PrivateCall, reason: Tl | None = None) -> None:
        """A call ends, for the given ``phoneCallDiscardReason…`` (as a rule: somebody has hung up)."""
        self.world.private_calls.discard(call, reason or t.PhoneCallDiscardReasonHangup())

    def invite_to_conference(self, caller: Account, callee: Account, call_id: int = 1) -> Message:
        """Somebody invites to an end-to-end encrypted call of several; the message is as the callee sees it."""
        sent = self.world.posting.service(callee, caller, t.MessageActionConferenceCall(call_id, other_participants=[]))
        return sent.copies[callee.id]
