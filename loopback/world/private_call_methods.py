"""The methods ``phone.…`` of private calls, with the error names of the method pages."""

from __future__ import annotations

import json
import os
from typing import Final

from telethon.tl import functions as f
from telethon.tl import types as t

from loopback.mtproto.crypto import DH_GENERATOR, DH_PRIME
from loopback.mtproto.wire import RpcFailure, Tl
from loopback.world.accounts import Account, CallPrivacy
from loopback.world.context import Context
from loopback.world.private_call import PrivateCall, Stage
from loopback.world.private_calls import PrivateCalls
from loopback.world.registry import Caller, answers

DH_VERSION: Final = 3
PRIME_BYTES: Final = 256
MOST_RANDOM_BYTES: Final = 1024
MOST_LAYER: Final = 92
LEAST_LAYER: Final = 65


class PrivateCallMethods:
    """Checks, then :class:`PrivateCalls`."""

    def __init__(self, context: Context, calls: PrivateCalls) -> None:
        self._context = context
        self._calls = calls

    @answers(f.messages.GetDhConfigRequest)
    def dh_config(self, caller: Caller, request: Tl) -> Tl:
        """``messages.getDhConfig``: the published prime, and random bytes to mix into one's own."""
        if not 0 <= request.random_length <= MOST_RANDOM_BYTES:
            raise RpcFailure(400, "RANDOM_LENGTH_INVALID")
        random = os.urandom(request.random_length)
        if request.version == DH_VERSION:
            return t.messages.DhConfigNotModified(random)
        return t.messages.DhConfig(DH_GENERATOR, DH_PRIME.to_bytes(PRIME_BYTES, "big"), DH_VERSION, random)

    # --- coming into a call -----------------------------------------------------------------------------------
    @answers(f.phone.RequestCallRequest)
    def request(self, caller: Caller, request: Tl) -> Tl:
        """``phone.requestCall``."""
        callee = self._callable(caller, request.user_id)
        _check_protocol(request.protocol)
        device = caller.session.authorisation
        call = self._calls.request(caller.account, device, callee, request.g_a_hash, request.protocol, bool(request.video))
        return self._answer(caller, call, self._calls.waiting(call))

    def _callable(self, caller: Caller, named: Tl) -> Account:
        callee = self._context.peers.user(caller, named)
        if callee is caller.account or callee is self._context.accounts.service:
            raise RpcFailure(400, "USER_ID_INVALID")
        if caller.id in callee.blocked:
            raise RpcFailure(403, "USER_IS_BLOCKED")
        allowed = callee.calls_from
        if allowed is CallPrivacy.NOBODY or (allowed is CallPrivacy.CONTACTS and caller.id not in callee.contacts):
            raise RpcFailure(403, "USER_PRIVACY_RESTRICTED")
        return callee

    @answers(f.phone.ReceivedCallRequest)
    def received(self, caller: Caller, request: Tl) -> bool:
        """``phone.receivedCall``: the callee's device rings."""
        call = self._running(caller, request.peer)
        if caller.account is not call.callee:
            raise RpcFailure(400, "CALL_PEER_INVALID")
        self._calls.received(call)
        return True

    @answers(f.phone.AcceptCallRequest)
    def accept(self, caller: Caller, request: Tl) -> Tl:
        """``phone.acceptCall``."""
        call = self._running(caller, request.peer)
        if call.stage is not Stage.REQUESTED:
            raise RpcFailure(400, "CALL_ALREADY_ACCEPTED")
        if caller.account is not call.callee:
            raise RpcFailure(400, "CALL_PEER_INVALID")
        _check_protocol(request.protocol)
        self._calls.accept(call, caller.session.authorisation, request.g_b, request.protocol)
        return self._answer(caller, call, self._calls.waiting(call))

    @answers(f.phone.ConfirmCallRequest)
    def confirm(self, caller: Caller, request: Tl) -> Tl:
        """``phone.confirmCall``: each end gets the other's half of the key."""
        call = self._running(caller, request.peer)
        if call.stage is not Stage.ACCEPTED or caller.account is not call.caller:
            raise RpcFailure(400, "CALL_PEER_INVALID")
        self._calls.confirm(call, request.g_a, request.key_fingerprint)
        return self._answer(caller, call, self._calls.active(call, call.g_b, request.key_fingerprint))

    # --- in a call, and out of it -----------------------------------------------------------------------------
    @answers(f.phone.SendSignalingDataRequest)
    def signal(self, caller: Caller, request: Tl) -> bool:
        """``phone.sendSignalingData``."""
        call = self._named(caller, request.peer)
        if call.stage is not Stage.ACTIVE:
            raise RpcFailure(400, "CALL_NOT_ACTIVE")
        self._calls.signal(call, caller.account, request.data)
        return True

    @answers(f.phone.DiscardCallRequest)
    def discard(self, caller: Caller, request: Tl) -> Tl:
        """``phone.discardCall``; a second one changes nothing."""
        call = self._named(caller, request.peer)
        people = [call.caller, call.callee]
        if call.stage is Stage.OVER:
            return self._context.render.bundle(caller.account, [], people)
        reason, video = request.reason, call.video
        self._calls.discard(call, reason, request.duration, by=caller.session.authorisation)
        update = t.UpdatePhoneCall(t.PhoneCallDiscarded(call.id, reason=reason, duration=request.duration or None, video=video))
        return self._context.render.bundle(caller.account, [update], people)

    @answers(f.phone.SetCallRatingRequest)
    def rate(self, caller: Caller, request: Tl) -> Tl:
        """``phone.setCallRating``: taken and forgotten."""
        call = self._named(caller, request.peer)
        return self._context.render.bundle(caller.account, [], [call.caller, call.callee])

    @answers(f.phone.SaveCallDebugRequest)
    def debug(self, caller: Caller, request: Tl) -> bool:
        """``phone.saveCallDebug``: taken and forgotten."""
        self._named(caller, request.peer)
        try:
            json.loads(request.debug.data)
        except ValueError:
            raise RpcFailure(400, "DATA_JSON_INVALID") from None
        return True

    @answers(f.phone.GetCallConfigRequest)
    def call_config(self, caller: Caller, request: Tl) -> Tl:
        """``phone.getCallConfig``: nothing in particular."""
        return t.DataJSON("{}")

    # --- invitations to calls of several ----------------------------------------------------------------------
    @answers(f.phone.DeclineConferenceCallInviteRequest)
    def decline_invitation(self, caller: Caller, request: Tl) -> Tl:
        """``phone.declineConferenceCallInvite``: the message tells from then on that the call was missed."""
        message = caller.account.mailbox.messages.get(request.msg_id)
        if message is None or message.out or not isinstance(message.content.action, t.MessageActionConferenceCall):
            raise RpcFailure(400, "MESSAGE_ID_INVALID")
        message.content.action.missed = True
        return self._context.render.bundle(caller.account, [], [message.content.sender])

    # ----------------------------------------------------------------------------------------------------------
    def _named(self, caller: Caller, named: Tl) -> PrivateCall:
        call = self._calls.get(named.id)
        if call is None or named.access_hash != call.access_hash or not call.concerns(caller.id):
            raise RpcFailure(400, "CALL_PEER_INVALID")
        return call

    def _running(self, caller: Caller, named: Tl) -> PrivateCall:
        call = self._named(caller, named)
        if call.stage is Stage.OVER:
            raise RpcFailure(400, "CALL_ALREADY_DECLINED")
        return call

    def _answer(self, caller: Caller, call: PrivateCall, shown: Tl) -> Tl:
        people = [self._context.render.user(account, caller.account) for account in (call.caller, call.callee)]
        return t.phone.PhoneCall(shown, people)


def _check_protocol(protocol: Tl) -> None:
    if protocol.max_layer < LEAST_LAYER or protocol.min_layer > MOST_LAYER or not protocol.library_versions:
        raise RpcFailure(400, "CALL_PROTOCOL_LAYER_INVALID")
