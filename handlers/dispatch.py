"""From a message to the command in it to the reply."""

from __future__ import annotations

import logging
from typing import Any, Final

from telethon import TelegramClient, events
from telethon.errors import FloodWaitError, RPCError

from errors import ParleyError
from handlers.authority import CallManagers
from handlers.command import Authority, Command, CommandTable, Invocation, Request, parse
from handlers.mailbox import Mailboxes

log = logging.getLogger(__name__)

ONLY_CALL_MANAGERS: Final = "Only admins who may manage voice chats can do that. Ask one of them to send {prefix}{name}."
NOT_UNDERSTOOD: Final = "Something went wrong on my side. The log says what; please try again."
RIGHTS_UNKNOWN: Final = "Telegram did not tell me whether you may do that. Please send it again in a minute."
RIGHTS_FLOOD: Final = "Telegram asks me to wait {seconds} seconds before I can check who may do that. Please send it again then."
MOST_CHARACTERS: Final = 4096


def is_spoken_by_its_sender(message: Any) -> bool:
    """Whether the sender wrote this message here, now and by themselves. Own, forwarded, via-bot and edited messages are no commands."""
    return not (message.out or message.fwd_from or message.via_bot_id or message.edit_date or message.action)


class Dispatcher:
    """Listens for commands on the client, from :meth:`attach` until :meth:`close`."""

    def __init__(
        self, client: TelegramClient, commands: CommandTable, managers: CallManagers, prefixes: str, own_username: str | None
    ) -> None:
        self._client = client
        self._commands = commands
        self._managers = managers
        self._prefixes = prefixes
        self._own_username = own_username
        self._mailboxes = Mailboxes()

    def attach(self) -> None:
        """Begin to obey."""
        self._client.add_event_handler(self._on_message, events.NewMessage(incoming=True))

    async def close(self) -> None:
        """Obey no longer, and stop what is being done."""
        self._client.remove_event_handler(self._on_message)
        await self._mailboxes.close()

    async def _on_message(self, event: Any) -> None:
        message = event.message
        if not is_spoken_by_its_sender(message):
            return
        invocation = parse(message.message or "", self._prefixes, self._own_username)
        command = self._commands.find(invocation.name) if invocation else None
        if invocation is None or command is None:
            return

        async def obey() -> None:
            await self._reply(message, await self._answer(command, invocation, message))

        if not self._mailboxes.post(message.chat_id, obey):
            log.warning("too many commands in chat %s, /%s is ignored", message.chat_id, command.name)

    async def _answer(self, command: Command, invocation: Invocation, message: Any) -> str:
        if command.authority is Authority.CALL_MANAGER and not message.is_private:
            refusal = await self._refusal(command, message)
            if refusal is not None:
                return refusal
        title = getattr(await message.get_chat(), "title", None) or ""
        request = Request(message.chat_id, title, message.sender_id or 0, invocation.arguments, bool(message.is_private))
        try:
            return await command.answer(request)
        except ParleyError as error:
            return str(error)
        except Exception:
            log.exception("/%s in chat %s failed", command.name, message.chat_id)
            return NOT_UNDERSTOOD

    async def _refusal(self, command: Command, message: Any) -> str | None:
        try:
            allowed = await self._managers.includes(message)
        except FloodWaitError as flood:
            return RIGHTS_FLOOD.format(seconds=flood.seconds)
        except (RPCError, ConnectionError, ValueError) as error:
            log.warning("the rights of %s in chat %s are not known: %r", message.sender_id, message.chat_id, error)
            return RIGHTS_UNKNOWN
        return None if allowed else ONLY_CALL_MANAGERS.format(prefix=message.message[0], name=command.name)

    async def _reply(self, message: Any, text: str) -> None:
        try:
            await message.reply(text[:MOST_CHARACTERS], parse_mode=None, link_preview=False)
        except (RPCError, ConnectionError, TimeoutError) as error:
            log.warning("the reply in chat %s could not be sent: %r", message.chat_id, error)
