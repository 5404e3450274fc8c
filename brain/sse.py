"""Streaming requests to a language-model service: server-sent events, and failures in plain words."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import aclosing, asynccontextmanager
from typing import Any, Final

import aiohttp

from engines import Refused
from errors import EngineError

CONNECT_TIMEOUT_S: Final = 10.0
LONGEST_EVENT_BYTES: Final = 1 << 20
LONGEST_COMPLAINT_CHARS: Final = 200

_KEYS = re.compile(r"\b(?:sk|pk|key)-[\w*.-]+|Bearer\s+\S+", re.IGNORECASE)
_STALE = (aiohttp.ServerDisconnectedError, ConnectionResetError)


class Complaint(Refused):
    """The service answered with an HTTP error; ``complaint`` is what it said, without keys."""

    def __init__(self, what: str, next_step: str, status: int, complaint: str) -> None:
        super().__init__(what, next_step, status)
        self.complaint = complaint


class StreamingService:
    """One service: a shared connection pool, and the address, key and model that its errors speak of (the key never)."""

    def __init__(self, name: str, base_url: str, headers: Mapping[str, str], *, settings_prefix: str, silence_timeout_s: float) -> None:
        self._name = name
        self._base_url = base_url.rstrip("/")
        self._headers = dict(headers)
        self._prefix = settings_prefix
        self._timeout = aiohttp.ClientTimeout(
            total=None, sock_connect=min(CONNECT_TIMEOUT_S, silence_timeout_s), sock_read=silence_timeout_s
        )
        self._session: aiohttp.ClientSession | None = None

    async def stream(self, path: str, body: Mapping[str, Any]) -> AsyncGenerator[dict[str, Any], None]:
        """The JSON objects of the answer's events; closing the generator closes the connection at once.

        A service that answers with one JSON object instead of a stream gives just that. ``[DONE]`` is given as ``{"done": true}``.

        :raises EngineError: unreachable, refused (:class:`Complaint`), cut off, or not an event stream.
        """
        async with self._translated_errors(), self._posted(path, body) as response:
            if response.status != 200:
                raise self._refused(response.status, await _complaint(response))
            if response.content_type == "application/json":
                yield self._decoded(await response.text())
                return
            async with aclosing(_payloads(response.content.iter_any())) as payloads:
                async for payload in payloads:
                    yield {"done": True} if payload == "[DONE]" else self._decoded(payload)

    async def close(self) -> None:
        """Close all connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    def failed(self, what: str) -> EngineError:
        """An error that says what the service did wrong."""
        return EngineError(f"{self._name} {what}", "If this goes on, check the service, or choose another with BRAIN.")

    @asynccontextmanager
    async def _posted(self, path: str, body: Mapping[str, Any]) -> AsyncIterator[aiohttp.ClientResponse]:
        try:
            response = await self._post(path, body)
        except _STALE:
            response = await self._post(path, body)
        try:
            yield response
        finally:
            response.close()

    async def _post(self, path: str, body: Mapping[str, Any]) -> aiohttp.ClientResponse:
        if self._session is None:
            self._session = aiohttp.ClientSession(timeout=self._timeout)
        return await self._session.post(self._base_url + path, json=body, headers=self._headers, allow_redirects=False)

    @asynccontextmanager
    async def _translated_errors(self) -> AsyncIterator[None]:
        try:
            yield
        except (aiohttp.ServerTimeoutError, TimeoutError):
            raise self.failed("fell silent.") from None
        except (aiohttp.ClientConnectorError, aiohttp.InvalidURL):
            raise EngineError(
                f"{self._name} can't be reached at {self._base_url}.", f"Check {self._prefix}_BASE_URL and the network."
            ) from None
        except (aiohttp.ClientError, OSError, ValueError):
            raise self.failed("broke off the connection.") from None

    def _decoded(self, payload: str) -> dict[str, Any]:
        try:
            event = json.loads(payload)
        except json.JSONDecodeError:
            event = None
        if not isinstance(event, dict):
            raise self.failed("sent something that is no reply.")
        if event.get("error"):
            raise self.failed(f"gave up in the middle: {self._safe(_message_in(event))}")
        return event

    def _refused(self, status: int, complaint: str) -> Complaint:
        complaint = self._safe(complaint)
        what, next_step = self._explained(status, complaint)
        return Complaint(f"{self._name} {what}", next_step, status, complaint)

    def _explained(self, status: int, complaint: str) -> tuple[str, str]:
        said = f" ({complaint})" if complaint else ""
        match status:
            case 401 | 403:
                return f"refused the key (HTTP {status}).", f"Check {self._prefix}_API_KEY."
            case 404:
                return (
                    f"does not know the address or the model (HTTP 404){said}.",
                    f"Check {self._prefix}_BASE_URL and {self._prefix}_MODEL.",
                )
            case 429:
                return f"limits requests or has no credit left (HTTP 429){said}.", "Wait a moment, or check the account's limits."
            case 503 | 529:
                return f"is overloaded (HTTP {status}){said}.", "Try again in a moment."
            case _ if status >= 500:
                return f"failed inside (HTTP {status}){said}.", "Try again in a moment."
            case _ if 300 <= status < 400:
                return f"has moved (HTTP {status}).", f"Correct {self._prefix}_BASE_URL."
            case _:
                return f"refused the request (HTTP {status}){said}.", f"Check {self._prefix}_MODEL and {self._prefix}_BASE_URL."

    def _safe(self, text: str) -> str:
        for value in self._headers.values():
            text = text.replace(value.removeprefix("Bearer "), "(hidden)") if len(value) > 11 else text
        return _KEYS.sub("(hidden)", " ".join(text.split()))[:LONGEST_COMPLAINT_CHARS]


async def _complaint(response: aiohttp.ClientResponse) -> str:
    text = (await response.content.read(4096)).decode(errors="replace")
    try:
        return _message_in(json.loads(text))
    except (json.JSONDecodeError, AttributeError):
        return "" if "<" in text else text


def _message_in(event: dict[str, Any]) -> str:
    error = event.get("error")
    if isinstance(error, dict):
        return str(error.get("message") or error.get("type") or "")
    return str(error or event.get("message") or event.get("detail") or "")


async def _payloads(chunks: AsyncIterator[bytes]) -> AsyncGenerator[str, None]:
    """The data of each server-sent event; comments (keep-alives), names and ids are left out."""
    data: list[str] = []
    async for line in _lines(chunks):
        if line.startswith("data:"):
            data.append(line.removeprefix("data:").removeprefix(" "))
        elif not line and data:
            yield "\n".join(data)
            data = []
    if data:
        yield "\n".join(data)


async def _lines(chunks: AsyncIterator[bytes]) -> AsyncGenerator[str, None]:
    pending = b""
    async for chunk in chunks:
        *complete, pending = (pending + chunk).split(b"\n")
        if len(pending) > LONGEST_EVENT_BYTES:
            raise ValueError("an event without an end")
        for line in complete:
            yield line.rstrip(b"\r").decode(errors="replace")
    if pending:
        yield pending.rstrip(b"\r").decode(errors="replace")
