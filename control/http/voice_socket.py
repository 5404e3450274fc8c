"""``/ws/voice``: a call for any program that can open a WebSocket."""

from __future__ import annotations

import contextlib
import logging
from typing import Final

from aiohttp import WSCloseCode, web

from config import Settings
from control.http import voice_messages as messages
from control.http.access import DOORKEEPER, PROTOCOL, Access, Scope, require
from control.http.open_sockets import OPEN_SOCKETS, STOPPING
from control.http.problems import Problem
from control.http.services import HttpServices
from control.http.voice_messages import CallWishes, MessageError
from control.http.voice_session import Goodbye, VoiceSession

log = logging.getLogger(__name__)

LARGEST_MESSAGE_BYTES: Final = 64 << 10
CLOSING_S: Final = 2.0
WHY_BROKEN: Final[dict[int, tuple[str, str]]] = {
    WSCloseCode.MESSAGE_TOO_BIG: ("too_big", f"A message may hold {LARGEST_MESSAGE_BYTES} bytes at most."),
    WSCloseCode.INVALID_TEXT: ("not_text", "A text message is not UTF-8."),
    WSCloseCode.PROTOCOL_ERROR: ("protocol", "That is not how WebSockets talk."),
}


class VoiceSocket(web.WebSocketResponse):
    """A WebSocket that tells why when it is closed because of what the other side sent."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(
            timeout=CLOSING_S,
            heartbeat=settings.ws_heartbeat_interval,
            protocols=(PROTOCOL,),
            max_msg_size=LARGEST_MESSAGE_BYTES,
            compress=False,
        )

    async def close(self, *, code: int = WSCloseCode.OK, message: bytes = b"", drain: bool = True) -> bool:
        """See :meth:`aiohttp.web.WebSocketResponse.close`."""
        if not message and not self.closed and (why := WHY_BROKEN.get(code)):
            with contextlib.suppress(ConnectionError):
                await self.send_str(messages.error(*why))
            message = why[1].encode()
        return await super().close(code=code, message=message, drain=drain)


def routes(services: HttpServices) -> list[web.RouteDef]:
    """``/ws/voice``."""
    open_sockets: set[VoiceSocket] = set()

    async def voice(request: web.Request) -> web.StreamResponse:
        access = await require(request, Scope.VOICE)
        wishes = _wishes(request)
        socket = VoiceSocket(services.settings)
        await socket.prepare(request)
        if len(open_sockets) >= services.settings.max_connections:
            return await _turned_away(socket, len(open_sockets))
        open_sockets.add(socket)
        try:
            await _converse(request, access, VoiceSession(services, socket, wishes))
        finally:
            open_sockets.discard(socket)
        return socket

    return [web.get("/ws/voice", voice)]


async def _converse(request: web.Request, access: Access, session: VoiceSession) -> None:
    """Until the client, the call, the token or the server comes to its end."""
    forget = request.app[DOORKEEPER].watch(access, lambda reason: session.end(Goodbye(WSCloseCode.POLICY_VIOLATION, reason, "token_gone")))
    try:
        with request.app[OPEN_SOCKETS].entered(lambda: session.end(Goodbye(WSCloseCode.GOING_AWAY, STOPPING))):
            await session.run()
    finally:
        forget()


def _wishes(request: web.Request) -> CallWishes:
    try:
        return messages.wishes(CallWishes, dict(request.query))
    except MessageError as wrong:
        raise Problem(400, "bad_request", str(wrong)) from None


async def _turned_away(socket: VoiceSocket, connections: int) -> VoiceSocket:
    why = f"There are {connections} connections already, which is as many as I take. Try again later."
    await socket.send_str(messages.error("too_many_connections", why))
    await socket.close(code=WSCloseCode.TRY_AGAIN_LATER, message=why.encode())
    return socket
