"""What chats are told of their appointments though nobody asks just then."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from errors import ParleyError
from handlers.wording import of_error, say
from storage.appointments import Appointment
from storage.invites import VALID_S

Send = Callable[[int, str], Awaitable[int | None]]
"""Writes into a chat; gives ``None`` when that was not possible."""


class AppointmentMessages:
    """``language_of`` is the language a chat is written to in. What is for no chat (0) is for ``owner_chat``."""

    def __init__(self, send: Send, language_of: Callable[[int], Awaitable[str]], owner_chat: int) -> None:
        self._send = send
        self._language_of = language_of
        self._owner_chat = owner_chat

    async def __call__(self, chat_id: int, key: str, /, **fields: object) -> bool:
        """Write the text of ``key``; whether it could be written."""
        chat_id = chat_id or self._owner_chat
        told = ParleyError(key, key=key, fields=fields)
        return await self._send(chat_id, of_error(await self._language_of(chat_id), told)) is not None

    async def link(self, appointment: Appointment, url: str) -> bool:
        """Send a link to the call page; whether it could be sent."""
        chat_id = int(appointment.target or appointment.chat_id) or self._owner_chat
        language = await self._language_of(chat_id)
        opening = f"{appointment.opening}\n" if appointment.opening else ""
        text = say(language, "appointment.link", opening=opening, url=url, minutes=round(VALID_S / 60))
        return await self._send(chat_id, text) is not None
