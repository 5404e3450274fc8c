"""The carrier's door and /api/phone over real sockets: calls out and in, signatures, tokens, caps, and what is told when it is off."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from calls.errors import CallError
from calls.telephony.phone_call import PhoneWishes, Stage
from control.jsonrpc import Caller
from loopback.carrier.server import Person
from loopback.carrier.signing import signed
from tests.calls.telephony.exchange import ACCOUNT, ANN, BOB, OWN, SECRET, token_in
from tests.control.http.phone_stage import PhoneStage, phone_stage, until

VOICE, STATUS, MEDIA = "/twilio/voice", "/twilio/status", "/twilio/media"
SECONDS = "SELECT number, outgoing, seconds FROM phone_calls ORDER BY id"


@contextlib.asynccontextmanager
async def talking(at: PhoneStage) -> AsyncIterator[Any]:
    """Ann was called, has answered, and hears something."""
    call = await at.phone.call(ANN)
    carried = at.carrier.calls[-1]
    stream = carried.stream
    assert stream is not None
    await until(lambda: any(heard.audible for heard in stream.heard))
    yield carried
    if not call.over:
        await at.phone.hang_up(call.call_id)


async def rows_with_seconds(at: PhoneStage) -> list[Any]:
    """What is stored of the calls, once it is stored how long each has lasted."""
    async with asyncio.timeout(20):
        while True:
            rows = await at.database.rows(SECONDS)
            if all(seconds for _, _, seconds in rows):
                return list(rows)
            await asyncio.sleep(0.01)


async def test_a116_a_call_from_the_order_to_its_end(tmp_path: Path) -> None:
    async with phone_stage(tmp_path) as at:
        assert at.phone.enabled
        async with talking(at) as carried:
            (call,) = at.phone.calls
            assert (call.stage, call.shown) == (Stage.TALKING, "…78")
            assert carried.order["StatusCallback"] == f"{at.url}{STATUS}"
            assert carried.order["StatusCallbackEvent"] == "initiated,ringing,answered,completed"
            assert (carried.order["Timeout"], carried.order["TimeLimit"]) == ("30", "330")
            assert carried.stream.garbled == []
        await until(carried.ended.is_set)
        await until(lambda: call.stage is Stage.COMPLETED and not at.phone.calls)
        assert at.phone.find(call.call_id) is call
        in_order = ["initiated", "ringing", "in-progress", "completed"]
        await until(lambda: [status for _, status, _ in at.carrier.callbacks] == in_order)
        ((number, outgoing, seconds),) = await rows_with_seconds(at)
        assert (number, outgoing) == (ANN, 1)
        assert 0 < seconds < 60


@pytest.mark.parametrize(
    ("otherwise", "key"),
    [("busy", "line_busy"), ("no-answer", "nobody_answered"), ("failed", "unreachable"), ("canceled", "canceled")],
)
async def test_what_becomes_of_a_call_that_nobody_answers_is_told(tmp_path: Path, otherwise: str, key: str) -> None:
    async with phone_stage(tmp_path, {ANN: Person(answers=False, otherwise=otherwise)}) as at:
        with pytest.raises(CallError) as told:
            await at.phone.call(ANN)
        assert told.value.key == f"telephone.{key}"
        assert not at.phone.calls


@pytest.mark.parametrize(
    ("status", "code", "key"),
    [
        (401, 20003, "credentials"),
        (403, None, "credentials"),
        (400, 21211, "no_number"),
        (400, 21210, "own_number_wrong"),
        (400, 21219, "not_verified"),
        (400, 21215, "no_permission"),
        (429, 20429, "carrier_busy"),
        (400, 99999, "carrier_refused"),
    ],
)
async def test_what_the_carrier_refuses_is_told_in_plain_words_and_counts_for_nothing(
    tmp_path: Path, status: int, code: int | None, key: str
) -> None:
    async with phone_stage(tmp_path) as at:
        at.carrier.refusal = (status, {"code": code, "message": "No."})
        with pytest.raises(CallError) as told:
            await at.phone.call(ANN)
        assert told.value.key == f"telephone.{key}"
        assert not at.phone.calls
        assert await at.database.rows(SECONDS) == []


async def test_a_carrier_that_is_not_there(tmp_path: Path) -> None:
    async with phone_stage(tmp_path, twilio_api_url="http://127.0.0.1:9") as at:
        with pytest.raises(CallError, match="could not be reached"):
            await at.phone.call(ANN)


async def test_a_call_that_may_have_been_made_counts(tmp_path: Path) -> None:
    async with phone_stage(tmp_path) as at:
        at.carrier.refusal = (503, {})
        with pytest.raises(CallError, match="could not be reached"):
            await at.phone.call(ANN)
        assert len(await at.database.rows(SECONDS)) == 1


async def test_hanging_up_while_it_rings_and_cancelling(tmp_path: Path) -> None:
    async with phone_stage(tmp_path, {ANN: Person(rings_s=30)}) as at:
        call = await at.phone.place(ANN)
        await at.phone.hang_up()
        assert call.stage is Stage.CANCELED
        assert at.carrier.calls[0].status == "canceled"
        waiting = asyncio.create_task(at.phone.call(ANN))
        await until(lambda: len(at.carrier.calls) == 2 and at.phone.calls)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        assert not at.phone.calls
        await until(at.carrier.calls[1].ended.is_set)


async def test_d6_no_request_without_the_carriers_signature(tmp_path: Path) -> None:
    async with phone_stage(tmp_path) as at, aiohttp.ClientSession() as session:
        form = {"CallSid": "CA1", "AccountSid": ACCOUNT, "From": ANN, "CallStatus": "ringing", "SequenceNumber": "0"}
        evil = {"Host": "evil.example.org"}
        for path in (VOICE, STATUS):
            url = f"{at.url}{path}"
            for headers in (
                {},
                {"X-Twilio-Signature": "ü"},
                signed("another secret", url, form),
                signed(SECRET, url, form | {"From": BOB}),
                signed(SECRET, f"http://evil.example.org{path}", form),
                signed(SECRET, f"{url}?more=1", form),
            ):
                async with session.post(url, data=form, headers=headers) as answer:
                    assert answer.status == 403
                    assert "signature" in (await answer.json())["error"]["message"]
            async with session.post(url, data=form, headers=signed(SECRET, f"http://evil.example.org{path}", form) | evil) as answer:
                assert answer.status in (403, 421)
            other = form | {"AccountSid": "AC" + "2" * 32}
            async with session.post(url, data=other, headers=signed(SECRET, url, other)) as answer:
                assert answer.status == 403
        assert not at.phone.calls


async def test_d6_no_media_socket_without_the_carriers_signature(tmp_path: Path) -> None:
    async with phone_stage(tmp_path) as at, aiohttp.ClientSession() as session:
        for base in ("ws", "http"):
            told = signed("another secret" if base == "ws" else SECRET, f"{base}{at.url.removeprefix('http')}{MEDIA}", {})
            with pytest.raises(aiohttp.WSServerHandshakeError) as refusal:
                await session.ws_connect(f"{at.url}{MEDIA}", headers=told)
            assert refusal.value.status == 403
        at.carrier.media_token = "another secret"
        with pytest.raises(CallError):
            await at.phone.call(ANN)
        assert at.carrier.calls[0].refused == 403


async def media(session: aiohttp.ClientSession, at: PhoneStage, *messages: dict[str, Any]) -> int:
    """Open a signed media socket, send messages; how many messages come back before it is closed."""
    url = f"ws{at.url.removeprefix('http')}{MEDIA}"
    async with asyncio.timeout(30), session.ws_connect(url, headers=signed(SECRET, url, {})) as socket:
        for message in messages:
            await socket.send_json(message)
        return len([message async for message in socket if message.type is aiohttp.WSMsgType.TEXT])


def start(sid: str, token: str) -> dict[str, Any]:
    return {"event": "start", "sequenceNumber": "1", "streamSid": "MZ9", "start": {
        "streamSid": "MZ9", "callSid": sid, "customParameters": {"token": token}
    }}  # fmt: skip


async def test_d6_a_token_opens_one_socket_of_one_call(tmp_path: Path) -> None:
    async with phone_stage(tmp_path, {ANN: Person(), BOB: Person(rings_s=30)}) as at, aiohttp.ClientSession() as session:
        async with talking(at) as carried:
            token = token_in(carried.markup)
            assert await media(session, at, start(carried.sid, token)) == 0
            await at.phone.place(BOB)
            waiting = at.carrier.calls[-1]
            for sid, shown in (
                (carried.sid, token_in(waiting.markup)),
                ("CA" + "0" * 32, token_in(waiting.markup)),
                (waiting.sid, token),
                (waiting.sid, ""),
                (waiting.sid, "x" * 32),
                (waiting.sid, "\ud800"),
            ):
                assert await media(session, at, start(sid, shown)) == 0
            assert await media(session, at, *[{"event": "connected"}] * 6) == 0
            await until(lambda: [call.stage for call in at.phone.calls] == [Stage.TALKING, Stage.RINGING])
        assert await media(session, at, start(carried.sid, token)) == 0


async def test_news_count_once_and_in_order_and_only_of_calls_of_ours(tmp_path: Path) -> None:
    async with phone_stage(tmp_path, {ANN: Person(rings_s=30)}) as at:
        call = await at.phone.place(ANN)
        sid = at.carrier.calls[0].sid

        async def news(status: str, sequence: int, of: str = sid) -> int:
            form = {"CallSid": of, "AccountSid": ACCOUNT, "CallStatus": status, "SequenceNumber": str(sequence)}
            return (await at.carrier.post(f"{at.url}{STATUS}", form))[0]

        await until(lambda: call.stage is Stage.RINGING)
        assert await news("in-progress", 2) == 204
        answered_at = call.answered_at
        assert [await news("in-progress", 2), await news("ringing", 1), await news("nonsense", 3)] == [204] * 3
        assert (call.stage, call.answered_at) == (Stage.ANSWERED, answered_at)
        assert await news("completed", 4) == 204
        assert call.stage is Stage.COMPLETED
        assert await news("completed", 4) == 204
        assert await news("ringing", 1, "CA" + "0" * 32) == 404


async def test_whose_calls_are_taken(tmp_path: Path) -> None:
    async with phone_stage(tmp_path) as at:
        refused = await at.carrier.call_in(f"{at.url}{VOICE}", BOB)
        assert "<Say" in refused.markup
        assert "<Stream" not in refused.markup
        assert "<Reject" in (await at.carrier.call_in(f"{at.url}{VOICE}", BOB)).markup
        assert "<Stream" not in (await at.carrier.call_in(f"{at.url}{VOICE}", "anonymous")).markup
        taken = await at.carrier.call_in(f"{at.url}{VOICE}", ANN)
        await until(lambda: at.phone.calls and at.phone.calls[0].stage is Stage.TALKING)
        assert taken.stream is not None
        taken.stream.hang_up()
        await until(lambda: not at.phone.calls)
        again = {"CallSid": taken.sid, "AccountSid": ACCOUNT, "From": ANN, "CallStatus": "ringing"}
        assert "<Reject" in (await at.carrier.post(f"{at.url}{VOICE}", again))[1]
        assert not at.phone.calls


async def test_nobodys_calls_are_taken_unless_somebody_is_named_and_none_beyond_the_limit(tmp_path: Path) -> None:
    async with phone_stage(tmp_path, phone_allowed_callers="", phone_calls_at_once=1) as at:
        assert "<Stream" not in (await at.carrier.call_in(f"{at.url}{VOICE}", ANN)).markup
    async with phone_stage(tmp_path, {BOB: Person(rings_s=30)}, phone_calls_at_once=1) as at:
        await at.phone.place(BOB)
        assert "call again later" in (await at.carrier.call_in(f"{at.url}{VOICE}", ANN)).markup
    async with phone_stage(tmp_path, phone_minutes_per_day=0) as at:
        assert "call again later" in (await at.carrier.call_in(f"{at.url}{VOICE}", ANN)).markup


@pytest.mark.parametrize(
    ("written", "key"),
    [
        ("612345678", "no_number"),
        ("0034612345678", "no_number"),
        ("+34 call me", "no_number"),
        ("+٣٤٦١٢٣٤٥٦٧٨", "no_number"),
        ("+34" + "6" * 40, "no_number"),
        ("112", "no_number"),
        ("+447700900123", "not_allowed"),
        ("+18095550123", "not_allowed"),
        ("+34 803 123 456", "premium"),
        ("+979123456789", "premium"),
        (OWN, "own_number"),
    ],
)
async def test_numbers_that_are_not_called(tmp_path: Path, written: str, key: str) -> None:
    async with phone_stage(tmp_path, phone_allowed_prefixes="+34,+979,+1") as at:
        with pytest.raises(CallError) as told:
            await at.phone.call(written)
        assert told.value.key == f"telephone.{key}"
        assert at.carrier.calls == []


async def test_caps_hold_after_a_restart(tmp_path: Path) -> None:
    limits = {"phone_calls_per_day": 3, "phone_calls_per_number": 2, "phone_minutes_per_day": 60}
    nobody = {ANN: Person(answers=False, rings_s=0), BOB: Person(answers=False, rings_s=0)}

    async def refused(number: str, **changes: int) -> str:
        async with phone_stage(tmp_path, nobody, **(limits | changes)) as at:
            with pytest.raises(CallError) as told:
                await at.phone.call(number)
            return told.value.key.removeprefix("telephone.")

    assert await refused(ANN) == "nobody_answered"
    assert await refused(ANN) == "nobody_answered"
    assert await refused(ANN) == "per_number"
    assert await refused(BOB) == "nobody_answered"
    assert await refused(BOB) == "per_day"
    assert await refused(BOB, phone_calls_per_day=9, phone_minutes_per_day=4) == "minutes"


async def test_as_many_at_once_as_may_be(tmp_path: Path) -> None:
    async with phone_stage(tmp_path, {ANN: Person(rings_s=30)}, phone_calls_at_once=2) as at:
        placed = await asyncio.gather(*(at.phone.place(ANN) for _ in range(3)), return_exceptions=True)
        (error,) = [each for each in placed if isinstance(each, Exception)]
        assert isinstance(error, CallError)
        assert error.key == "telephone.at_once"


async def test_a_call_whose_sound_never_comes_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("calls.telephony.phone_calls.SOUND_WITHIN_S", -29.8)
    async with phone_stage(tmp_path, {ANN: Person(rings_s=30)}) as at:
        with pytest.raises(CallError, match="API_BASE_URL"):
            await at.phone.call(ANN)
        await until(at.carrier.calls[0].ended.is_set)


async def test_over_http_with_the_right_scope(tmp_path: Path) -> None:
    async with phone_stage(tmp_path, {ANN: Person(rings_s=30)}) as at, aiohttp.ClientSession() as session:
        reader, controller = await at.token("calls:read"), await at.token("calls:control", "calls:read")

        async def ask(method: str, path: str, token: str, sent: object = None) -> tuple[int, Any]:
            headers = {"Authorization": f"Bearer {token}"}
            async with session.request(method, f"{at.url}{path}", json=sent, headers=headers) as answer:
                return answer.status, await answer.json()

        assert (await ask("POST", "/api/phone", reader, {"number": ANN}))[0] == 403
        assert (await ask("POST", "/api/phone", "nonsense", {"number": ANN}))[0] == 401
        status, placed = await ask("POST", "/api/phone", controller, {"number": ANN, "purpose": "Say hello."})
        assert (status, placed["direction"], placed["number"]) == (201, "outgoing", "…78")
        assert (await ask("GET", "/api/phone", reader))[1]["calls"][0]["call_id"] == placed["call_id"]
        assert (await ask("DELETE", f"/api/phone/{placed['call_id']}", reader))[0] == 403
        status, ended = await ask("DELETE", f"/api/phone/{placed['call_id']}", controller)
        assert (status, ended["stage"]) == (200, "canceled")
        assert (await ask("GET", f"/api/phone/{placed['call_id']}", reader))[1]["error"]
        assert (await ask("GET", "/api/phone/nothing", reader))[0] == 404
        status, refused = await ask("POST", "/api/phone", controller, {"number": "+34803123456"})
        assert (status, refused["error"]["code"]) == (403, "telephone.premium")
        assert (await ask("POST", "/api/phone", controller, {"nomber": ANN}))[0] == 400


class Nobody:
    def subscribe(self, types: frozenset[str] | None, chat_ids: frozenset[int] | None) -> None: ...


async def test_a117_off_and_silent_without_credentials(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    off = {"twilio_account_sid": None, "twilio_auth_token": None, "twilio_phone_number": None}
    async with phone_stage(tmp_path, **off) as at, aiohttp.ClientSession() as session:
        assert not at.phone.enabled
        assert "elephone" not in caplog.text
        with pytest.raises(CallError) as told:
            await at.phone.call(ANN)
        assert "TWILIO_ACCOUNT_SID, TWILIO_AUTH_TOKEN, TWILIO_PHONE_NUMBER not set" in str(told.value)
        for path in (VOICE, STATUS):
            async with session.post(f"{at.url}{path}") as answer:
                assert (answer.status, (await answer.json())["error"]["code"]) == (404, "telephone_off")
        async with session.get(f"{at.url}/api/phone") as answer:
            assert await answer.json() == {"enabled": False, "calls": []}
        method = at.rpc.methods["phone.call"]
        with pytest.raises(CallError, match=r"docs/telephone\.md"):
            await method.answer(method.params.model_validate({"number": ANN}), Caller(Nobody()))


@pytest.mark.parametrize(
    ("changes", "lacking"),
    [
        ({"twilio_auth_token": None}, "TWILIO_AUTH_TOKEN"),
        ({"api_base_url": "http://localhost:8000", "twilio_api_url": "https://api.twilio.com"}, "API_BASE_URL (https)"),
    ],
)
async def test_what_lacks_is_named(tmp_path: Path, changes: dict[str, Any], lacking: str, caplog: pytest.LogCaptureFixture) -> None:
    async with phone_stage(tmp_path, **changes) as at:
        with pytest.raises(CallError) as told:
            await at.phone.call(ANN, PhoneWishes())
        assert told.value.fields == {"settings": lacking}
        assert lacking in caplog.text
