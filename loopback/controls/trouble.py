"""What goes wrong: errors by name, outages, lost updates, ended sessions."""

from __future__ import annotations

import asyncio

from telethon.tl import types as t

from loopback.media_seam import MediaServer
from loopback.mtproto.server import MTProtoServer
from loopback.world.accounts import Account
from loopback.world.chats import Chat
from loopback.world.faults import Faults
from loopback.world.named_faults import faults_named
from loopback.world.world import World


class TroubleControls:
    """The part of :class:`~loopback.telegram.LoopbackTelegram` that makes things go wrong."""

    world: World
    server: MTProtoServer
    media: MediaServer

    # --- requests ---------------------------------------------------------------------------------------------
    @property
    def faults(self) -> Faults:
        """Requests that fail, flood or hang, by method."""
        return self.world.faults

    def fault(
        self,
        name: str,
        *,
        account: Account | None = None,
        chat: Chat | None = None,
        seconds: int | None = None,
        method: str | None = None,
        times: float | None = None,
    ) -> None:
        """One of :data:`~loopback.world.named_faults.NAMED_FAULTS`, of one account or all, about one chat (and its voice chat) or all.

        ``method`` (a glob), ``seconds`` and ``times`` take the place of those that the fault has by itself.

        :raises loopback.world.named_faults.UnknownFault: there is none of that name, or it needs a chat.
        """
        made = faults_named(
            name,
            self.server.now(),
            account_id=account.id if account else None,
            chat=chat,
            seconds=seconds,
            methods=(method,) if method else (),
            times=times,
        )
        for fault in made:
            self.faults.add(fault)

    def lift(self, name: str | None = None) -> None:
        """Lift the faults of one name, or all faults and natural floods."""
        if name is not None:
            self.faults.lift(name)
        else:
            self.faults.clear()
            self.world.floods.clear()

    # --- the network ------------------------------------------------------------------------------------------
    def drop_connections(self, account: Account | None = None) -> int:
        """Reset the TCP connections of one account or of all; how many there were."""
        return self.server.drop(account.id if account else None)

    async def outage(self, seconds: float, account: Account | None = None) -> None:
        """:meth:`begin_outage` and, after a while, :meth:`end_outage`."""
        await self.begin_outage(account)
        try:
            await asyncio.sleep(seconds)
        finally:
            await self.end_outage(account)

    async def begin_outage(self, account: Account | None = None) -> None:
        """Let the network of one account fail, or the whole service be away.

        The service: connections are reset and new ones refused, all media is swallowed. One account: its connections are reset, what
        comes through new ones gets no answer, and its media is swallowed; everybody else lives on.
        """
        if account is None:
            self.media.dead = True
            await self.server.stop()
        else:
            self.server.shut_out.add(account.id)
            self._swallow(account, True)
            self.server.drop(account.id)

    async def end_outage(self, account: Account | None = None) -> None:
        """The end of it; connections that got no answer are reset."""
        if account is None:
            self.media.dead = False
            await self.server.start()
        else:
            self.server.shut_out.discard(account.id)
            self._swallow(account, False)
            self.server.drop(account.id)

    def _swallow(self, account: Account, on: bool) -> None:
        for call in self.world.calls:
            if not on or account.id in call.participants:
                self.media.black_hole(call.id, account.id, on)

    # --- sessions ---------------------------------------------------------------------------------------------
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

    # --- updates ----------------------------------------------------------------------------------------------
    def lose_pushes(self, account: Account, count: int = 1) -> None:
        """Let the next updates to an account vanish."""
        self.world.delivery.lose(account, count)

    def tell_too_long(self, account: Account, chat: Chat | None = None) -> None:
        """Tell an account that it has missed too much, in general or in one supergroup or channel: it has to ask for the difference."""
        if chat is None:
            self.world.delivery.raw(account, t.UpdatesTooLong)
        else:
            self.world.delivery.to_account(account, lambda _: [t.UpdateChannelTooLong(chat.id, chat.mailbox.pts)], chats=[chat])
