"""What is answered when a request cannot be granted: a code that programs go by, a sentence for people."""

from __future__ import annotations

from enum import IntEnum
from typing import Any, Final

from calls.errors import CallError
from errors import EngineError, ParleyError


class Code(IntEnum):
    """Error codes: of JSON-RPC 2.0, and below -31999 our own."""

    PARSE = -32700
    INVALID_REQUEST = -32600
    NO_SUCH_METHOD = -32601
    INVALID_PARAMS = -32602
    INTERNAL = -32603
    FAILED = -32000
    """None of the others; the message says what."""
    NOT_IN_CALL = -32001
    NO_ACTIVE_CALL = -32002
    ALREADY_IN_CALL = -32003
    FORBIDDEN = -32004
    FLOOD_WAIT = -32005
    """``data.retry_after`` says how many seconds to wait."""
    ENGINE_UNAVAILABLE = -32006
    BUSY = -32007
    TIMED_OUT = -32008
    DRAINING = -32009
    """Parley is about to end."""


MEANINGS: Final = {
    Code.PARSE: "Not JSON",
    Code.INVALID_REQUEST: "Not a JSON-RPC 2.0 request",
    Code.NO_SUCH_METHOD: "No such method",
    Code.INVALID_PARAMS: "Wrong parameters",
    Code.INTERNAL: "Parley failed inside; its log says how",
    Code.FAILED: "It could not be done",
    Code.NOT_IN_CALL: "Parley is not in a call there",
    Code.NO_ACTIVE_CALL: "There is no active voice chat or call",
    Code.ALREADY_IN_CALL: "Parley is in that call already",
    Code.FORBIDDEN: "It is not allowed",
    Code.FLOOD_WAIT: "Telegram asks to wait",
    Code.ENGINE_UNAVAILABLE: "A speech engine or the brain is not available",
    Code.BUSY: "Busy, or at a limit",
    Code.TIMED_OUT: "It took too long",
    Code.DRAINING: "Parley is about to end",
}

_CODES: Final = {
    "call_error.no_voice_chat": Code.NO_ACTIVE_CALL,
    "call_error.scheduled": Code.NO_ACTIVE_CALL,
    "call_error.no_private_call": Code.NO_ACTIVE_CALL,
    "call_error.already_in": Code.ALREADY_IN_CALL,
    "call_error.restricted": Code.FORBIDDEN,
    "call_error.no_access": Code.FORBIDDEN,
    "call_error.refused": Code.FORBIDDEN,
    "call_error.join_as": Code.FORBIDDEN,
    "call_error.rtmp": Code.FORBIDDEN,
    "call_error.privacy": Code.FORBIDDEN,
    "call_error.spam": Code.FORBIDDEN,
    "call_error.frozen": Code.FORBIDDEN,
    "call_error.dead_session": Code.FORBIDDEN,
    "call_error.flood": Code.FLOOD_WAIT,
    "call_error.too_many_joins": Code.FLOOD_WAIT,
    "call_error.full": Code.BUSY,
    "invite.too_many": Code.BUSY,
    "appointment.too_many": Code.BUSY,
    "appointment.no_time": Code.INVALID_PARAMS,
    "appointment.past": Code.INVALID_PARAMS,
    "appointment.too_far": Code.INVALID_PARAMS,
    "appointment.nobody": Code.INVALID_PARAMS,
    "appointment.no_method": Code.INVALID_PARAMS,
    "call_error.overloaded": Code.BUSY,
    "call_error.busy": Code.BUSY,
    "call_error.not_reached": Code.TIMED_OUT,
    "call_error.no_answer": Code.TIMED_OUT,
    "telephone.no_number": Code.INVALID_PARAMS,
    "telephone.premium": Code.FORBIDDEN,
    "telephone.own_number": Code.FORBIDDEN,
    "telephone.not_allowed": Code.FORBIDDEN,
    "telephone.at_once": Code.BUSY,
    "telephone.per_day": Code.BUSY,
    "telephone.per_number": Code.BUSY,
    "telephone.minutes": Code.BUSY,
    "telephone.line_busy": Code.BUSY,
    "telephone.carrier_busy": Code.BUSY,
    "telephone.nobody_answered": Code.TIMED_OUT,
    "telephone.no_call": Code.NO_ACTIVE_CALL,
    "telephone.stopping": Code.DRAINING,
}


class RpcError(Exception):
    """A request that is not granted; ``data`` are further facts for programs."""

    def __init__(self, code: Code, message: str, **data: object) -> None:
        super().__init__(message)
        self.code = code
        self.data = data

    def as_json(self) -> dict[str, Any]:
        """The ``error`` member of the answer."""
        error: dict[str, Any] = {"code": int(self.code), "message": str(self)}
        return error | {"data": self.data} if self.data else error


def of_parley(error: ParleyError) -> RpcError:
    """The answer for a failure that Parley knows; ``data.key`` names it for good, whatever the wording."""
    code = Code.ENGINE_UNAVAILABLE if isinstance(error, EngineError) else _CODES.get(error.key, Code.FAILED)
    data: dict[str, object] = {"key": error.key} if error.key else {}
    if code is Code.FLOOD_WAIT:
        data["retry_after"] = _retry_after_s(error)
    if isinstance(error, CallError) and error.starts_at is not None:
        data["starts_at"] = error.starts_at.timestamp()
    return RpcError(code, str(error), **data)


def _retry_after_s(error: ParleyError) -> int:
    if isinstance(error, CallError) and error.retry_after_s is not None:
        return error.retry_after_s
    minutes = error.fields.get("minutes", 1)
    return 60 * minutes if isinstance(minutes, int) else 60
