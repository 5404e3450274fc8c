"""JSON-RPC 2.0: requests, notifications and batches in, answers out, by declared methods whose parameters are checked."""

from __future__ import annotations

import asyncio
import json
import logging
import math
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol
from weakref import WeakValueDictionary

from pydantic import BaseModel, ConfigDict, ValidationError

from control.framing import BadFrame, Frame
from control.messages import VERSION, encoded
from control.rpc_errors import MEANINGS, Code, RpcError, of_parley
from errors import ParleyError

log = logging.getLogger(__name__)

MOST_IN_A_BATCH: Final = 50
MOST_PROBLEMS: Final = 8
LONGEST_ECHO: Final = 64
"""So many characters of what was sent are repeated in an error."""
_ABSENT: Final = object()


class Params(BaseModel):
    """Parameters of a method, by name or in the order of the fields; nothing is converted, nothing unknown is taken."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class Result(BaseModel):
    """What a method answers."""

    model_config = ConfigDict(frozen=True)


class Subscriber(Protocol):
    """Whoever is told what happens."""

    def subscribe(self, types: frozenset[str] | None, chat_ids: frozenset[int] | None) -> None:
        """From now on only these types of notifications, and only of these chats; ``None``: all."""


class Caller:
    """One client: where its notifications go, and the order of what it asks. ``answers_calls``: it has accepted or declined one."""

    def __init__(self, subscriber: Subscriber) -> None:
        self.subscriber = subscriber
        self.answers_calls = False
        self._lanes: WeakValueDictionary[int, asyncio.Lock] = WeakValueDictionary()

    def lane(self, chat_id: int) -> asyncio.Lock:
        """Held by one request at a time; those that wait get it in order."""
        return self._lanes.setdefault(chat_id, asyncio.Lock())


@dataclass(frozen=True, slots=True, kw_only=True)
class Method:
    """A declared method. ``in_order``: requests of one client about the same chat are obeyed one after the other, else all at once."""

    name: str
    params: type[Params]
    result: type[Result]
    answer: Callable[[Any, Caller], Awaitable[Result]]
    summary: str
    errors: tuple[Code, ...] = ()
    in_order: bool = False


class Dispatcher:
    """Answers what one frame asks."""

    def __init__(self, methods: Iterable[Method]) -> None:
        self.methods: Mapping[str, Method] = {method.name: method for method in methods}

    async def answer(self, frame: Frame, caller: Caller) -> bytes | None:
        """The answer to be sent; ``None``: there is none to a notification. Never raises but for cancellation."""
        try:
            asked = _read(frame)
        except RpcError as error:
            return encoded(_failure(None, error))
        if not isinstance(asked, list):
            return encoded(await self._one(asked, caller))
        if not 0 < len(asked) <= MOST_IN_A_BATCH:
            return encoded(_failure(None, RpcError(Code.INVALID_REQUEST, f"A batch has 1 to {MOST_IN_A_BATCH} requests.")))
        answers = await asyncio.gather(*(self._one(each, caller) for each in asked))
        return encoded([each for each in answers if each is not None] or None)

    async def _one(self, asked: Any, caller: Caller) -> dict[str, Any] | None:
        request_id, is_notification = _id_of(asked)
        try:
            result = await self._result(asked, caller)
        except RpcError as error:
            return None if is_notification else _failure(request_id, error)
        return None if is_notification else {"jsonrpc": VERSION, "result": result, "id": request_id}

    async def _result(self, asked: Any, caller: Caller) -> Any:
        method, params = self._found(_checked(asked))
        try:
            return (await _obey(method, params, caller)).model_dump(mode="json")
        except ParleyError as error:
            raise of_parley(error) from error
        except RpcError:
            raise
        except Exception:
            log.exception("%s failed", method.name)
            raise RpcError(Code.INTERNAL, f"{MEANINGS[Code.INTERNAL]}.") from None

    def _found(self, asked: dict[str, Any]) -> tuple[Method, Params]:
        method = self.methods.get(asked["method"])
        if method is None:
            raise RpcError(Code.NO_SUCH_METHOD, f"There is no method {asked['method'][:LONGEST_ECHO]!r}; rpc.discover lists them.")
        return method, _params(method, asked.get("params", {}))


async def _obey(method: Method, params: Params, caller: Caller) -> Result:
    chat_id = getattr(params, "chat_id", None)
    if not method.in_order or chat_id is None:
        return await method.answer(params, caller)
    async with caller.lane(chat_id):
        return await method.answer(params, caller)


def _read(frame: Frame) -> Any:
    """:raises RpcError: it is no JSON."""
    if isinstance(frame, BadFrame):
        code = Code.INVALID_REQUEST if frame.too_long else Code.PARSE
        raise RpcError(code, f"{MEANINGS[code]}: {frame.what}.")
    try:
        return json.loads(frame.decode("utf-8"), parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        raise RpcError(Code.PARSE, f"{MEANINGS[Code.PARSE]}.") from None


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def _is_id(value: object) -> bool:
    if isinstance(value, float):
        return math.isfinite(value)
    return value is None or (isinstance(value, str | int) and not isinstance(value, bool))


def _id_of(asked: Any) -> tuple[Any, bool]:
    """The id to answer with, and whether no answer is wanted. What is no request at all is answered, with the id ``null``."""
    if not isinstance(asked, dict):
        return None, False
    request_id = asked.get("id", _ABSENT)
    if request_id is _ABSENT:
        return None, _is_request(asked)
    return (request_id if _is_id(request_id) else None), False


def _is_request(asked: dict[str, Any]) -> bool:
    return (
        asked.get("jsonrpc") == VERSION
        and isinstance(asked.get("method"), str)
        and isinstance(asked.get("params", {}), dict | list)
        and _is_id(asked.get("id"))
    )


def _checked(asked: Any) -> dict[str, Any]:
    if isinstance(asked, dict) and _is_request(asked):
        return asked
    raise RpcError(Code.INVALID_REQUEST, f'{MEANINGS[Code.INVALID_REQUEST]}: {{"jsonrpc": "2.0", "method": "status", "id": 1}} is one.')


def _params(method: Method, given: dict[str, Any] | list[Any]) -> Params:
    names = list(method.params.model_fields)
    if isinstance(given, list):
        if len(given) > len(names):
            raise RpcError(Code.INVALID_PARAMS, f"{method.name} takes {len(names)} parameters at most: {', '.join(names) or 'none'}.")
        given = dict(zip(names, given, strict=False))
    try:
        return method.params.model_validate(given)
    except ValidationError as invalid:
        problems = [f"{_place(problem['loc'])}: {problem['msg']}" for problem in invalid.errors()[:MOST_PROBLEMS]]
    raise RpcError(Code.INVALID_PARAMS, f"{MEANINGS[Code.INVALID_PARAMS]} of {method.name}: {'; '.join(problems)}.", problems=problems)


def _place(parts: tuple[int | str, ...]) -> str:
    return ".".join(str(part)[:LONGEST_ECHO] for part in parts) or "params"


def _failure(request_id: Any, error: RpcError) -> dict[str, Any]:
    return {"jsonrpc": VERSION, "error": error.as_json(), "id": request_id}
