"""Private calls as the loopback Telegram signals them, seen by unmodified Telethon clients."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from telethon import TelegramClient, errors, events, functions
from telethon.sessions import StringSession
from telethon.tl import types as t

from loopback.settings import LoopbackSettings
from loopback.telegram import LoopbackTelegram
from loopback.world.accounts import Account, CallPrivacy
from loopback.world.private_call import PrivateCall, Stage, given_up

PROTOCOL = t.PhoneCallProtocol(65, 92, ["13.0.0", "8.0.0"], udp_p2p=True, udp_reflector=True)
OLD_PROTOCOL = t.PhoneCallProtocol(65, 92, ["8.0.0", "7.0.0"], udp_p2p=True, udp_reflector=True)


@dataclass
class Device:
    """One logged-in client, and what it was told of calls."""

    client: TelegramClient
    told: list[Any] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.client.add_event_handler(self._note, events.Raw(types=(t.UpdatePhoneCall, t.UpdatePhoneCallSignalingData)))

    async def _note(self, update: Any) -> None:
        self.told.append(update.phone_call if isinstance(update, t.UpdatePhoneCall) else update)

    def of(self, kind: type) -> list[Any]:
        return [each for each in self.told if isinstance(each, kind)]

    async def last(self, kind: type) -> Any:
        await until(lambda: self.of(kind))
        return self.of(kind)[-1]

    async def ask(self, request: Any) -> Any:
        return await self.client(request)


@dataclass
class Town:
    telegram: LoopbackTelegram
    ann: Account
    bob: Account
    phone: Device
    bobs: Device
    tablet: Device

    async def request(self, g_a_hash: bytes = b"h" * 32) -> t.InputPhoneCall:
        """Ann phones Bob."""
        answer = await self.phone.ask(
            functions.phone.RequestCallRequest(await self.phone.client.get_input_entity("bob"), g_a_hash, PROTOCOL)
        )
        assert isinstance(answer.phone_call, t.PhoneCallWaiting)
        return t.InputPhoneCall(answer.phone_call.id, answer.phone_call.access_hash)

    async def accepted(self) -> t.InputPhoneCall:
        call = await self.request()
        requested = await self.bobs.last(t.PhoneCallRequested)
        assert (requested.id, requested.admin_id, requested.g_a_hash) == (call.id, self.ann.id, b"h" * 32)
        await self.bobs.ask(functions.phone.AcceptCallRequest(call, b"g_b", OLD_PROTOCOL))
        return call


async def until(condition: Callable[[], object], within_s: float = 30.0) -> None:
    async with asyncio.timeout(within_s):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.01)


@pytest.fixture
async def town() -> AsyncIterator[Town]:
    TelegramClient._config = None
    async with LoopbackTelegram(settings=LoopbackSettings(natural_floods=False)) as telegram:
        ann, bob = telegram.add_account("Ann", username="ann"), telegram.add_account("Bob", username="bob")
        clients = [TelegramClient(StringSession(telegram.session_for(account)), 1, "0" * 32) for account in (ann, bob, bob)]
        for client in clients:
            await client.connect()
        yield Town(telegram, ann, bob, *(Device(client) for client in clients))
        for client in clients:
            await client.disconnect()
        assert telegram.problems() == []


async def test_a_call_from_the_request_to_its_end(town: Town) -> None:
    call = await town.accepted()
    accepted = await town.phone.last(t.PhoneCallAccepted)
    assert (accepted.g_b, accepted.protocol.library_versions) == (b"g_b", ["8.0.0"])
    silenced = await town.tablet.last(t.PhoneCallDiscarded)
    assert (silenced.id, silenced.reason) == (call.id, None), "the other device falls silent"
    assert town.bobs.of(t.PhoneCallDiscarded) == []
    confirmed = await town.phone.ask(functions.phone.ConfirmCallRequest(call, b"g_a", 7, PROTOCOL))
    begun = await town.bobs.last(t.PhoneCall)
    assert (confirmed.phone_call.g_a_or_b, begun.g_a_or_b, begun.key_fingerprint) == (b"g_b", b"g_a", 7)
    assert begun.p2p_allowed
    assert begun.connections
    await town.phone.ask(functions.phone.SendSignalingDataRequest(call, b"from Ann"))
    assert (await town.bobs.last(t.UpdatePhoneCallSignalingData)).data == b"from Ann"
    assert town.tablet.of(t.UpdatePhoneCallSignalingData) == []
    assert town.telegram.on_the_phone(town.ann)
    await town.bobs.ask(functions.phone.DiscardCallRequest(call, 12, t.PhoneCallDiscardReasonHangup(), 0))
    over = await town.phone.last(t.PhoneCallDiscarded)
    assert (type(over.reason), over.duration) == (t.PhoneCallDiscardReasonHangup, 12)
    notes = [(m.out, m.action.duration) for m in await town.bobs.client.get_messages("ann", limit=3)]
    assert notes == [(False, 12)], "it is noted in the private chat, as the caller's"
    assert (await town.phone.ask(functions.phone.SetCallRatingRequest(call, 5, ""))).updates == []
    assert await town.phone.ask(functions.phone.SaveCallDebugRequest(call, t.DataJSON("{}")))


async def test_the_caller_learns_that_it_rings(town: Town) -> None:
    call = await town.request()
    await town.bobs.last(t.PhoneCallRequested)
    assert town.phone.of(t.PhoneCallWaiting) == []
    assert await town.bobs.ask(functions.phone.ReceivedCallRequest(call))
    assert (await town.phone.last(t.PhoneCallWaiting)).receive_date is not None


@pytest.mark.parametrize("reason", [t.PhoneCallDiscardReasonBusy(), t.PhoneCallDiscardReasonHangup(), t.PhoneCallDiscardReasonMissed()])
async def test_the_reason_of_an_end_is_passed_on_as_it_is(town: Town, reason: Any) -> None:
    call = await town.request()
    await town.bobs.last(t.PhoneCallRequested)
    await town.bobs.ask(functions.phone.DiscardCallRequest(call, 0, reason, 0))
    assert type((await town.phone.last(t.PhoneCallDiscarded)).reason) is type(reason)
    with pytest.raises(errors.CallAlreadyDeclinedError):
        await town.bobs.ask(functions.phone.AcceptCallRequest(call, b"g_b", PROTOCOL))


async def test_whom_a_device_rings_for_is_busy_for_others(town: Town) -> None:
    carol = town.telegram.add_account("Carol")
    silent = town.telegram.phone(carol, town.bob)
    second = town.telegram.phone(town.ann, town.bob)
    await asyncio.sleep(0.2)
    assert (silent.stage, second.stage) == (Stage.REQUESTED, Stage.REQUESTED), "no device has said that it rings: both calls are shown"
    town.telegram.ring(silent)
    third = await town.request()
    assert isinstance((await town.phone.last(t.PhoneCallDiscarded)).reason, t.PhoneCallDiscardReasonBusy)
    assert [c.id for c in town.bobs.of(t.PhoneCallRequested)].count(third.id) == 0


@pytest.mark.parametrize(
    ("callers", "error"),
    [
        (CallPrivacy.NOBODY, errors.UserPrivacyRestrictedError),
        (CallPrivacy.CONTACTS, errors.UserPrivacyRestrictedError),
        (None, errors.UserIsBlockedError),
    ],
)
async def test_who_may_not_phone_is_told_so(town: Town, callers: CallPrivacy | None, error: type[Exception]) -> None:
    if callers is None:
        town.telegram.block(town.bob, town.ann)
    else:
        town.telegram.allow_calls(town.bob, callers)
    with pytest.raises(error):
        await town.request()


async def test_contacts_may_phone_who_lets_contacts(town: Town) -> None:
    town.telegram.allow_calls(town.bob, CallPrivacy.CONTACTS)
    town.telegram.add_contact(town.bob, town.ann)
    await town.request()


async def test_what_cannot_be_done_with_a_call(town: Town) -> None:
    with pytest.raises(errors.UserIdInvalidError):
        await town.phone.ask(functions.phone.RequestCallRequest(t.InputUserSelf(), b"h" * 32, PROTOCOL))
    call = await town.accepted()
    with pytest.raises(errors.CallAlreadyAcceptedError):
        await town.tablet.ask(functions.phone.AcceptCallRequest(call, b"g_b", PROTOCOL))
    with pytest.raises(errors.RPCError, match="CALL_NOT_ACTIVE"):
        await town.phone.ask(functions.phone.SendSignalingDataRequest(call, b"too early"))
    with pytest.raises(errors.CallPeerInvalidError):
        await town.bobs.ask(functions.phone.ConfirmCallRequest(call, b"g_a", 1, PROTOCOL))
    with pytest.raises(errors.CallPeerInvalidError):
        await town.phone.ask(functions.phone.ReceivedCallRequest(t.InputPhoneCall(call.id, call.access_hash + 1)))
    bob = await town.phone.client.get_input_entity("bob")
    with pytest.raises(errors.RPCError, match="CALL_PROTOCOL_LAYER_INVALID"):
        await town.phone.ask(functions.phone.RequestCallRequest(bob, b"h" * 32, t.PhoneCallProtocol(1, 2, ["1.0.0"])))


async def test_the_prime_is_the_published_one(town: Town) -> None:
    config = await town.phone.ask(functions.messages.GetDhConfigRequest(version=0, random_length=16))
    assert (len(config.p), config.g, len(config.random)) == (256, 3, 16)
    again = await town.phone.ask(functions.messages.GetDhConfigRequest(version=config.version, random_length=16))
    assert isinstance(again, t.messages.DhConfigNotModified)


async def test_an_unanswered_call_is_missed(town: Town) -> None:
    town.telegram.settings.call_receive_timeout_s = 0.1
    await town.request()
    missed = await town.phone.last(t.PhoneCallDiscarded)
    assert isinstance(missed.reason, t.PhoneCallDiscardReasonMissed)


async def test_an_invitation_to_a_conference_is_declined(town: Town) -> None:
    town.telegram.invite_to_conference(town.ann, town.bob)
    (invitation,) = await town.bobs.client.get_messages("ann", limit=1)
    assert isinstance(invitation.action, t.MessageActionConferenceCall)
    await town.bobs.ask(functions.phone.DeclineConferenceCallInviteRequest(invitation.id))
    assert (await town.bobs.client.get_messages("ann", ids=invitation.id)).action.missed
    with pytest.raises(errors.MessageIdInvalidError):
        await town.bobs.ask(functions.phone.DeclineConferenceCallInviteRequest(invitation.id + 100))


@pytest.mark.parametrize(
    ("after_s", "received_at", "stage", "expected"),
    [
        (19, None, Stage.REQUESTED, False),
        (20, None, Stage.REQUESTED, True),
        (99, 10.0, Stage.REQUESTED, False),
        (100, 10.0, Stage.REQUESTED, True),
        (1000, 10.0, Stage.ACTIVE, False),
    ],
)
def test_when_a_caller_gives_up(after_s: float, received_at: float | None, stage: Stage, expected: bool) -> None:
    ann, bob = Account(1, "Ann"), Account(2, "Bob")
    call = PrivateCall(1, 1, ann, bob, None, 0.0, os.urandom(32), PROTOCOL, stage=stage, received_at=received_at)  # type: ignore[arg-type]
    assert given_up(call, after_s, 20.0, 90.0) is expected
