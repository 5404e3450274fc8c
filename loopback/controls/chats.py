"""People and chats: making them, and changing who is in and as what."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from loopback.world.accounts import Account, digits
from loopback.world.chats import AdminRights, Chat, ChatKind, Restrictions, Role
from loopback.world.login_tokens import token_in
from loopback.world.world import World

Admins = Iterable[Account] | Mapping[Account, AdminRights]


class ChatControls:
    """The part of :class:`~loopback.telegram.LoopbackTelegram` that makes people and chats."""

    world: World

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

    def scan_login_code(self, account: Account, url: str) -> None:
        """A phone of ``account`` scans the QR code of a login, which says ``url``, and accepts it.

        :raises loopback.mtproto.wire.RpcFailure: AUTH_TOKEN_INVALIDX, AUTH_TOKEN_EXPIRED, AUTH_TOKEN_ALREADY_ACCEPTED.
        """
        self.world.login_tokens.accept(account, token_in(url))

    # --- making chats -----------------------------------------------------------------------------------------
    def add_group(
        self,
        title: str,
        creator: Account,
        admins: Admins = (),
        members: Iterable[Account] = (),
        *,
        username: str | None = None,
        chat_id: int | None = None,
    ) -> Chat:
        """A new supergroup; a mapping gives each admin rights of its own."""
        return self.add_chat(ChatKind.SUPERGROUP, title, creator, admins, members, username=username, chat_id=chat_id)

    def add_basic_group(self, title: str, creator: Account, admins: Admins = (), members: Iterable[Account] = ()) -> Chat:
        """A new basic group; its admins may do everything."""
        return self.add_chat(ChatKind.BASIC_GROUP, title, creator, admins, members)

    def add_channel(
        self, title: str, creator: Account, admins: Admins = (), members: Iterable[Account] = (), *, username: str | None = None
    ) -> Chat:
        """A new broadcast channel; ``members`` are its subscribers."""
        return self.add_chat(ChatKind.CHANNEL, title, creator, admins, members, username=username)

    def add_chat(
        self,
        kind: ChatKind,
        title: str,
        creator: Account,
        admins: Admins = (),
        members: Iterable[Account] = (),
        *,
        username: str | None = None,
        chat_id: int | None = None,
    ) -> Chat:
        """A new chat of any kind; the others come in without a word about it.

        :raises ValueError: the id is taken.
        """
        number = self.world.chats.fresh_id() if chat_id is None else chat_id
        chat = Chat(number, title, int(self.world.server.now()), username, kind)
        self.world.membership.create(chat, creator)
        for member in members:
            chat.place(member, Role.MEMBER, chat.date)
        rights = admins if isinstance(admins, Mapping) else dict.fromkeys(admins, AdminRights())
        for admin, allowed in rights.items():
            role = Role.CREATOR if admin is creator else Role.ADMIN
            chat.place(admin, role, chat.date, allowed, creator.id)
        return chat

    # --- changing who is in, and as what ----------------------------------------------------------------------
    def add_member(self, chat: Chat, account: Account, by: Account) -> None:
        """Bring somebody (back) into a chat."""
        self.world.membership.add(chat, account, by)

    def remove_member(self, chat: Chat, account: Account, by: Account) -> None:
        """Ban somebody from a chat, and with that from its voice chat."""
        self.world.membership.remove(chat, account, by)

    def leave(self, chat: Chat, account: Account) -> None:
        """Somebody leaves a chat."""
        self.world.membership.leave(chat, account)

    def set_admin(self, chat: Chat, account: Account, rights: AdminRights | None, by: Account) -> None:
        """Change what somebody may do; None makes a plain member."""
        self.world.membership.set_admin(chat, account, rights, by)

    def restrict(self, chat: Chat, account: Account, *, writing: bool = True, voice_notes: bool = True) -> None:
        """Say what a member may do: write at all, send voice notes."""
        self.world.membership.restrict(chat, account, Restrictions(send_messages=not writing, send_voices=not voice_notes))

    def set_slow_mode(self, chat: Chat, seconds: int) -> None:
        """How long members (not admins) wait between two messages; 0 for no wait."""
        self.world.membership.set_slow_mode(chat, seconds)
