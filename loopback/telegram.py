"""The loopback Telegram as tests and rehearsals use it."""

from __future__ import annotations

import asyncio
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import rsa
from telethon.sessions import StringSession

from loopback.controls.chats import ChatControls
from loopback.controls.messages import MessageControls
from loopback.controls.phones import PhoneControls
from loopback.controls.trouble import TroubleControls
from loopback.controls.voice_chats import VoiceChatControls
from loopback.media_seam import MediaServer, PlaceholderMedia
from loopback.mtproto.session import HOME_DC
from loopback.settings import LoopbackSettings
from loopback.world.accounts import Account
from loopback.world.world import World

KEY_BYTES: Final = 256


class LoopbackTelegram(ChatControls, MessageControls, VoiceChatControls, PhoneControls, TroubleControls):
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
        self._watches: list[asyncio.Task[None]] = []
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
        self._watches = [
            asyncio.create_task(self.world.media_watch.run(), name="voice chat media watch"),
            asyncio.create_task(self.world.private_calls.run(), name="unanswered calls watch"),
        ]

    async def stop(self) -> None:
        """Cut everybody off and close the ports. What there is (accounts, messages, keys) stays for another start."""
        for watch in self._watches:
            watch.cancel()
        await asyncio.gather(*self._watches, return_exceptions=True)
        self._watches = []
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

    # --- looking ----------------------------------------------------------------------------------------------
    def problems(self) -> list[str]:
        """What a test wants to be empty: methods nobody answers, and failures of the server itself."""
        return [f"nobody answers {method}" for method in self.world.unimplemented] + list(self.server.errors)
