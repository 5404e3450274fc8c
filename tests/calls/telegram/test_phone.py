"""Telegram's signalling of private calls, whatever the order in which it comes."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from telethon import events
from telethon.tl import functions, types

from calls.errors import CallError
from calls.telegram.phone import Discarded, Phone, PhoneCall

ANN = 7
NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
PROTOCOL = types.PhoneCallProtocol(65, 92, ["8.0.0"])
COMMON = {"access_hash": 2, "date": NOW, "admin_id": ANN, "participant_id": 1, "protocol": PROTOCOL}


class FakeClient:
    """Answers as ``answer`` says, and remembers what was asked."""

    def __init__(self) -> None:
        self.asked: list[Any] = []
        self.answer: Callable[[Any], Any] = lambda request: True
        self.handler: Any = None

    def add_event_handler(self, handler: Any, _event: Any) -> None:
        self.handler = handler

    async def get_input_entity(self, user_id: int) -> Any:
        return types.InputUser(user_id, 1)

    async def __call__(self, request: Any) -> Any:
        self.asked.append(request)
        answer = self.answer(request)
        return await answer if asyncio.iscoroutine(answer) else answer

    async def tell(self, update: Any) -> None:
        with pytest.raises(events.StopPropagation):
            await self.handler(update)


def requested(call_id: int = 1, date: datetime = NOW, g_a_hash: bytes = b"h") -> types.UpdatePhoneCall:
    update = types.UpdatePhoneCall(types.PhoneCallRequested(id=call_id, g_a_hash=g_a_hash, **(COMMON | {"date": date})))
    update._entities = {ANN: types.User(id=ANN, first_name="Ann", contact=True)}
    return update


@pytest.fixture
async def client() -> FakeClient:
    return FakeClient()


@pytest.fixture
async def phone(client: FakeClient) -> Phone:
    return Phone(client, NOW.timestamp)


async def test_somebody_phones_and_gives_up(client: FakeClient, phone: Phone) -> None:
    rings: list[PhoneCall] = []
    phone.on_incoming = rings.append
    await client.tell(requested())
    (call,) = rings
    assert (call.user_id, call.name, call.is_contact) == (ANN, "Ann", True)
    await client.tell(types.UpdatePhoneCall(types.PhoneCallDiscarded(1, reason=types.PhoneCallDiscardReasonMissed())))
    with pytest.raises(Discarded):
        await call.wait(call.confirmed, 1)
    await call.discard(types.PhoneCallDiscardReasonBusy())
    assert client.asked == [], "what is over is not ended again"


async def test_a_request_from_before_an_outage_is_not_answered(client: FakeClient, phone: Phone) -> None:
    rings: list[PhoneCall] = []
    phone.on_incoming = rings.append
    await client.tell(requested(date=NOW - timedelta(seconds=91)))
    assert rings == []


async def test_news_that_overtakes_the_answer_to_our_request_is_not_lost(client: FakeClient, phone: Phone) -> None:
    async def slow(_request: Any) -> Any:
        await client.tell(types.UpdatePhoneCall(types.PhoneCallAccepted(id=5, g_b=b"g_b", **COMMON)))
        return SimpleNamespace(phone_call=types.PhoneCallWaiting(id=5, **COMMON))

    client.answer = slow
    call = await phone.call(ANN, b"h", PROTOCOL)
    assert await call.wait(call.rings, 1) is None
    assert await call.wait(call.answered, 1) == b"g_b"


async def test_what_the_other_end_tells_waits_for_ours(client: FakeClient, phone: Phone) -> None:
    rings: list[PhoneCall] = []
    phone.on_incoming = rings.append
    await client.tell(requested())
    heard: list[bytes] = []
    for data in (b"1", b"2"):
        await client.tell(types.UpdatePhoneCallSignalingData(1, data))
    rings[0].listen(heard.append)
    await client.tell(types.UpdatePhoneCallSignalingData(1, b"3"))
    await client.tell(types.UpdatePhoneCallSignalingData(99, b"of nobody"))
    assert heard == [b"1", b"2", b"3"]


async def test_waiting_has_an_end(client: FakeClient, phone: Phone) -> None:
    client.answer = lambda _request: SimpleNamespace(phone_call=types.PhoneCallWaiting(id=5, **COMMON))
    call = await phone.call(ANN, b"h", PROTOCOL)
    with pytest.raises(TimeoutError):
        await call.wait(call.rings, 0.01)
    await call.discard(types.PhoneCallDiscardReasonMissed(), 3)
    ended = client.asked[-1]
    assert isinstance(ended, functions.phone.DiscardCallRequest)
    assert (type(ended.reason), ended.duration) == (types.PhoneCallDiscardReasonMissed, 3)


async def test_a_key_that_was_not_promised_is_refused(client: FakeClient, phone: Phone) -> None:
    rings: list[PhoneCall] = []
    phone.on_incoming = rings.append
    await client.tell(requested(g_a_hash=hashlib.sha256(b"g_a").digest()))
    rings[0].check(b"g_a")
    with pytest.raises(CallError, match="keys"):
        rings[0].check(b"another")


async def test_a_prime_of_anybodys_is_refused(client: FakeClient, phone: Phone) -> None:
    client.answer = lambda _request: types.messages.DhConfig(3, b"\x0f" * 256, 1, b"")
    with pytest.raises(CallError, match="keys"):
        await phone.dh_config()
