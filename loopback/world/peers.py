"""From what a client names (``InputPeer…``, ``InputUser…``, ``InputChannel``) to who that is."""

from __future__ import annotations

from telethon.tl import types as t

from loopback.mtproto.wire import RpcFailure, Tl
from loopback.world.access import AccessHashes
from loopback.world.accounts import Account, Accounts
from loopback.world.chats import Chat, Chats
from loopback.world.conversations import mailbox_of
from loopback.world.registry import Caller


class Peers:
    """Checks access hashes and membership on the way."""

    def __init__(self, accounts: Accounts, chats: Chats, hashes: AccessHashes) -> None:
        self._accounts = accounts
        self._chats = chats
        self._hashes = hashes

    def resolve(self, caller: Caller, peer: Tl) -> Account | Chat:
        """Whom or what ``peer`` names.

        :raises RpcFailure: PEER_ID_INVALID, USER_ID_INVALID, CHANNEL_INVALID, CHANNEL_PRIVATE.
        """
        if isinstance(peer, t.InputPeerChannel | t.InputChannel):
            return self.chat(caller, peer, private_code=400)
        if isinstance(peer, t.InputPeerChat):
            return self.basic_group(caller, peer.chat_id)
        return self.user(caller, peer)

    def basic_group(self, caller: Caller, chat_id: int, error: str = "PEER_ID_INVALID") -> Chat:
        """The basic group with this id; basic groups have no access hash.

        :raises RpcFailure: ``error`` when there is none, or the caller is not in it.
        """
        chat = self._chats.get(chat_id)
        if chat is None or not chat.is_basic or not chat.has(caller.id):
            raise RpcFailure(400, error)
        return chat

    def user(self, caller: Caller, peer: Tl) -> Account:
        """The user that ``peer`` names.

        :raises RpcFailure: PEER_ID_INVALID, USER_ID_INVALID.
        """
        if isinstance(peer, t.InputPeerSelf | t.InputUserSelf):
            return caller.account
        account = self._named_user(caller, peer)
        if account is None:
            raise RpcFailure(400, "USER_ID_INVALID" if type(peer).__name__.startswith("InputUser") else "PEER_ID_INVALID")
        return account

    def _named_user(self, caller: Caller, peer: Tl) -> Account | None:
        if isinstance(peer, t.InputPeerUser | t.InputUser):
            known = peer.access_hash == self._hashes.of_user(caller.id, peer.user_id)
            return self._accounts.get(peer.user_id) if known else None
        if isinstance(peer, t.InputPeerUserFromMessage | t.InputUserFromMessage):
            return self._seen_in_message(caller, peer)
        return None

    def _seen_in_message(self, caller: Caller, peer: Tl) -> Account | None:
        message = mailbox_of(self.resolve(caller, peer.peer), caller.account).messages.get(peer.msg_id)
        if message is None or message.content.as_chat is not None or message.content.sender.id != peer.user_id:
            return None
        return message.content.sender

    def chat(self, caller: Caller, peer: Tl, private_code: int = 406) -> Chat:
        """The supergroup or channel that ``peer`` names; ``private_code`` is the code of CHANNEL_PRIVATE, which differs by method.

        :raises RpcFailure: CHANNEL_INVALID, CHANNEL_PRIVATE.
        """
        chat = self._chats.get(getattr(peer, "channel_id", 0))
        if chat is None or chat.is_basic or peer.access_hash != self._hashes.of_chat(caller.id, chat.id):
            raise RpcFailure(400, "CHANNEL_INVALID")
        if not chat.has(caller.id):
            raise RpcFailure(private_code, "CHANNEL_PRIVATE")
        return chat
