"""What the control port can be asked to do."""

from __future__ import annotations

import base64
import inspect
from collections.abc import Callable
from math import inf
from typing import Any

from loopback.mtproto.wire import RpcFailure
from loopback.telegram import LoopbackTelegram
from loopback.world.accounts import Account, CallPrivacy
from loopback.world.chats import AdminRights, Chat, ChatKind
from loopback.world.named_faults import NAMED_FAULTS

Operation = Callable[..., Any]
Name = int | str


class ControlError(Exception):
    """The command cannot be carried out; the text says why."""


class _Names:
    """From the names in a command to who or what they name."""

    def __init__(self, telegram: LoopbackTelegram) -> None:
        self._telegram = telegram

    def _account(self, name: Name) -> Account:
        for account in self._telegram.world.accounts:
            if name in (account.id, account.username, account.first_name):
                return account
        raise ControlError(f"there is no account {name!r}")

    def _group(self, name: Name) -> Chat:
        for chat in self._telegram.world.chats:
            if name in (chat.id, chat.dialog_id, chat.title, chat.username):
                return chat
        raise ControlError(f"there is no group {name!r}")

    def _place(self, name: Name) -> Chat | Account:
        try:
            return self._group(name)
        except ControlError:
            return self._account(name)

    def _id(self, user: Name | None) -> int | None:
        return None if user is None else self._account(user).id

    def _maybe_account(self, user: Name | None) -> Account | None:
        return None if user is None else self._account(user)

    def _maybe_group(self, group: Name | None) -> Chat | None:
        return None if group is None else self._group(group)


class Operations(_Names):
    """Each public method is an operation of the control port, its parameters the keys of the JSON object."""

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
        """All groups and channels, and who is in their voice chats."""
        return [
            {
                "id": chat.id,
                "dialog_id": chat.dialog_id,
                "title": chat.title,
                "kind": chat.kind.value,
                "members": chat.member_ids,
                "in_call": list(chat.call.participants) if chat.call else None,
                "starts_at": chat.call.starts_at if chat.call else None,
            }
            for chat in self._telegram.world.chats
        ]

    def session(self, user: Name) -> str:
        """A Telethon StringSession, signed in."""
        return self._telegram.session_for(self._account(user))

    def login_codes(self) -> list[str]:
        """What the QR codes say that programs show for a login now, newest last."""
        return self._telegram.world.login_tokens.shown

    def scan(self, user: Name, url: str | None = None) -> None:
        """Somebody's phone scans the QR code of a login (the newest one, or the one that says ``url``) and accepts it."""
        if url is None and not self.login_codes():
            raise ControlError("no QR code is shown")
        try:
            self._telegram.scan_login_code(self._account(user), url or self.login_codes()[-1])
        except RpcFailure as refused:
            raise ControlError(f"the code cannot be scanned: {refused.message}") from None

    def add_account(self, name: str, phone: str = "", username: str | None = None, password: str | None = None) -> int:
        """A new account; its id."""
        return self._telegram.add_account(name, phone, username=username, password=password).id

    def add_group(
        self,
        title: str,
        creator: Name,
        admins: list[Name] | None = None,
        members: list[Name] | None = None,
        kind: str = "supergroup",
        username: str | None = None,
    ) -> int:
        """A new chat of kind supergroup, group (basic) or channel; its id."""
        people = ([self._account(a) for a in admins or []], [self._account(m) for m in members or []])
        return self._telegram.add_chat(ChatKind(kind), title, self._account(creator), *people, username=username).id

    # --- messages ---------------------------------------------------------------------------------------------
    def say(self, user: Name, where: Name, text: str, reply_to: int | None = None) -> int:
        """A text message in a group or to a person; its number."""
        return self._telegram.say(self._place(where), self._account(user), text, reply_to=reply_to).id

    def voice(self, user: Name, where: Name, data: str, duration_s: int = 2, reply_to: int | None = None) -> int:
        """A voice note (Ogg Opus in base64); its number."""
        sound = base64.b64decode(data)
        return self._telegram.send_voice_note(self._place(where), self._account(user), sound, duration_s, reply_to=reply_to).id

    def document(self, user: Name, where: Name, data: str, mime_type: str = "application/octet-stream", file_name: str = "") -> int:
        """A file (in base64); its number."""
        content = base64.b64decode(data)
        return self._telegram.send_document(self._place(where), self._account(user), content, mime_type, file_name=file_name).id

    def history(self, where: Name, last: int = 50) -> list[dict[str, Any]]:
        """The newest messages of a group, or of a person's private chats, oldest first."""
        return [
            {
                "id": m.id,
                "from": m.content.sender.first_name,
                "text": m.content.text,
                "action": type(m.content.action).__name__ if m.content.action else None,
            }
            for m in self._telegram.messages(self._place(where))[-last:]
        ]

    # --- members ----------------------------------------------------------------------------------------------
    def add_member(self, group: Name, user: Name, by: Name) -> None:
        """Bring somebody into a group."""
        self._telegram.add_member(self._group(group), self._account(user), self._account(by))

    def remove_member(self, group: Name, user: Name, by: Name) -> None:
        """Ban somebody from a group."""
        self._telegram.remove_member(self._group(group), self._account(user), self._account(by))

    def set_admin(self, group: Name, user: Name, by: Name, admin: bool = True, manage_call: bool = True, anonymous: bool = False) -> None:
        """Make somebody an admin, with or without the right to manage voice chats, or a plain member."""
        rights = AdminRights(manage_call=manage_call, anonymous=anonymous) if admin else None
        self._telegram.set_admin(self._group(group), self._account(user), rights, self._account(by))

    def restrict(self, group: Name, user: Name, writing: bool = True, voice_notes: bool = True) -> None:
        """Say whether a member may write, and send voice notes."""
        self._telegram.restrict(self._group(group), self._account(user), writing=writing, voice_notes=voice_notes)

    def slow_mode(self, group: Name, seconds: int) -> None:
        """How long members wait between two messages; 0 for no wait."""
        self._telegram.set_slow_mode(self._group(group), seconds)

    # --- voice chats ------------------------------------------------------------------------------------------
    def start_call(self, group: Name, by: Name, rtmp: bool = False) -> None:
        """Start a voice chat."""
        self._telegram.start_voice_chat(self._group(group), self._account(by), rtmp=rtmp)

    def schedule_call(self, group: Name, by: Name, in_s: int) -> None:
        """Announce a voice chat."""
        self._telegram.schedule_voice_chat(self._group(group), self._account(by), in_s)

    def start_scheduled_call(self, group: Name, by: Name) -> None:
        """Start the voice chat that was announced."""
        self._telegram.start_scheduled_voice_chat(self._group(group), self._account(by))

    def end_call(self, group: Name, by: Name) -> None:
        """End the voice chat."""
        self._telegram.end_voice_chat(self._group(group), self._account(by))

    def crowd(self, group: Name, size: int) -> None:
        """Let exactly so many people without clients be in the voice chat."""
        self._telegram.crowd(self._group(group), size)

    def mute(self, group: Name, user: Name, muted: bool = True) -> None:
        """Mute somebody in the voice chat as an admin, or allow to speak again."""
        self._telegram.mute_by_admin(self._group(group), self._account(user), muted)

    def drop_media(self, group: Name, user: Name) -> None:
        """Take somebody out of the voice chat as if the media had timed out."""
        self._telegram.drop_media(self._group(group), self._account(user))

    def black_hole(self, group: Name, user: Name, on: bool = True) -> None:
        """Swallow all media of and to somebody."""
        self._telegram.lose_media(self._group(group), self._account(user), on)

    def loss(self, share: float) -> None:
        """Throw away this share of all media packets, 0 to 1."""
        if not 0 <= share <= 1:
            raise ControlError(f"a share is between 0 and 1, not {share}")
        self._telegram.media.loss = share

    def skip_version(self, group: Name) -> None:
        """Leave a gap in the versions of a voice chat."""
        self._telegram.skip_call_version(self._group(group))

    # --- private calls ----------------------------------------------------------------------------------------
    def allow_calls(self, user: Name, callers: str) -> None:
        """Who may phone somebody: everybody, contacts or nobody."""
        if callers.upper() not in CallPrivacy.__members__:
            raise ControlError(f"callers are everybody, contacts or nobody, not {callers!r}")
        self._telegram.allow_calls(self._account(user), CallPrivacy[callers.upper()])

    def block(self, user: Name, other: Name) -> None:
        """Somebody blocks somebody."""
        self._telegram.block(self._account(user), self._account(other))

    def phone(self, user: Name, callee: Name) -> int:
        """Somebody without a client phones; the number of the call."""
        return self._telegram.phone(self._account(user), self._account(callee)).id

    def hang_up(self, user: Name, other: Name) -> None:
        """All calls between two people end."""
        for call in self._telegram.calls_between(self._account(user), self._account(other)):
            self._telegram.hang_up(call)

    def on_the_phone(self, user: Name) -> bool:
        """Whether somebody is in a private call that was answered."""
        return self._telegram.on_the_phone(self._account(user))

    # --- faults -----------------------------------------------------------------------------------------------
    def fault(
        self,
        name: str,
        user: Name | None = None,
        group: Name | None = None,
        seconds: int | None = None,
        method: str | None = None,
        times: float | None = None,
    ) -> None:
        """An error of Telegram by its name; the operation 'fault_names' lists them."""
        who, where = self._maybe_account(user), self._maybe_group(group)
        self._telegram.fault(name, account=who, chat=where, seconds=seconds, method=method, times=times)

    def fault_names(self) -> dict[str, str]:
        """The faults by name and the error of each."""
        return {name: f"{fault.code} {fault.message}" for name, fault in NAMED_FAULTS.items()}

    def lift(self, name: str) -> None:
        """Lift the faults of one name."""
        self._telegram.lift(name)

    def fail(self, method: str, code: int, message: str, times: float = 1, user: Name | None = None) -> None:
        """Answer the next requests that fit a glob with an error."""
        self._telegram.faults.fail(method, code, message, times=times, account_id=self._id(user))

    def flood(self, method: str, seconds: int, times: float = 1, user: Name | None = None) -> None:
        """Answer the next requests that fit a glob with FLOOD_WAIT."""
        self._telegram.faults.flood(method, seconds, times=times, account_id=self._id(user))

    def delay(self, method: str, seconds: float = inf, times: float = 1, user: Name | None = None) -> None:
        """Answer the next requests that fit a glob late, or never."""
        self._telegram.faults.delay(method, seconds, times=times, account_id=self._id(user))

    def clear_faults(self) -> None:
        """Lift what fault, fail, flood and delay have set, and the natural floods."""
        self._telegram.lift()

    def drop(self, user: Name | None = None) -> int:
        """Reset the TCP connections of somebody, or of all; how many there were."""
        return self._telegram.drop_connections(self._maybe_account(user))

    async def outage(self, seconds: float, user: Name | None = None) -> None:
        """Be unreachable for a while, media included; or let only somebody's network fail."""
        await self._telegram.outage(seconds, self._maybe_account(user))

    def revoke(self, user: Name) -> None:
        """End all sessions of somebody."""
        self._telegram.revoke(self._account(user))

    def forget_keys(self, user: Name) -> None:
        """Lose all keys of somebody."""
        self._telegram.forget_keys(self._account(user))

    def lose_pushes(self, user: Name, count: int = 1) -> None:
        """Let the next updates to somebody vanish."""
        self._telegram.lose_pushes(self._account(user), count)

    def tell_too_long(self, user: Name, group: Name | None = None) -> None:
        """Tell somebody to ask for the difference, of private chats or of a group."""
        self._telegram.tell_too_long(self._account(user), self._maybe_group(group))

    def skew(self, seconds: float) -> None:
        """Shift the server's clock."""
        self._telegram.server.clock_skew_s = seconds

    # --- looking ----------------------------------------------------------------------------------------------
    def requests(self, method: str = "*", user: Name | None = None, last: int = 50) -> list[list[Any]]:
        """The newest requests that fit a glob: time, account, method."""
        return [[r.at, r.account_id, r.method] for r in self._telegram.seen(method, self._maybe_account(user))[-last:]]

    def actions(self, user: Name | None = None, group: Name | None = None) -> list[str]:
        """The chat actions ("typing ...") that somebody, or all, have shown in a group, or anywhere."""
        return self._telegram.actions(self._maybe_account(user), self._maybe_group(group))

    def problems(self) -> list[str]:
        """Methods that nobody answers, and failures of the server itself."""
        return self._telegram.problems()
