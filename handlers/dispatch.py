"""From a message to the command in it to the reply."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Final

from telethon import TelegramClient, events
from telethon.errors import FloodWaitError, RPCError
from telethon.utils import get_display_name

from errors import ParleyError
from handlers import wording
from handlers.authority import AUTHORITY_KEYS, Authorities
from handlers.chats import Elsewhere, chat_named, elsewhere
from handlers.claims import Claims
from handlers.command import Authority, Command, CommandTable, Invocation, Request, WrongArguments, parse
from handlers.mailbox import Mailboxes
from handlers.menus import Menu, Menus
from handlers.progress import ProgressReplies
from handlers.rate import Rates, TooMuch
from handlers.sender import OwnMessages, Sender

log = logging.getLogger(__name__)

FULL_MAILBOX_WAIT_S: Final = 10.0
MEMBERS_PAY: Final = 2
"""At least so many points for a command: one member alone cannot use up what may be written into a chat."""

DONE: Final = "done"
REFUSED: Final = "refused"
TOO_MUCH: Final = "told to wait"
WRONG: Final = "wrong arguments"
FAILED: Final = "failed"
"""What became of a command, for the audit."""

Audit = Callable[[Request, Command, str], Awaitable[None]]
"""Keeps what became of a command; never raises."""
LanguageOf = Callable[[int], Awaitable[str]]
"""The language of the replies in a chat."""


def is_spoken_by_its_sender(message: Any) -> bool:
    """Whether the sender wrote this message here, now and by themselves. Forwarded, via-bot and edited messages are no commands."""
    return not (message.fwd_from or message.via_bot_id or message.edit_date or message.action)


@dataclass(frozen=True, slots=True)
class _Outcome:
    result: str
    reply: str | Menu


class Dispatcher:
    """Listens for commands on the client, from :meth:`attach` until :meth:`close`. ``clock`` gives seconds."""

    def __init__(
        self,
        client: TelegramClient,
        commands: CommandTable,
        authorities: Authorities,
        sender: Sender,
        own: OwnMessages,
        *,
        language_of: LanguageOf,
        audit: Audit,
        claims: Claims,
        prefixes: str,
        own_username: str | None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._client = client
        self._commands = commands
        self._authorities = authorities
        self._sender = sender
        self._own = own
        self._language_of = language_of
        self._audit = audit
        self._claims = claims
        self._prefixes = prefixes
        self._own_username = own_username
        self._clock = clock
        self._mailboxes = Mailboxes()
        self._urgent = Mailboxes()
        self._menus = Menus()
        self._rates = Rates()
        self._progress = ProgressReplies(sender)

    def attach(self) -> None:
        """Begin to obey."""
        self._client.add_event_handler(self._on_message, events.NewMessage())

    async def close(self) -> None:
        """Obey no longer, and stop what is being done."""
        self._client.remove_event_handler(self._on_message)
        await self._urgent.close()
        await self._mailboxes.close()
        await self._progress.close()

    async def _on_message(self, event: Any) -> None:
        await self.take(event.message)

    async def take(self, message: Any) -> None:
        """Obey the command that ``message`` gives, if it gives one, after those of its chat that came before."""
        found = self.find(message)
        if found is None:
            return
        command, invocation = found
        received_s, mailboxes = self._clock(), self._urgent if command.urgent else self._mailboxes
        if not mailboxes.post(message.chat_id, lambda: self.obey(message, command, invocation, received_s)):
            await self._overfull(message, command, invocation)

    def obey_missed(self, chat_id: int, messages: Sequence[Any]) -> int:
        """Obey those among these messages of a chat that are commands and were not obeyed, in order; how many are commands.

        They are one job of the chat: what is asked meanwhile waits.
        """
        commands = [(message, *found) for message in messages if (found := self.find(message))]
        if commands and not self._mailboxes.post(chat_id, lambda: self._obey_each(commands)):
            log.warning("chat %s is too busy for %d commands that may have been missed", chat_id, len(commands))
        return len(commands)

    async def _obey_each(self, commands: Sequence[tuple[Any, Command, Invocation]]) -> None:
        for message, command, invocation in commands:
            await self.obey(message, command, invocation, missed=True)

    async def idle(self) -> None:
        """Wait until everything that was asked is done."""
        await self._mailboxes.empty()
        await self._urgent.empty()

    def find(self, message: Any) -> tuple[Command, Invocation] | None:
        """The command that ``message`` gives, if it gives one and its sender wrote it."""
        if not is_spoken_by_its_sender(message) or (message.out and self._own.include(message)):
            return None
        text = message.message or ""
        invocation = parse(text, self._prefixes, self._own_username) or self._chosen(message, text)
        command = self._commands.find(invocation.name) if invocation else None
        return (command, invocation) if command and invocation else None

    def _chosen(self, message: Any, text: str) -> Invocation | None:
        chosen = self._menus.chosen(message.chat_id, _reply_to_id(message), text, self._clock())
        return Invocation(*chosen) if chosen else None

    async def obey(
        self, message: Any, command: Command, invocation: Invocation, received_s: float = math.inf, *, missed: bool = False
    ) -> None:
        """Do what the command says if its sender may, reply, and keep what became of it. ``received_s`` is when it arrived.

        A message that was obeyed already is passed over; ``missed``: this one was found later, by looking for such.
        """
        if await self._authorities.shut_out(message) or not await self._claims.claim(message, missed=missed):
            return
        request = replace(await self._request(message, invocation), received_s=received_s, tell=partial(self._progress.tell, message))
        outcome = await self._outcome(request, command)
        if outcome is None:
            return
        await self._reply(request, command, outcome.reply)
        await self._audit(request, command, outcome.result)

    async def _request(self, message: Any, invocation: Invocation, authority: Authority = Authority.STRANGER) -> Request:
        return Request(
            chat_id=message.chat_id,
            title=getattr(await message.get_chat(), "title", None) or "",
            sender_id=message.sender_id or 0,
            arguments=invocation.arguments,
            is_private=bool(message.is_private),
            sender_name=get_display_name(message.sender) if message.sender else "",
            language=await self._language_of(message.chat_id),
            authority=authority,
            reply_to_id=_reply_to_id(message),
            message=message,
        )

    async def _outcome(self, request: Request, command: Command) -> _Outcome | None:
        """What becomes of the command; None: nobody is told anything."""
        named = chat_named(request.arguments) if command.elsewhere else None
        try:
            level = await self._authorities.of(request.message, Authority.MEMBER if named else command.authority)
            if level is Authority.STRANGER < command.authority:
                return None
            if too_much := self._charge(request, command, level):
                return _told_to_wait(request, too_much)
            if named:
                return await self._outcome_there(request, command, elsewhere(self._client, request, named[0]), named[1])
            if command.destructive and level >= command.authority:
                level = await self._authorities.anew(request.message)
        except WrongArguments as wrong:
            return _Outcome(WRONG, usage(request.language, command, wrong.what))
        except (RPCError, ConnectionError, TimeoutError, ValueError) as error:
            return _Outcome(REFUSED, _rights_unknown(request, error))
        if level < command.authority:
            return _Outcome(REFUSED, request.say(AUTHORITY_KEYS[command.authority], command=_as_typed(request, command.name)))
        if request.is_private and not command.in_private:
            return _Outcome(REFUSED, request.say("groups_only", command=f"/{command.name}"))
        return await self._answer(replace(request, authority=level), command)

    async def _outcome_there(self, request: Request, command: Command, there: Elsewhere, arguments: str) -> _Outcome:
        """What becomes of a command that means another chat. What goes on there concerns only those who manage its calls."""
        needed = max(command.authority, Authority.CALL_MANAGER)
        level = await self._authorities.of(there, needed)
        if level < needed:
            return _Outcome(REFUSED, request.say("refused.elsewhere", chat=there.title))
        meant = replace(request, chat_id=there.chat_id, title=there.title, is_private=False, arguments=arguments, authority=level)
        return await self._answer(meant, command)

    def _charge(self, request: Request, command: Command, level: Authority) -> TooMuch | None:
        """Whether this is too much just now: for the sender, for the chat, or for what we may write."""
        if level is Authority.OWNER:
            return None
        now_s, urgent = self._clock(), command.urgent and level >= command.authority
        if not urgent and (busy_s := self._sender.busy_for_s(request.chat_id)) > 0:
            return self._rates.refuse(request.chat_id, None, busy_s, now_s)
        cost = command.cost if level >= Authority.CALL_MANAGER else max(command.cost, MEMBERS_PAY)
        return self._rates.spend(request.chat_id, request.sender_id, cost, now_s, urgent=urgent)

    async def _answer(self, request: Request, command: Command) -> _Outcome:
        try:
            return _Outcome(DONE, await command.answer(request))
        except WrongArguments as wrong:
            return _Outcome(WRONG, usage(request.language, command, wrong.what))
        except ParleyError as error:
            return _Outcome(f"{FAILED}: {error}", wording.of_error(request.language, error))
        except Exception as error:
            log.exception("/%s in chat %s failed", command.name, request.chat_id)
            return _Outcome(f"{FAILED}: {type(error).__name__}", request.say("not_understood"))

    async def _overfull(self, message: Any, command: Command, invocation: Invocation) -> None:
        log.warning("too many commands in chat %s, /%s is not obeyed", message.chat_id, command.name)
        await self._claims.claim(message)
        if message.is_private or await self._authorities.shut_out(message):
            return
        too_much = self._rates.refuse(message.chat_id, None, FULL_MAILBOX_WAIT_S, self._clock())
        request = await self._request(message, invocation)
        await self._reply(request, command, _told_to_wait(request, too_much).reply)
        await self._audit(request, command, TOO_MUCH)

    async def _reply(self, request: Request, command: Command, reply: str | Menu) -> None:
        text = str(reply)
        if not text or await self._progress.finish(request.message, text):
            return
        chat = await request.message.get_input_chat()
        sent = await self._sender.send(chat, request.chat_id, text, reply_to=request.message.id)
        if sent is not None and isinstance(reply, Menu):
            self._menus.show(request.chat_id, sent, command.name, reply, self._clock())


def usage(language: str, command: Command, what: str = "") -> str:
    """What is replied to wrong arguments: why, how the command is used, and an example."""
    lines = [wording.say(language, "usage", usage=command.usage), wording.say(language, "example", example=command.shown_example)]
    return "\n".join(filter(None, [what, *lines]))


def _told_to_wait(request: Request, too_much: TooMuch) -> _Outcome:
    key = "too_many_here" if too_much.everybody else "too_many_commands"
    return _Outcome(TOO_MUCH, request.say(key, seconds=too_much.wait_s) if too_much.tell else "")


def _rights_unknown(request: Request, error: Exception) -> str:
    if isinstance(error, FloodWaitError):
        return request.say("rights_flood", seconds=error.seconds)
    log.warning("the rights of %s in chat %s are not known: %r", request.sender_id, request.chat_id, error)
    return request.say("rights_unknown")


def _as_typed(request: Request, name: str) -> str:
    """The command with the prefix that its sender used."""
    first = (request.message.message or "/")[0]
    return f"{'/' if first.isalnum() else first}{name}"


def _reply_to_id(message: Any) -> int | None:
    return getattr(message.reply_to, "reply_to_msg_id", None) if message.reply_to else None
