"""The Telegram account: one unmodified Telethon client, connected and logged in, or one clear error."""

from __future__ import annotations

import asyncio
import logging
import platform
import time
from typing import Any, Final

from telethon import TelegramClient, errors
from telethon.errors import AuthKeyNotFound
from telethon.sessions import MemorySession
from telethon.tl.functions.users import GetUsersRequest
from telethon.tl.types import InputUserSelf

from calls.gates import Gates
from calls.telegram.connection import Connection
from calls.telegram.session import LOGIN_STEP, open_session
from calls.telegram.session_lock import SessionLock
from calls.telegram.updates import CallUpdates
from config import Settings
from errors import ParleyError, SessionError, SettingsError
from version import VERSION

log = logging.getLogger(__name__)

CONNECT_TIMEOUT_S: Final = 30.0
"""Telethon itself tries for ever, so that a running call outlives an outage; only the start is bounded."""
FLOOD_SLEEP_S: Final = 5
"""A longer flood wait is raised at once, for its seconds to be told, instead of being slept inside a request."""
RETRY_DELAY_S: Final = 1.0
RETRIES_OF_A_REQUEST: Final = 1
"""After a fault of Telegram's own; each costs 2 s. What is worth more tries is tried again by whoever asked, with growing pauses."""
DISCONNECT_TIMEOUT_S: Final = 5.0
FAILED: Final = "Failed to initialize Telethon client"

DEAD_SESSION: Final[dict[type[BaseException], str]] = {
    errors.AuthKeyUnregisteredError: "the session was ended, by logging out or from another device",
    errors.SessionRevokedError: "the session was ended from another device",
    errors.SessionExpiredError: "the session has expired",
    errors.AuthKeyDuplicatedError: "the session was used by two programs at once, which ends it for good",
    errors.AuthKeyInvalidError: "the session is not valid",
    errors.AuthKeyPermEmptyError: "the session is not logged in",
    errors.UserDeactivatedError: "the account was deleted",
    errors.UserDeactivatedBanError: "the account was banned by Telegram",
    AuthKeyNotFound: "Telegram does not know the session's key",
}


def create_client(settings: Settings) -> TelegramClient:
    """A client of the session of the settings that is not connected yet.

    :raises errors.SettingsError: ``API_ID`` or ``API_HASH`` is missing.
    :raises errors.SessionError: as :func:`calls.telegram.session.open_session`.
    """
    _application(settings)
    return telegram_client(settings, open_session(settings))


def telegram_client(settings: Settings, session: MemorySession) -> TelegramClient:
    """A client of ``session`` that is not connected yet.

    :raises errors.SettingsError: ``API_ID`` or ``API_HASH`` is missing.
    """
    return TelegramClient(
        session,
        *_application(settings),
        use_ipv6=":" in (session.server_address or ""),
        connection_retries=None,
        retry_delay=RETRY_DELAY_S,
        request_retries=RETRIES_OF_A_REQUEST,
        raise_last_call_error=True,
        flood_sleep_threshold=FLOOD_SLEEP_S,
        device_model="Parley",
        system_version=f"{platform.system()} {platform.machine()}",
        app_version=VERSION,
    )


def _application(settings: Settings) -> tuple[int, str]:
    if settings.api_id is None or settings.api_hash is None:
        raise SettingsError("API_ID and API_HASH required.", "Get them from my.telegram.org/apps and put them into .env.")
    return settings.api_id, settings.api_hash.get_secret_value()


class TelegramAccount:
    """A logged-in account: its client, who it is, the updates about voice chats, and the gates for what is asked of Telegram.

    Everything that listens to Telegram shares ``client``; it is a plain ``TelegramClient``, as py-tgcalls insists.
    """

    def __init__(self, client: TelegramClient) -> None:
        self.client = client
        self.updates = CallUpdates(client)
        self.gates = Gates(time.monotonic)
        self.connection = Connection(client)
        self.id = 0
        self.username: str | None = None
        self._dialogs_read = False
        self._lock = SessionLock()
        self._watching: asyncio.Task[None] | None = None
        self._dead: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    @classmethod
    async def connect(cls, settings: Settings, timeout_s: float = CONNECT_TIMEOUT_S) -> TelegramAccount:
        """Connect and check the login; never asks for a code.

        :raises errors.SettingsError: ``API_ID`` or ``API_HASH`` is missing.
        :raises errors.SessionError: no session, a dead one, or one that another process uses; the text says why.
        :raises errors.ParleyError: Telegram was not reached within ``timeout_s``.
        """
        try:
            account = cls(create_client(settings))
            await account._log_in(timeout_s)
        except ParleyError as error:
            log.error("❌ %s", error.what if FAILED in error.what else f"{FAILED}: {error.what}")
            raise
        log.info("✅ Telethon client started successfully")
        return account

    async def _log_in(self, timeout_s: float) -> None:
        try:
            self._lock.take(self.client.session.auth_key)
            async with asyncio.timeout(timeout_s):
                await self.client.connect()
                (me,) = await self.client(GetUsersRequest([InputUserSelf()]))
        except BaseException as error:
            await self.close()
            raise _explained(error, timeout_s) from error
        self.id, self.username = me.id, me.username
        self._watching = asyncio.create_task(self.connection.watch(), name="connection watch")

    async def close(self) -> None:
        """Disconnect and write the session. Safe to call twice."""
        if self._watching is not None:
            self._watching.cancel()
            await asyncio.wait({self._watching})
        try:
            async with asyncio.timeout(DISCONNECT_TIMEOUT_S):
                await self.client.disconnect()
                await asyncio.gather(self.client.disconnected, return_exceptions=True)  # else it is printed as never retrieved
        except (TimeoutError, ConnectionError) as error:
            log.warning("the Telegram connection was not closed cleanly: %r", error)
        self._lock.release()

    @property
    def connected(self) -> bool:
        """There is a connection to Telegram now."""
        return self.connection.online

    async def until_lost(self) -> None:
        """Wait until the client has ended for good.

        :raises errors.SessionError: always, when that happens by itself; returns only after :meth:`close`.
        """
        try:
            await asyncio.wait({self.client.disconnected, self._dead}, return_when=asyncio.FIRST_COMPLETED)
            for end in (self._dead, self.client.disconnected):
                if end.done():
                    end.result()
        except Exception as error:
            raise _explained(error, CONNECT_TIMEOUT_S) from error

    def note_dead(self, error: Exception) -> None:
        """A request has shown that the session is no longer valid: :meth:`until_lost` says so."""
        if type(error) in DEAD_SESSION and not self._dead.done():
            self._dead.set_exception(error)
            self._dead.exception()

    async def input_peer(self, chat_id: int) -> Any:
        """The chat as requests want it. A string session knows no chats after a start, so the dialogs are read once when one is unknown.

        :raises ValueError: the account is not in such a chat.
        """
        try:
            return await self.client.get_input_entity(chat_id)
        except ValueError:
            if self._dialogs_read:
                raise
            self._dialogs_read = True
            await self.client.get_dialogs()
            return await self.client.get_input_entity(chat_id)


def _explained(error: BaseException, timeout_s: float) -> BaseException:
    """What to raise instead of ``error``; cancellation and programming errors stay what they are."""
    cause = DEAD_SESSION.get(type(error))
    if cause or isinstance(error, errors.UnauthorizedError):
        return SessionError(f"{FAILED}: {cause or 'the session is not logged in'}.", LOGIN_STEP)
    if isinstance(error, errors.ApiIdInvalidError):
        return SettingsError(f"{FAILED}: API_ID and API_HASH do not belong together.", "Copy both again from my.telegram.org/apps.")
    if isinstance(error, errors.FloodWaitError):
        return ParleyError(f"{FAILED}: Telegram asks to wait {error.seconds} seconds.", "Start again after that.")
    if isinstance(error, TimeoutError | OSError):
        return ParleyError(
            f"{FAILED}: Telegram could not be reached within {timeout_s:g} seconds.", "Check the internet connection, then start again."
        )
    if isinstance(error, errors.RPCError):
        return ParleyError(f"{FAILED}: Telegram answered {error.message}.", "Start again in a minute.")
    return error
