"""The loopback Telegram as tests and rehearsals use it."""

from __future__ import annotations

import asyncio
import os
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import rsa
from telethon.sessions import StringSession
from telethon.tl import types as t

from loopback.media_seam import MediaServer, PlaceholderMedia
from loopback.mtproto.session import HOME_DC
from loopback.mtproto.wire import Tl
from loopback.settings import LoopbackSettings
from loopback.world.accounts import Account, digits
from loopback.world.chats import AdminRights, Chat, Role
from loopback.world.faults import Faults
from loopback.world.group_call import GroupCall
from loopback.world.mailbox import Message
from loopback.world.request_log import LoggedRequest
from loopback.world.world import World

KEY_BYTES: Final = 256


class LoopbackTelegram:
    """A Telegram on 127.0.0.1 with one data centre; ``async with`` starts and stops it.

    :param media: the media server of voice chats, started and stopped along; without one, joins are answered but lead nowhere.
    :param port: 0 picks a free one, which later starts keep.
    :param clock: the server's time, Unix seconds.
    """

    def __init__(
        self,
        media: MediaServer | None = None,
        *,
        settings: LoopbackSettings | None = None,
        rsa_key: rsa.PrivateKey | None = None,
        port: int = 0,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.media: MediaServer = media if media is not None else PlaceholderMedia()
        self.settings = settings if settings is not None else LoopbackSettings()
        self.world = World(self.media, self.settings, rsa_key, port, clock)
        self.server = self.world.server
        self._watch: asyncio.Task[None] | None = None
        self._key_folder: tempfile.TemporaryDirectory[str] | None = None
        self._key_file: Path | None = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self.stop()

    async def start(self) -> None:
        """Open the ports.

        :raises OSError: the port is taken.
        """
        await self.media.start()
        try:
            await self.server.start()
        except OSError:
            await self.media.stop()
            raise
        self._watch = asyncio.create_task(self.world.media_watch.run(), name="voice chat media watch")

    async def stop(self) -> None:
        """Cut everybody off and close the ports. What there is (accounts, messages, keys) stays for another start."""
        if self._watch is not None:
            self._watch.cancel()
            await asyncio.gather(self._watch, return_exceptions=True)
            self._watch = None
        await self.server.stop()
        await self.media.stop()
        if self._key_folder is not None:
            self._key_folder.cleanup()
            self._key_folder = self._key_file = None

    # --- ways in ----------------------------------------------------------------------------------------------
    def session_for(self, account: Account) -> str:
        """A Telethon ``StringSession`` that is signed in as ``account``; each call is another device. Only while started."""
        authorisation = self.server.add_key(os.urandom(KEY_BYTES))
        authorisation.account_id = account.id
        self.world.login.on_change()
        session = StringSession()
        session.set_dc(HOME_DC, self.server.host, self.server.port)
        session.auth_key = authorisation.key
        text: str = session.save()
        return text

    def dc_spec(self, key_file: Path | None = None) -> str:
        """The value of ``TELEGRAM_DC``, ``host:port:public_key.pem``, for clients that sign in themselves. Only while started.

        The public key is written to ``key_file``, or to a temporary file that goes with :meth:`stop`; later calls keep the place.
        """
        if key_file is not None:
            self._key_file = key_file.absolute()
        elif self._key_file is None:
            self._key_folder = tempfile.TemporaryDirectory(prefix="loopback-telegram-")
            self._key_file = Path(self._key_folder.name) / "public_key.pem"
        self._key_file.write_text(self.server.public_pem)
        return f"{self.server.host}:{self.server.port}:{self._key_file}"

    # --- people and groups ------------------------------------------------------------------------------------
    def add_account(
        self,
        first_name: str,
        phone: str = "",
        *,
        username: str | None = None,
        last_name: str | None = None,
        password: str | None = None,
        login_code: str = "12345",
        account_id: int | None = None,
    ) -> Account:
        """A new account. ``password`` is that of two-step verification.

        :raises ValueError: id, phone or username is taken.
        """
        return self.world.accounts.add(
            Account(
                id=self.world.accounts.fresh_id() if account_id is None else account_id,
                first_name=first_name,
                phone=digits(phone),
                username=username,
                last_name=last_name,
                login_code=login_code,
                password=password,
            )
        )

    def add_contact(self, account: Account, contact: Account) -> None:
        """Put ``contact`` into the address book of ``account``."""
        account.contacts.add(contact.id)

    def add_group(
        self,
        title: str,
        creator: Account,
        admins: Iterable[Account] | Mapping[Account, AdminRights] = (),
        members: Iterable[Account] = (),
        *,
        username: str | None = None,
        chat_id: int | None = None,
    ) -> Chat:
        """A new supergroup; a mapping gives each admin rights of its own."""
        number = self.world.chats.fresh_id() if chat_id is None else chat_id
        chat = Chat(number, title, int(self.server.now()), username)
        self.world.channels.create(chat, creator)
        for member in members:
            chat.place(member, Role.MEMBER, chat.date)
        rights = admins if isinstance(admins, Mapping) else dict.fromkeys(admins, AdminRights())
        for admin, allowed in rights.items():
            chat.place(admin, Role.ADMIN, chat.date, allowed, creator.id)
        return chat

    def add_member(self, group: Chat, account: Account, by: Account) -> None:
        """Bring somebody (back) into a group."""
        self.world.channels.add(group, account, by)

    def remove_member(self, group: Chat, account: Account, by: Account) -> None:
        """Ban somebody from a group, and with that from its voice chat."""
        self.world.channels.remove(group, account, by)

    def set_admin(self, group: Chat, account: Account, rights: AdminRights | None, by: Account) -> None:
        """Change what somebody may do; None makes a plain member."""
        self.world.channels.set_admin(group, account, rights, by)

    # --- messages ---------------------------------------------------------------------------------------------
    def say(self, where: Chat | Account, sender: Account, text: str) -> Message:
        """A text message that no client has sent."""
        return self.world.messages.post(where, sender, text)

    def send_voice_note(self, where: Chat | Account, sender: Account, data: bytes, duration_s: int, dc: int = HOME_DC) -> Message:
        """A voice note (Ogg Opus). ``dc`` other than 2 makes clients fetch it from another data centre."""
        attributes: list[Tl] = [t.DocumentAttributeAudio(duration_s, voice=True)]
        document = self.world.files.store(data, "audio/ogg", attributes, dc)
        return self.world.messages.post(where, sender, media=t.MessageMediaDocument(document=document, voice=True))

    # --- voice chats ------------------------------------------------------------------------------------------
    def start_voice_chat(self, group: Chat, by: Account) -> GroupCall:
        """Start one (and end the one that runs)."""
        return self.world.calls.create(group, by)

    def end_voice_chat(self, group: Chat, by: Account) -> None:
        """End the one that runs.

        :raises ValueError: there is none.
        """
        self.world.calls.end(self.voice_chat(group), by)

    def voice_chat(self, group: Chat) -> GroupCall:
        """The one that runs.

        :raises ValueError: there is none.
        """
        if group.call is None:
            raise ValueError(f"{group.title} has no voice chat")
        return group.call

    def mute_by_admin(self, group: Chat, account: Account, muted: bool = True) -> None:
        """As an admin would; False only allows the person to unmute."""
        call = self.voice_chat(group)
        participant = call.participants[account.id]
        self.world.calls.mute_by_admin(call, participant, muted)
        self.world.calls.changed(call, participant)

    def drop_media(self, group: Chat, account: Account) -> None:
        """As if the media of a participant had timed out: the server takes it out of the voice chat, and says so."""
        self.world.calls.leave(self.voice_chat(group), account)

    # --- faults -----------------------------------------------------------------------------------------------
    @property
    def faults(self) -> Faults:
        """Requests that fail, flood or hang."""
        return self.world.faults

    def drop_connections(self, account: Account | None = None) -> int:
        """Reset the TCP connections of one account or of all; how many there were."""
        return self.server.drop(account.id if account else None)

    async def outage(self, seconds: float) -> None:
        """Be away for a while: connections are reset, new ones refused."""
        await self.server.stop()
        await asyncio.sleep(seconds)
        await self.server.start()

    def revoke(self, account: Account) -> None:
        """End all sessions of an account, as from another device: 401 AUTH_KEY_UNREGISTERED from now on."""
        for authorisation in self.server.authorisations.values():
            if authorisation.account_id == account.id:
                authorisation.account_id = None

    def forget_keys(self, account: Account) -> None:
        """Lose the authorisation keys of an account: clients get transport error -404."""
        doomed = [key_id for key_id, a in self.server.authorisations.items() if a.account_id == account.id]
        for key_id in doomed:
            del self.server.authorisations[key_id]

    def lose_pushes(self, account: Account, count: int = 1) -> None:
        """Let the next updates to an account vanish."""
        self.world.delivery.lose(account, count)

    def skip_call_version(self, group: Chat) -> None:
        """Leave a gap in the versions of the voice chat's updates."""
        self.world.calls.skip_versions(self.voice_chat(group))

    # --- looking ----------------------------------------------------------------------------------------------
    def seen(self, pattern: str = "*", account: Account | None = None) -> list[LoggedRequest]:
        """The requests whose method fits a glob such as ``phone.*``, oldest first."""
        return self.world.requests.seen(pattern, account.id if account else None)

    def problems(self) -> list[str]:
        """What a test wants to be empty: methods nobody answers, and failures of the server itself."""
        return [f"nobody answers {method}" for method in self.world.unimplemented] + list(self.server.errors)
