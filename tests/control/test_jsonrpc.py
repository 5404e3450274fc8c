"""What is answered to what, without any socket. The cases of the specification come first."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from calls import errors
from calls.errors import CallError
from calls.reconciler import Outlook
from control.controlled import dispatcher_of
from control.events import NOTIFICATIONS
from control.jsonrpc import MOST_IN_A_BATCH, Caller, Dispatcher
from control.rpc_errors import Code
from errors import EngineError, ParleyError
from storage import transcripts
from storage.database import Database
from tests.control.stage import ACCOUNT, ANN, CHAT, EXAMPLES, JOIN, Calls, Phone, call_error, services


@dataclass
class Asked:
    dispatcher: Dispatcher
    calls: Calls
    phone: Phone
    draining: list[bool]
    database: Database
    caller: Caller
    subscriptions: list[Any]

    async def send(self, sent: bytes | str) -> Any:
        answer = await self.dispatcher.answer(sent if isinstance(sent, bytes) else sent.encode(), self.caller)
        return None if answer is None else json.loads(answer)

    async def ask(self, method: str, params: Any = None) -> Any:
        return await self.send(json.dumps({"jsonrpc": "2.0", "method": method, "params": {} if params is None else params, "id": 7}))

    async def result(self, method: str, params: Any = None) -> Any:
        answer = await self.ask(method, params)
        assert "error" not in answer, answer
        return answer["result"]

    async def error(self, method: str, params: Any = None) -> Any:
        return (await self.ask(method, params))["error"]


class Subscriber:
    def __init__(self) -> None:
        self.asked: list[Any] = []

    def subscribe(self, types: frozenset[str] | None, chat_ids: frozenset[int] | None) -> None:
        self.asked.append((types, chat_ids))


@pytest.fixture
async def rpc(tmp_path: Path) -> AsyncIterator[Asked]:
    calls, phone, subscriber = Calls(), Phone(), Subscriber()
    draining: list[bool] = []
    async with services(tmp_path, calls, phone, draining) as made:
        yield Asked(dispatcher_of(made), calls, phone, draining, made.database, Caller(subscriber), subscriber.asked)


# ---- the specification's own cases


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        ('{"jsonrpc": "2.0", "method": "foobar, "params": "bar", "baz]', Code.PARSE),
        ('[{"jsonrpc": "2.0", "method": "sum", "params": [1,2,4], "id": "1"}, {"jsonrpc": "2.0", "method"]', Code.PARSE),
        ('{"jsonrpc": "2.0", "method": 1, "params": "bar"}', Code.INVALID_REQUEST),
        ("[]", Code.INVALID_REQUEST),
        ("42", Code.INVALID_REQUEST),
        ("null", Code.INVALID_REQUEST),
        ("", Code.PARSE),
        (b"\xff\xfe", Code.PARSE),
        ('{"jsonrpc": "2.0", "method": "status", "id": NaN}', Code.PARSE),
        ("[" * 100_000, Code.PARSE),
        ("1" * 10_000, Code.PARSE),
    ],
)
async def test_what_is_no_request_is_answered_with_the_id_null(rpc: Asked, sent: bytes | str, code: Code) -> None:
    answer = await rpc.send(sent)
    assert (answer["jsonrpc"], answer["id"], answer["error"]["code"]) == ("2.0", None, code)


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        ('{"jsonrpc": "2.0", "method": "foobar", "id": "1"}', Code.NO_SUCH_METHOD),
        ('{"method": "status", "id": "1"}', Code.INVALID_REQUEST),
        ('{"jsonrpc": "1.0", "method": "status", "id": "1"}', Code.INVALID_REQUEST),
        ('{"jsonrpc": "2.0", "method": "status", "params": 3, "id": "1"}', Code.INVALID_REQUEST),
        ('{"jsonrpc": "2.0", "method": "status", "params": null, "id": "1"}', Code.INVALID_REQUEST),
    ],
)
async def test_what_has_an_id_is_answered_with_it(rpc: Asked, sent: str, code: Code) -> None:
    answer = await rpc.send(sent)
    assert (answer["id"], answer["error"]["code"]) == ("1", code)


@pytest.mark.parametrize("request_id", ["1", 1, 1.5, None, -(10**30), "ñ", ""])
async def test_an_answer_has_the_id_of_its_request(rpc: Asked, request_id: Any) -> None:
    answer = await rpc.send(json.dumps({"jsonrpc": "2.0", "method": "status", "id": request_id}))
    assert answer["id"] == request_id
    assert "error" not in answer


@pytest.mark.parametrize("request_id", [True, [], {}, float("inf")])
async def test_an_id_that_is_none_is_not_repeated(rpc: Asked, request_id: Any) -> None:
    sent = json.dumps({"jsonrpc": "2.0", "method": "status", "id": request_id}).replace("Infinity", "1e999")
    answer = await rpc.send(sent)
    assert (answer["id"], answer["error"]["code"]) == (None, Code.INVALID_REQUEST)


@pytest.mark.parametrize(
    "sent",
    [
        '{"jsonrpc": "2.0", "method": "status"}',
        '{"jsonrpc": "2.0", "method": "foobar"}',
        '{"jsonrpc": "2.0", "method": "join", "params": {"chat_id": "x"}}',
        '{"jsonrpc": "2.0", "method": "leave", "params": [5]}',
        '[{"jsonrpc": "2.0", "method": "status"}, {"jsonrpc": "2.0", "method": "foobar"}]',
    ],
)
async def test_a_notification_is_never_answered(rpc: Asked, sent: str) -> None:
    assert await rpc.send(sent) is None


async def test_a_notification_is_obeyed(rpc: Asked) -> None:
    assert await rpc.send(JOIN.replace(b', "id": 1', b"")) is None
    assert rpc.calls.active == (CHAT,)


async def test_each_request_of_a_batch_is_answered(rpc: Asked) -> None:
    answers = await rpc.send(
        '[{"jsonrpc": "2.0", "method": "status", "id": "1"}, {"jsonrpc": "2.0", "method": "status"}, 1, {"foo": "boo"},'
        ' {"jsonrpc": "2.0", "method": "foo.get", "params": {"name": "myself"}, "id": "5"}, [],'
        ' {"jsonrpc": "2.0", "method": "calls.list", "id": "9"}]'
    )
    assert [(answer["id"], answer.get("error", {}).get("code")) for answer in answers] == [
        ("1", None),
        (None, Code.INVALID_REQUEST),
        (None, Code.INVALID_REQUEST),
        ("5", Code.NO_SUCH_METHOD),
        (None, Code.INVALID_REQUEST),
        ("9", None),
    ]


async def test_a_batch_has_an_end(rpc: Asked) -> None:
    (requests,) = [b",".join([EXAMPLES[0]] * (MOST_IN_A_BATCH + 1))]
    answer = await rpc.send(b"[" + requests + b"]")
    assert (answer["id"], answer["error"]["code"]) == (None, Code.INVALID_REQUEST)


# ---- parameters


@pytest.mark.parametrize(
    ("method", "params", "problem"),
    [
        ("join", {}, "chat_id: Field required"),
        ("join", [], "chat_id: Field required"),
        ("join", {"chat_id": "-100"}, "chat_id: Input should be a valid integer"),
        ("join", {"chat_id": -1.0}, "chat_id: Input should be a valid integer"),
        ("join", {"chat_id": True}, "chat_id: Input should be a valid integer"),
        ("join", {"chat_id": 2**63}, "chat_id: Input should be less than"),
        ("join", {"chat_id": 1, "chat": 2}, "chat: Extra inputs are not permitted"),
        ("speak", {"chat_id": CHAT, "text": ""}, "text: String should have at least 1 character"),
        ("speak", {"chat_id": CHAT, "text": " \n"}, "text: String should match pattern"),
        ("speak", {"chat_id": CHAT, "text": "x" * 701}, "text: String should have at most 700 characters"),
        ("speak", {"chat_id": CHAT, "text": "\ud800"}, "text: Input should be a valid string"),
        ("speak", {"chat_id": CHAT, "text": "a", "language": "Catalan"}, "language: String should match pattern"),
        ("speak", {"chat_id": CHAT, "text": "a", "priority": "urgent"}, "priority: Input should be 'normal' or 'high'"),
        ("transcript.get", {"chat_id": CHAT, "limit": 0}, "limit: Input should be greater"),
        ("call.start", {"user_id": "ann"}, "String should match pattern"),
        ("events.subscribe", {"types": ["call.missed"]}, "There is no event 'call.missed'"),
    ],
)
async def test_wrong_parameters_are_named(rpc: Asked, method: str, params: Any, problem: str) -> None:
    error = await rpc.error(method, params)
    assert error["code"] == Code.INVALID_PARAMS
    assert problem in error["message"]


async def test_too_many_parameters_are_refused(rpc: Asked) -> None:
    error = await rpc.error("leave", [CHAT, 2])
    assert error == {"code": Code.INVALID_PARAMS, "message": "leave takes 1 parameters at most: chat_id."}


async def test_parameters_go_by_name_or_by_place(rpc: Asked) -> None:
    await rpc.result("join", [CHAT])
    assert await rpc.result("speak", [CHAT, "Hola!", "ca", "high"]) == {"chat_id": CHAT, "spoken": True}
    assert await rpc.result("speak", {"text": "Hi", "chat_id": CHAT}) == {"chat_id": CHAT, "spoken": True}
    assert rpc.calls.said == [(CHAT, "Hola!", "ca", True), (CHAT, "Hi", None, False)]


# ---- the methods


async def test_status_has_every_key_of_the_first_document(rpc: Asked) -> None:
    await rpc.result("join", {"chat_id": CHAT})
    status = await rpc.result("status")
    asked_for = {"service": "telegram-voicechat", "version": "0.1.0", "running": True, "active_sessions": [CHAT], "pyrogram": True}
    assert asked_for.items() <= status.items()
    assert status["pytgcalls"] is True
    assert status["telethon"] is True
    assert (status["account_id"], status["wanted_sessions"], status["private_calls"]) == (ACCOUNT, [CHAT], 0)


async def test_the_examples_of_the_first_document_are_obeyed(rpc: Asked) -> None:
    answers = [await rpc.send(example) for example in EXAMPLES]
    assert [answer["id"] for answer in answers] == [1, 1, 1, 1]
    assert [answer["result"] for answer in answers[1:]] == [
        {"chat_id": CHAT, "title": "Book club", "joined": True},
        {"chat_id": CHAT, "spoken": True},
        {"chat_id": CHAT, "left": True},
    ]
    assert rpc.calls.said == [(CHAT, "Hola a tothom!", "ca", False)]
    assert rpc.calls.asked_by == [ACCOUNT]


async def test_a_call_that_parley_is_not_in(rpc: Asked) -> None:
    for method, params in (("leave", [CHAT]), ("speak", [CHAT, "Hi"])):
        error = await rpc.error(method, params)
        assert error["code"] == Code.NOT_IN_CALL
        assert str(CHAT) in error["message"]


async def test_a_chat_that_the_account_is_not_in(rpc: Asked) -> None:
    error = await rpc.error("join", [-5])
    assert (error["code"], error["data"]) == (Code.FORBIDDEN, {"key": "call_error.no_access"})


async def test_nothing_heard_is_no_failure(rpc: Asked) -> None:
    await rpc.result("join", [CHAT])
    rpc.calls.heard = False
    assert await rpc.result("speak", [CHAT, "Hi"]) == {"chat_id": CHAT, "spoken": False}


@pytest.mark.parametrize(
    ("refusal", "code", "data"),
    [
        (call_error(errors.NO_VOICE_CHAT), Code.NO_ACTIVE_CALL, {"key": "call_error.no_voice_chat"}),
        (CallError("Already in.", key="call_error.already_in"), Code.ALREADY_IN_CALL, {"key": "call_error.already_in"}),
        (call_error(errors.REFUSED), Code.FORBIDDEN, {"key": "call_error.refused"}),
        (errors.flood(31), Code.FLOOD_WAIT, {"key": "call_error.flood", "retry_after": 31}),
        (
            CallError("Too many.", key="call_error.too_many_joins", fields={"minutes": 3}),
            Code.FLOOD_WAIT,
            {"key": "call_error.too_many_joins", "retry_after": 180},
        ),
        (CallError("Full.", key="call_error.full"), Code.BUSY, {"key": "call_error.full"}),
        (call_error(errors.NOT_REACHED), Code.TIMED_OUT, {"key": "call_error.not_reached"}),
        (
            errors.scheduled(datetime(2030, 1, 1, tzinfo=UTC)),
            Code.NO_ACTIVE_CALL,
            {"key": "call_error.scheduled", "starts_at": 1893456000.0},
        ),
        (call_error(errors.BROKEN_OFF), Code.FAILED, {"key": "call_error.broken_off"}),
        (EngineError("No voice."), Code.ENGINE_UNAVAILABLE, None),
        (ParleyError("No."), Code.FAILED, None),
    ],
)
async def test_each_failure_has_its_code(rpc: Asked, refusal: ParleyError, code: Code, data: Any) -> None:
    rpc.calls.refusal = refusal
    error = await rpc.error("join", [CHAT])
    assert (error["code"], error["message"], error.get("data")) == (code, str(refusal), data)


async def test_a_failure_inside_is_logged_and_not_told(rpc: Asked, caplog: pytest.LogCaptureFixture) -> None:
    rpc.calls.broken = RuntimeError("api_hash 0123456789abcdef")
    with caplog.at_level(logging.ERROR):
        error = await rpc.error("join", [CHAT])
    assert error["code"] == Code.INTERNAL
    assert "api_hash" not in json.dumps(error)
    assert "join failed" in caplog.text


async def test_nothing_is_joined_when_parley_is_about_to_end(rpc: Asked) -> None:
    rpc.draining.append(True)
    assert (await rpc.error("join", [CHAT]))["code"] == Code.DRAINING
    assert (await rpc.result("status"))["running"] is False


async def begun(rpc: Asked, joins: int) -> None:
    """Wait until so many joins have begun."""
    async with asyncio.timeout(20):
        while rpc.calls.begun < joins:  # noqa: ASYNC110 - the stub does not tell
            await asyncio.sleep(0.001)


async def test_a_join_that_the_end_of_parley_breaks_off_says_so(rpc: Asked) -> None:
    rpc.calls.may_join.clear()
    rpc.calls.refusal = call_error(errors.BROKEN_OFF)
    joining = asyncio.create_task(rpc.error("join", [CHAT]))
    await begun(rpc, 1)
    rpc.draining.append(True)
    rpc.calls.may_join.set()
    assert (await joining)["code"] == Code.DRAINING


async def test_requests_about_one_chat_are_obeyed_in_order_and_leave_at_once(rpc: Asked) -> None:
    await rpc.result("join", [CHAT])
    rpc.calls.may_end.clear()
    speaking = [asyncio.create_task(rpc.result("speak", [CHAT, str(number)])) for number in range(5)]
    await asyncio.sleep(0.01)
    assert await rpc.result("leave", [CHAT]) == {"chat_id": CHAT, "left": True}
    rpc.calls.joined[CHAT] = "Book club"
    rpc.calls.may_end.set()
    await asyncio.gather(*speaking)
    assert [text for _, text, _, _ in rpc.calls.said] == ["0", "1", "2", "3", "4"]


async def test_a_program_may_end_in_the_middle(rpc: Asked) -> None:
    rpc.calls.may_join.clear()
    joining = asyncio.create_task(rpc.ask("join", [CHAT]))
    await begun(rpc, 1)
    joining.cancel()
    with pytest.raises(asyncio.CancelledError):
        await joining
    rpc.calls.may_join.set()
    assert (await rpc.result("join", [CHAT]))["joined"]


async def test_calls_are_listed(rpc: Asked) -> None:
    await rpc.result("join", [CHAT])
    rpc.calls.outlooks[-7] = Outlook(next_try_at=1.7e9, failures=2, paused=False, why=call_error(errors.REFUSED))
    rpc.calls.outlooks[-8] = Outlook(next_try_at=float("inf"), failures=0, paused=False, why=None)
    rpc.phone.rings()
    listed = (await rpc.result("calls.list"))["calls"]
    assert [(call["chat_id"], call["kind"], call["state"], call["next_try_at"]) for call in listed] == [
        (CHAT, "group", "joined", None),
        (-7, "group", "idle", 1.7e9),
        (-8, "group", "idle", None),
        (ANN, "private", "ringing", None),
    ]
    assert listed[1]["why"].startswith("Telegram refused")
    assert listed[3]["title"] == "Ann"


async def test_transcripts_are_read(rpc: Asked) -> None:
    for number in range(3):
        line = transcripts.HeardLine(None, CHAT, number, "Ann", ANN, f"line {number}", "not addressed", 100.0 + number)
        await transcripts.add(rpc.database, line)
    found = await rpc.result("transcript.get", {"chat_id": CHAT, "limit": 2})
    assert [(line["at"], line["speaker"], line["heard"], line["reply_heard"]) for line in found["lines"]] == [
        (101.0, "Ann", "line 1", None),
        (102.0, "Ann", "line 2", None),
    ]
    assert (await rpc.result("transcript.get", [-1]))["lines"] == []


async def test_private_calls(rpc: Asked) -> None:
    assert await rpc.result("call.start", ["@ann_smith"]) == {"user_id": ANN}
    assert await rpc.result("call.start", {"user_id": 43}) == {"user_id": 43}
    for method in ("call.accept", "call.reject", "call.hangup"):
        assert await rpc.result(method) == {"user_id": ANN}
    assert rpc.phone.asked == [("start", "@ann_smith"), ("start", 43), ("accept", None), ("reject", None), ("hangup", None)]
    rpc.phone.rings()
    assert (await rpc.result("speak", [ANN, "Hi"]))["spoken"]
    assert rpc.phone.asked[-1] == ("Hi", ANN)
    rpc.phone.refusal = CallError("There is no call.", key="call_error.no_private_call")
    assert (await rpc.error("call.hangup"))["code"] == Code.NO_ACTIVE_CALL


async def test_without_private_calls_that_is_told(tmp_path: Path) -> None:
    async with services(tmp_path, Calls()) as made:
        dispatcher = dispatcher_of(made)
        for method, params in (("call.start", [1]), ("call.accept", []), ("call.reject", []), ("call.hangup", [])):
            asked = json.dumps({"jsonrpc": "2.0", "method": method, "params": params, "id": 1}).encode()
            answer = json.loads(await dispatcher.answer(asked, Caller(Subscriber())) or b"")
            assert answer["error"]["message"].startswith("Private calls are not available")


async def test_a_subscription_is_told_back(rpc: Asked) -> None:
    assert await rpc.result("events.subscribe") == {"types": sorted(NOTIFICATIONS), "chat_ids": None}
    assert await rpc.result("events.subscribe", [["reply"], [3, -1]]) == {"types": ["reply"], "chat_ids": [-1, 3]}
    assert rpc.subscriptions == [(None, None), (frozenset({"reply"}), frozenset({3, -1}))]


async def test_every_method_and_notification_is_described(rpc: Asked) -> None:
    document = await rpc.result("rpc.discover")
    assert document["openrpc"] == "1.3.2"
    described = {method["name"]: method for method in document["methods"]}
    assert {*described, "rpc.discover"} == set(rpc.dispatcher.methods)
    assert {told["name"] for told in document["x-notifications"]} == set(NOTIFICATIONS)
    speak = described["speak"]
    assert [(param["name"], param["required"]) for param in speak["params"]] == [
        ("chat_id", True),
        ("text", True),
        ("language", False),
        ("priority", False),
    ]
    for method in described.values():
        assert method["summary"].endswith(".")
        assert method["result"]["schema"]["type"] == "object"
    references = set(_references(document))
    assert references == {f"#/components/schemas/{name}" for name in document["components"]["schemas"]}


def _references(part: Any) -> list[str]:
    if isinstance(part, dict):
        own = [part["$ref"]] if isinstance(part.get("$ref"), str) else []
        return own + [found for value in part.values() for found in _references(value)]
    return [found for value in part for found in _references(value)] if isinstance(part, list) else []
