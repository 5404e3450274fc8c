"""The calls over HTTP: which there are, what is said in them; say something, hang up."""

from __future__ import annotations

from http import HTTPStatus
from typing import Final

from aiohttp import web
from pydantic import Field

from brain.speakable import MAX_REPLY_CHARS
from control.http.access import Scope, require
from control.http.bodies import Body, body_of
from control.http.directory import Directory, ListedCall, active_calls
from control.http.live import Live
from control.http.problems import Problem
from control.http.recent import TURNS_KEPT, Recent
from control.http.services import HttpServices
from storage import transcripts

MOST_LINES: Final = 500
LINES: Final = 100
MOST_DIGITS: Final = 19


class Say(Body):
    """What to say."""

    text: str = Field(min_length=1, max_length=MAX_REPLY_CHARS, pattern=r"\S")
    language: str | None = Field(None, pattern=r"^[a-z]{2}$")
    first: bool = False


class CallRoutes:
    """Answers the requests."""

    def __init__(self, services: HttpServices) -> None:
        self._services = services
        self._recent = Recent()
        self._directory = Directory(services, self._recent)
        self._live = Live(self._directory, self._recent)
        services.bus.subscribe(self._recent)

    def routes(self) -> list[web.RouteDef]:
        """All of them."""
        return [
            web.get("/calls", self.overview),
            web.get("/api/calls", self.calls),
            web.get("/api/events", self.events),
            web.get("/api/calls/{call_id}", self.call),
            web.get("/api/calls/{call_id}/transcript", self.transcript),
            web.post("/api/calls/{call_id}/say", self.say),
            web.post("/api/calls/{call_id}/hangup", self.hang_up),
        ]

    async def overview(self, request: web.Request) -> web.Response:
        """In short: how many, how many there can be, and how each stands."""
        await require(request, Scope.CALLS_READ)
        settings = self._services.settings
        return web.json_response(
            {
                "active_calls": active_calls(self._services),
                "max_calls": settings.max_concurrent_calls + settings.max_guest_calls,
                "calls": [self._brief(call) for call in self._directory.all()],
            }
        )

    def _brief(self, call: ListedCall) -> dict[str, object]:
        return {
            "call_id": call.call_id,
            "session_id": call.session_id,
            "state": call.stage,
            "turns_count": self._recent.of(call.chat_id).answered,
            "kind": call.kind,
            "title": call.title,
            "participants": list(call.participants),
            "since": call.since,
        }

    async def calls(self, request: web.Request) -> web.Response:
        """Each with its last turns."""
        await require(request, Scope.CALLS_READ)
        return web.json_response({"calls": [self._directory.as_json(call) for call in self._directory.all()]})

    async def call(self, request: web.Request) -> web.Response:
        """One, with as many turns as are held."""
        await require(request, Scope.CALLS_READ)
        return web.json_response(self._directory.as_json(self._asked_for(request), TURNS_KEPT))

    async def events(self, request: web.Request) -> web.StreamResponse:
        """What changes, as it changes."""
        access = await require(request, Scope.CALLS_READ)
        return await self._live.stream(request, access)

    async def transcript(self, request: web.Request) -> web.Response:
        """What was said in a call, or in all calls of a chat, as far as it is kept."""
        await require(request, Scope.CALLS_READ)
        chat_id = self._chat_id(request)
        lines = await transcripts.of_chat(self._services.database, chat_id, _limit(request))
        told = [
            {
                "at": line.at,
                "speaker": line.speaker,
                "speaker_id": str(line.speaker_id),
                "heard": line.heard,
                "reply_heard": line.reply_heard,
            }
            for line in lines
        ]
        return web.json_response({"chat_id": str(chat_id), "lines": told})

    async def say(self, request: web.Request) -> web.Response:
        """Answered when it was said; ``spoken`` is false when nothing of it was heard."""
        await require(request, Scope.CALLS_CONTROL)
        asked = await body_of(request, Say)
        call = self._asked_for(request)
        spoken = await self._directory.say(call, asked.text, asked.language, first=asked.first)
        return web.json_response({"call_id": call.call_id, "spoken": spoken})

    async def hang_up(self, request: web.Request) -> web.Response:
        """End it."""
        await require(request, Scope.CALLS_CONTROL)
        call = self._asked_for(request)
        await self._directory.hang_up(call)
        return web.json_response({"call_id": call.call_id, "left": True})

    def _asked_for(self, request: web.Request) -> ListedCall:
        return self._directory.find(request.match_info["call_id"])

    def _chat_id(self, request: web.Request) -> int:
        """Of a call that goes on, or a chat that is named by its id."""
        call_id = request.match_info["call_id"]
        try:
            return self._asked_for(request).chat_id
        except Problem:
            if (chat_id := _whole_number(call_id)) is None:
                raise
            return chat_id

    async def close(self, application: web.Application) -> None:
        """End the streams."""
        await self._live.close(application)


def _whole_number(text: str) -> int | None:
    digits = text.removeprefix("-")
    number = int(text) if digits.isascii() and digits.isdecimal() and len(digits) <= MOST_DIGITS else None
    return number if number is not None and -(2**63) <= number < 2**63 else None


def _limit(request: web.Request) -> int:
    limit = _whole_number(request.query.get("limit", str(LINES)))
    if limit is None or not 1 <= limit <= MOST_LINES:
        raise Problem(HTTPStatus.BAD_REQUEST, "bad_limit", f"limit should be a number from 1 to {MOST_LINES}.")
    return limit
