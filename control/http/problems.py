"""What is answered over HTTP when a request cannot be granted: a status and a code for programs, and a sentence with the next step."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

from aiohttp import web

from audio.codecs import SoundFileError
from control.rpc_errors import Code, RpcError, of_parley
from errors import ParleyError

REQUEST_ID: Final = web.RequestKey("request_id", str)

_STATUS: Final = {
    Code.INVALID_PARAMS: HTTPStatus.BAD_REQUEST,
    Code.NOT_IN_CALL: HTTPStatus.NOT_FOUND,
    Code.NO_ACTIVE_CALL: HTTPStatus.NOT_FOUND,
    Code.ALREADY_IN_CALL: HTTPStatus.CONFLICT,
    Code.FORBIDDEN: HTTPStatus.FORBIDDEN,
    Code.FLOOD_WAIT: HTTPStatus.TOO_MANY_REQUESTS,
    Code.ENGINE_UNAVAILABLE: HTTPStatus.SERVICE_UNAVAILABLE,
    Code.BUSY: HTTPStatus.SERVICE_UNAVAILABLE,
    Code.TIMED_OUT: HTTPStatus.GATEWAY_TIMEOUT,
    Code.DRAINING: HTTPStatus.SERVICE_UNAVAILABLE,
}
_NEXT_STEPS: Final = {
    HTTPStatus.NOT_FOUND: "docs/http.md lists all that there is.",
    HTTPStatus.METHOD_NOT_ALLOWED: "docs/http.md says how to ask for it.",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "Send less at once.",
}


class Problem(Exception):
    """A request that is not granted. ``code`` names the reason for programs, whatever the wording."""

    def __init__(self, status: int, code: str, what: str, next_step: str = "", *, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(f"{what} {next_step}".strip())
        self.status = status
        self.code = code
        self.headers = dict(headers or {})


def answer(request: web.Request, problem: Problem) -> web.Response:
    """The problem as JSON, in the form that clients of OpenAI know as well."""
    request_id = request.get(REQUEST_ID, "")
    kind = "server_error" if problem.status >= HTTPStatus.INTERNAL_SERVER_ERROR else "invalid_request_error"
    error = {"message": str(problem), "type": kind, "code": problem.code, "param": None}
    return web.json_response({"error": error, "request_id": request_id}, status=problem.status, headers=problem.headers)


def of_error(error: ParleyError) -> Problem:
    """The answer to a failure that Parley knows."""
    if isinstance(error, SoundFileError):
        return Problem(HTTPStatus.UNPROCESSABLE_ENTITY, error.key or "sound", str(error))
    told = of_parley(error)
    return of_rpc(told, error.key or "failed")


def of_rpc(told: RpcError, code: str = "failed") -> Problem:
    """The answer where the control socket would give ``told``."""
    status = _STATUS.get(told.code, HTTPStatus.CONFLICT)
    retry_after: Any = told.data.get("retry_after")
    return Problem(status, code, str(told), headers={"Retry-After": str(retry_after)} if retry_after else None)


def of_aiohttp(error: web.HTTPException) -> Problem:
    """The answer to what aiohttp itself refuses, such as an address that there is not."""
    kept = {name: value for name, value in error.headers.items() if name in ("Allow", "Retry-After")}
    status = HTTPStatus(error.status)
    return Problem(status, status.phrase.lower().replace(" ", "_"), f"{status.phrase}.", _NEXT_STEPS.get(status, ""), headers=kept)
