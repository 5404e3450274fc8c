"""The door of the telephone carrier: calls that come in, news of calls, and the sockets of their sound.

Each request has to bear the carrier's signature over the address in API_BASE_URL, whatever name it was sent to.
"""

from __future__ import annotations

import hmac
import logging
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Final

from aiohttp import WSMsgType, web

from calls.lines.carriers import LONGEST_MESSAGE
from calls.telephony.phone_calls import MEDIA_PATH, STATUS_PATH, PhoneCalls
from calls.telephony.signature import ANY, HEADER, is_signed
from control.http.problems import Problem
from control.http.services import HttpServices

log = logging.getLogger(__name__)

VOICE_PATH: Final = "/twilio/voice"
CLOSING_S: Final = 1.0
MOST_DIGITS: Final = 9
Form = Mapping[str, Sequence[str]]


def routes(services: HttpServices) -> list[web.RouteDef]:
    """What the carrier asks for."""
    door = TwilioDoor(services)
    return [web.post(VOICE_PATH, door.voice), web.post(STATUS_PATH, door.status), web.get(MEDIA_PATH, door.media)]


class TwilioDoor:
    """Answers its requests."""

    def __init__(self, services: HttpServices) -> None:
        settings = services.settings
        self._services = services
        self._base_url = (settings.api_base_url or "").rstrip("/")
        self._account_sid = settings.twilio_account_sid or ""
        self._auth_token = settings.twilio_auth_token.get_secret_value() if settings.twilio_auth_token else ""

    async def voice(self, request: web.Request) -> web.Response:
        """Somebody calls Parley's number: what is to be done."""
        phone, form = self._phone(), await self._signed_form(request)
        markup = await phone.incoming(_one(form, "CallSid"), _one(form, "From"))
        return web.Response(text=markup, content_type="text/xml")

    async def status(self, request: web.Request) -> web.Response:
        """How a call stands."""
        phone, form = self._phone(), await self._signed_form(request)
        sequence = _one(form, "SequenceNumber")
        number = int(sequence) if sequence.isascii() and sequence.isdecimal() and len(sequence) <= MOST_DIGITS else None
        if not await phone.status(_one(form, "CallSid"), _one(form, "CallStatus"), number):
            raise Problem(HTTPStatus.NOT_FOUND, "unknown_call", "There is no such telephone call here.")
        return web.Response(status=HTTPStatus.NO_CONTENT)

    async def media(self, request: web.Request) -> web.StreamResponse:
        """The sound of a call."""
        phone = self._phone()
        self._check(request, f"ws{self._base_url.removeprefix('http')}", {})
        websocket = web.WebSocketResponse(max_msg_size=LONGEST_MESSAGE, compress=False, timeout=CLOSING_S)
        await websocket.prepare(request)
        await phone.serve(Socket(websocket))
        return websocket

    def _phone(self) -> PhoneCalls:
        phone = self._services.control.phone_calls
        if phone is None or not phone.enabled:
            raise Problem(HTTPStatus.NOT_FOUND, "telephone_off", "Telephone calls are off.", "docs/telephone.md tells how to turn them on.")
        return phone

    async def _signed_form(self, request: web.Request) -> Form:
        posted = await request.post()
        form = {name: [str(value) for value in posted.getall(name)] for name in posted}
        self._check(request, self._base_url, form)
        if not hmac.compare_digest(_one(form, "AccountSid").encode(errors=ANY), self._account_sid.encode()):
            raise Problem(HTTPStatus.FORBIDDEN, "other_account", "That is another account than TWILIO_ACCOUNT_SID.")
        return form

    def _check(self, request: web.Request, base_url: str, form: Form) -> None:
        """:raises Problem: it does not bear the carrier's signature."""
        if not is_signed(self._auth_token, f"{base_url}{request.path_qs}", form, request.headers.get(HEADER, "")):
            log.warning("a request to %s does not bear the carrier's signature", request.path)
            raise Problem(
                HTTPStatus.FORBIDDEN,
                "not_signed",
                "This does not bear the carrier's signature.",
                "If it is the carrier: API_BASE_URL must be the address that it was given, and TWILIO_AUTH_TOKEN that of the account.",
            )


def _one(form: Form, name: str) -> str:
    return form.get(name, [""])[0]


class Socket:
    """A WebSocket as :class:`calls.lines.carriers.MediaSocket`."""

    def __init__(self, websocket: web.WebSocketResponse) -> None:
        self._websocket = websocket

    async def receive(self) -> str | None:
        """The next text message; others are passed over."""
        while True:
            message = await self._websocket.receive()
            if message.type is WSMsgType.TEXT:
                return str(message.data)
            if message.type is not WSMsgType.BINARY:
                return None

    async def send(self, text: str) -> None:
        """Send a message."""
        await self._websocket.send_str(text)

    async def close(self) -> None:
        """End the connection."""
        await self._websocket.close()
