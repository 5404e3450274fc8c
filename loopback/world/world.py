"""The whole: all services around one server, and the way of a request through them."""

from __future__ import annotations

import hashlib
import logging
import time
from collections import deque
from collections.abc import Callable
from typing import Final

import rsa

from loopback.media_seam import MediaServer
from loopback.mtproto.server import MAX_REPORTS, MTProtoServer
from loopback.mtproto.session import Session
from loopback.mtproto.wire import RpcFailure, Tl
from loopback.settings import LoopbackSettings
from loopback.world.access import AccessHashes
from loopback.world.accounts import Accounts
from loopback.world.attention import Attention
from loopback.world.basic_groups import BasicGroups
from loopback.world.call_access import CallAccess
from loopback.world.call_admin_methods import CallAdminMethods
from loopback.world.call_join_methods import CallJoinMethods
from loopback.world.call_media import CallMediaWatch
from loopback.world.call_participant_methods import CallParticipantMethods
from loopback.world.channels import Channels
from loopback.world.chats import Chats
from loopback.world.context import Context
from loopback.world.delivery import Delivery
from loopback.world.faults import Faults
from loopback.world.files import Files
from loopback.world.floods import FloodLimiter
from loopback.world.group_calls import GroupCalls
from loopback.world.history import History
from loopback.world.login import Login
from loopback.world.login_tokens import LoginTokens
from loopback.world.membership import Membership
from loopback.world.messages import Messages
from loopback.world.peers import Peers
from loopback.world.posting import Posting
from loopback.world.private_call_methods import PrivateCallMethods
from loopback.world.private_calls import PrivateCalls
from loopback.world.registry import Caller, Registry, method_name
from loopback.world.rendering import Renderer
from loopback.world.request_log import RequestLog
from loopback.world.service import Service
from loopback.world.streaming import Streams
from loopback.world.updates import Updates
from loopback.world.users import Users

log = logging.getLogger(__name__)

OPEN_TO_STRANGERS: Final = ("help.", "auth.", "langpack.", "account.GetPassword")


class World:
    """Builds the services and sends each request to the one that answers it.

    ``unimplemented`` lists the methods that clients asked for and nobody answers, newest last, bounded.
    """

    def __init__(
        self,
        media: MediaServer,
        settings: LoopbackSettings,
        rsa_key: rsa.PrivateKey | None = None,
        port: int = 0,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.server = MTProtoServer(self.handle, rsa_key, port, clock)
        self.settings = settings
        self.accounts = Accounts()
        self.chats = Chats()
        self.floods = FloodLimiter()
        self.requests = RequestLog()
        self.unimplemented: deque[str] = deque(maxlen=MAX_REPORTS)
        now = self.server.now
        self.faults = Faults(now)
        hashes = AccessHashes(hashlib.sha256(str(self.server.rsa_key.n).encode()).digest())
        render = Renderer(hashes, settings, now)
        self.delivery = Delivery(self.server, self.accounts, render)
        peers = Peers(self.accounts, self.chats, hashes)
        context = Context(self.accounts, self.chats, peers, render, self.delivery, settings, now)
        self.posting = Posting(context)
        self.calls = GroupCalls(context, self.posting, media)
        self.private_calls = PrivateCalls(context, self.posting)
        self.membership = Membership(context, self.posting, self.calls)
        self.login = Login(context, self.posting)
        self.login_tokens = LoginTokens(context, self.server, self.login)
        self.media_watch = CallMediaWatch(self.calls, media, settings, now)
        access, streams, history = CallAccess(context, self.calls), Streams(now), History(context)
        self.files = Files(access, streams, now)
        self._registry = Registry(
            Service(lambda: (self.server.host, self.server.port), now),
            self.login,
            self.login_tokens,
            Users(context),
            Channels(context, self.membership),
            BasicGroups(context, self.membership),
            Messages(context, self.posting, self.files),
            Attention(context),
            history,
            self.files,
            Updates(context, history),
            CallAdminMethods(context, self.calls, access, self.posting),
            CallJoinMethods(context, self.calls, access, streams),
            CallParticipantMethods(context, self.calls, access),
            PrivateCallMethods(context, self.private_calls),
        )

    async def handle(self, session: Session, request: Tl) -> Tl:
        """Answer one request.

        :raises RpcFailure: as the real service would.
        """
        method = method_name(request)
        self.requests.note(self.server.now(), session.account_id, method, request)
        await self.faults.strike(method, session.account_id, request)
        account = self.accounts.get(session.account_id)
        if account is None and not method.startswith(OPEN_TO_STRANGERS):
            raise RpcFailure(401, "AUTH_KEY_UNREGISTERED")
        if account is not None:
            self._limit(account.id, method)
        if request not in self._registry:
            log.warning("nobody answers %s", method)
            self.unimplemented.append(method)
            raise RpcFailure(400, "LOOPBACK_METHOD_MISSING")
        return await self._registry.answer(Caller(session, account), request)

    def _limit(self, account_id: int, method: str) -> None:
        if not self.settings.natural_floods:
            return
        wait_s = self.floods.wait_s(account_id, method, self.server.now())
        if wait_s is not None:
            raise RpcFailure(420, f"FLOOD_WAIT_{wait_s}")
