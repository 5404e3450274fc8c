"""The control port: one JSON object a line, ``{"op": "flood", "method": "phone.*", "seconds": 40}``, and one in answer.

People are named by id, username or first name, groups by id or title. ``{"op": "help"}`` lists what can be done.
"""

from __future__ import annotations

import asyncio
import base64
import inspect
import json
import logging
from collections.abc import Callable
from math import inf
from typing import Any, Final

from loopback.telegram import LoopbackTelegram
from loopback.world.accounts import Account
from loopback.world.chats import AdminRights, Chat

log = logging.getLogger(__name__)

MAX_LINE_BYTES: Final = 16 << 20
Operation = Callable[..., Any]


class ControlError(Exception):
    """The command cannot be carried out; the text says why."""


class Operations:
    """Each public method is an operation of the control port, its parameters the keys of the JSON object."""

    def __init__(self, telegram: LoopbackTelegram) -> None:
        self._telegram = telegram

    def named(self, name: str) -> Operation:
        """The operation of that name.

        :raises ControlError: there is none.
        """
        operation = getattr(self, name, None) if name and not name.startswith("_") and name != "named" else None
        if operation is None:
            raise ControlError(f"there is no operation {name!r}; the operation 'help' lists them")
        return operation  # type: ignore[no-any-return]

    def help(self) -> dict[str, str]:
        """What can be done."""
        names = [name for name, _ in inspect.getmembers(self, inspect.ismethod) if not name.startswith("_") and name != "named"]
        return {name + str(inspect.signature(getattr(self, name))): inspect.getdoc(getattr(self, name)) or "" for name in names}

    # --- the world --------------------------------------------------------------------------------------------
    def dc(self) -> str:
        """The value of TELEGRAM_DC."""
        return self._telegram.dc_spec()

    def people(self) -> list[dict[str, Any]]:
        """All accounts."""
        return [
            {"id": a.id, "name": a.first_name, "username": a.username, "phone": a.phone, "code": a.login_code}
            for a in self._telegram.world.accounts
        ]

    def groups(self) -> list[dict[str, Any]]:
        """All groups, and who is in their voice chats."""
        return [
            {
                "id": chat.id,
                "dialog_id": chat.dialog_id,
                "title": chat.title,
                "members": chat.member_ids,
                "in_call": list(chat.call.participants) if chat.call else None,
            }
            for chat in self._telegram.world.chats
        ]

    def session(self, user: int | str) -> str:
        """A Telethon StringSession, signed in."""
        return self._telegram.session_for(self._account(user))

    def add_account(self, name: str, phone: str = "", username: str | None = None, password: str | None = None) -> int:
        """A new account; its id."""
        return self._telegram.add_account(name, phone, username=username, password=password).id

    def add_group(
        self, title: str, creator: int | str, admins: list[int | str] | None = None, members: list[int | str] | None = None
    ) -> int:
        """A new supergroup; its id."""
        chat = self._telegram.add_group(
            title, self._account(creator), [self._account(a) for a in admins or []], [self._account(m) for m in members or []]
        )
        return chat.id

    def say(self, user: int | str, where: int | str, text: str) -> int:
        """A text message in a group or to a person; its number."""
        return self._telegram.say(self._place(where), self._account(user), text).id

    def voice(self, user: int | str, where: int | str, data: str, duration_s: int = 2) -> int:
        """A voice note (Ogg Opus in base64); its number."""
        note = self._telegram.send_voice_note(self._place(where), self._account(user), base64.b64decode(data), duration_s)
        return note.id

    def history(self, where: int | str, last: int = 50) -> list[dict[str, Any]]:
        """The newest messages of a group, or of a person's private chats, oldest first."""
        messages = list(self._place(where).mailbox.messages.values())[-last:]
        return [
            {
                "id": m.id,
                "from": m.content.sender.first_name,
                "text": m.content.text,
                "action": type(m.content.action).__name__ if m.content.action else None,
            }
            for m in messages
        ]

    # --- groups and voice chats -------------------------------------------------------------------------------
    def add_member(self, group: int | str, user: int | str, by: int | str) -> None:
        """Bring somebody into a group."""
        self._telegram.add_member(self._group(group), self._account(user), self._account(by))

    def remove_member(self, group: int | str, user: int | str, by: int | str) -> None:
        """Ban somebody from a group."""
        self._telegram.remove_member(self._group(group), self._account(user), self._account(by))

    def set_admin(self, group: int | str, user: int | str, by: int | str, admin: bool = True, manage_call: bool = True) -> None:
        """Make somebody an admin, with or without the right to manage voice chats, or a plain member."""
        rights = AdminRights(manage_call=manage_call) if admin else None
        self._telegram.set_admin(self._group(group), self._account(user), rights, self._account(by))

    def start_call(self, group: int | str, by: int | str) -> None:
        """Start a voice chat."""
        self._telegram.start_voice_chat(self._group(group), self._account(by))

    def end_call(self, group: int | str, by: int | str) -> None:
        """End the voice chat."""
        self._telegram.end_voice_chat(self._group(group), self._account(by))

    def mute(self, group: int | str, user: int | str, muted: bool = True) -> None:
        """Mute somebody in the voice chat as an admin, or allow to speak again."""
        self._telegram.mute_by_admin(self._group(group), self._participant(group, user), muted)

    def drop_media(self, group: int | str, user: int | str) -> None:
        """Take somebody out of the voice chat as if the media had timed out."""
        self._telegram.drop_media(self._group(group), self._participant(group, user))

    def black_hole(self, group: int | str, user: int | str, on: bool = True) -> None:
        """Swallow all media of and to somebody."""
        call = self._telegram.voice_chat(self._group(group))
        self._telegram.media.black_hole(call.id, self._participant(group, user).id, on)

    def loss(self, share: float) -> None:
        """Throw away this share of all media packets, 0 to 1."""
        if not 0 <= share <= 1:
            raise ControlError(f"a share is between 0 and 1, not {share}")
        self._telegram.media.loss = share

    def skip_version(self, group: int | str) -> None:
        """Leave a gap in the versions of a voice chat."""
        self._telegram.skip_call_version(self._group(group))

    # --- faults -----------------------------------------------------------------------------------------------
    def fail(self, method: str, code: int, message: str, times: float = 1, user: int | str | None = None) -> None:
        """Answer the next requests that fit a glob with an error."""
        self._telegram.faults.fail(method, code, message, times=times, account_id=self._id(user))

    def flood(self, method: str, seconds: int, times: float = 1, user: int | str | None = None) -> None:
        """Answer the next requests that fit a glob with FLOOD_WAIT."""
        self._telegram.faults.flood(method, seconds, times=times, account_id=self._id(user))

    def delay(self, method: str, seconds: float = inf, times: float = 1, user: int | str | None = None) -> None:
        """Answer the next requests that fit a glob late, or never."""
        self._telegram.faults.delay(method, seconds, times=times, account_id=self._id(user))

    def clear_faults(self) -> None:
        """Lift what fail, flood and delay have set, and the natural floods."""
        self._telegram.faults.clear()
        self._telegram.world.floods.clear()

    def drop(self, user: int | str | None = None) -> int:
        """Reset the TCP connections of somebody, or of all; how many there were."""
        return self._telegram.drop_connections(None if user is None else self._account(user))

    async def outage(self, seconds: float) -> None:
        """Be unreachable for a while."""
        await self._telegram.outage(seconds)

    def revoke(self, user: int | str) -> None:
        """End all sessions of somebody."""
        self._telegram.revoke(self._account(user))

    def forget_keys(self, user: int | str) -> None:
        """Lose all keys of somebody."""
        self._telegram.forget_keys(self._account(user))

    def lose_pushes(self, user: int | str, count: int = 1) -> None:
        """Let the next updates to somebody vanish."""
        self._telegram.lose_pushes(self._account(user), count)

    def skew(self, seconds: float) -> None:
        """Shift the server's clock."""
        self._telegram.server.clock_skew_s = seconds

    # --- looking ----------------------------------------------------------------------------------------------
    def requests(self, method: str = "*", user: int | str | None = None, last: int = 50) -> list[list[Any]]:
        """The newest requests that fit a glob: time, account, method."""
        account = None if user is None else self._account(user)
        return [[r.at, r.account_id, r.method] for r in self._telegram.seen(method, account)[-last:]]

    def problems(self) -> list[str]:
        """Methods that nobody answers, and failures of the server itself."""
        return self._telegram.problems()

    # --- names ------------------------------------------------------------------------------------------------
    def _account(self, name: int | str) -> Account:
        for account in self._telegram.world.accounts:
            if name in (account.id, account.username, account.first_name):
                return account
        raise ControlError(f"there is no account {name!r}")

    def _group(self, name: int | str) -> Chat:
        for chat in self._telegram.world.chats:
            if name in (chat.id, chat.dialog_id, chat.title):
                return chat
        raise ControlError(f"there is no group {name!r}")

    def _place(self, name: int | str) -> Chat | Account:
        try:
            return self._group(name)
        except ControlError:
            return self._account(name)

    def _participant(self, group: int | str, user: int | str) -> Account:
        account = self._account(user)
        if account.id not in self._telegram.voice_chat(self._group(group)).participants:
            raise ControlError(f"{account.first_name} is not in the voice chat")
        return account

    def _id(self, user: int | str | None) -> int | None:
        return None if user is None else self._account(user).id


class ControlServer:
    """Listens on 127.0.0.1."""

    def __init__(self, telegram: LoopbackTelegram, port: int = 0) -> None:
        self.port = port
        self._operations = Operations(telegram)
        self._listener: asyncio.Server | None = None

    async def start(self) -> None:
        """Open the port.

        :raises OSError: it is taken.
        """
        self._listener = await asyncio.start_server(self._serve, "127.0.0.1", self.port, limit=MAX_LINE_BYTES)
        self.port = self._listener.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Close the port."""
        if self._listener is not None:
            self._listener.close()
            self._listener = None

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while line := await reader.readline():
                writer.write(json.dumps(await self._answer(line)).encode() + b"\n")
                await writer.drain()
        except (ValueError, ConnectionError) as error:
            log.warning("control connection ended: %s", error)
        finally:
            writer.close()

    async def _answer(self, line: bytes) -> dict[str, Any]:
        try:
            command = json.loads(line)
            if not isinstance(command, dict):
                raise ControlError("a command is a JSON object with the key 'op'")
            operation = self._operations.named(str(command.pop("op", "")))
            inspect.signature(operation).bind(**command)
            result = operation(**command)
            return {"ok": True, "result": await result if inspect.isawaitable(result) else result}
        except (ControlError, ValueError, TypeError) as error:
            return {"ok": False, "error": str(error)}
        except Exception as error:
            log.exception("a control command failed")
            return {"ok": False, "error": repr(error)}
