"""Updates on their way to the live sessions of those they concern."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable

from loopback.mtproto.server import MTProtoServer
from loopback.mtproto.session import Authorisation, Session
from loopback.mtproto.wire import Tl
from loopback.world.accounts import Account, Accounts
from loopback.world.chats import Chat
from loopback.world.rendering import Renderer

UpdatesFor = Callable[[Account], list[Tl]]
"""The updates one viewer gets."""


class Delivery:
    """Pushes; what an answer carries to the asking session is never pushed to it as well."""

    def __init__(self, server: MTProtoServer, accounts: Accounts, renderer: Renderer) -> None:
        self._server = server
        self._accounts = accounts
        self._renderer = renderer
        self._to_lose: Counter[int] = Counter()

    def lose(self, account: Account, count: int = 1) -> None:
        """Let the next pushes to an account vanish: a gap."""
        self._to_lose[account.id] += count

    def to_account(
        self,
        account: Account,
        updates: UpdatesFor,
        users: Iterable[Account] = (),
        chats: Iterable[Chat] = (),
        skip: Session | None = None,
    ) -> None:
        """Push to the sessions of one account."""
        self.raw(account, lambda: self._renderer.bundle(account, updates(account), users, chats), skip)

    def raw(self, account: Account, make: Callable[[], Tl], skip: Session | None = None) -> None:
        """Push an update container of the caller's making."""
        sessions = [session for session in self._server.live_sessions(account.id) if session is not skip]
        if not sessions:
            return
        self._push(account, sessions, make)

    def to_device(
        self, account: Account, device: Authorisation | None, make: Callable[[], Tl], besides: Authorisation | None = None
    ) -> None:
        """Push to one device of an account, or to all of them but one."""
        sessions = [
            s for s in self._server.live_sessions(account.id) if device in (None, s.authorisation) and s.authorisation is not besides
        ]
        if sessions:
            self._push(account, sessions, make)

    def _push(self, account: Account, sessions: Iterable[Session], make: Callable[[], Tl]) -> None:
        if self._to_lose[account.id] > 0:
            self._to_lose[account.id] -= 1
            return
        packet = make()
        for session in sessions:
            session.push(packet)

    def to_chat(
        self,
        chat: Chat,
        updates: UpdatesFor,
        users: Iterable[Account] = (),
        skip: Session | None = None,
        others: Iterable[Chat] = (),
    ) -> None:
        """Push to everybody in a chat; ``others`` are further chats that the updates speak of."""
        users, chats = list(users), [chat, *others]
        for account_id in chat.member_ids:
            self.to_account(self._accounts.of_id(account_id), updates, users, chats, skip)
