"""Signing in with a QR code: the token it shows, accepted on another device. https://core.telegram.org/api/qr-login."""

from __future__ import annotations

import base64
import os
from collections import OrderedDict
from dataclasses import dataclass
from typing import Final

from telethon.tl import functions as f
from telethon.tl import types as t

from loopback.mtproto.server import MTProtoServer
from loopback.mtproto.session import Authorisation
from loopback.mtproto.wire import RpcFailure, Tl
from loopback.world.accounts import Account
from loopback.world.context import Context
from loopback.world.login import Login
from loopback.world.registry import Caller, answers

TOKEN_BYTES: Final = 32
MAX_TOKENS: Final = 100
URL: Final = "tg://login?token="


@dataclass(slots=True, eq=False)
class _Token:
    """``accepted_by`` is the account whose other device has scanned it."""

    value: bytes
    authorisation: Authorisation
    expires_at: float
    accepted_by: Account | None = None


class LoginTokens:
    """All tokens that were shown and neither used nor forgotten, the newest last, bounded."""

    def __init__(self, context: Context, server: MTProtoServer, login: Login) -> None:
        self._context = context
        self._server = server
        self._login = login
        self._tokens: OrderedDict[bytes, _Token] = OrderedDict()

    @property
    def shown(self) -> list[str]:
        """The addresses in the QR codes that can be scanned now, newest last."""
        now = self._context.now()
        return [url_of(token.value) for token in self._tokens.values() if token.expires_at > now and token.accepted_by is None]

    @answers(f.auth.ExportLoginTokenRequest)
    def export(self, caller: Caller, request: Tl) -> Tl:
        """``auth.exportLoginToken``: a token to show; once that is accepted, the login itself or the DC to go to for it."""
        authorisation = caller.session.authorisation
        mine = [token for token in self._tokens.values() if token.authorisation is authorisation]
        accepted = next((token for token in mine if token.accepted_by is not None), None)
        if accepted is None:
            return self._fresh(authorisation)
        if (dc := self._context.settings.login_dc) is not None:
            return t.auth.LoginTokenMigrateTo(dc, accepted.value)
        return self._success(caller, accepted)

    @answers(f.auth.ImportLoginTokenRequest)
    def import_(self, caller: Caller, request: Tl) -> Tl:
        """``auth.importLoginToken``: goes on at another DC."""
        token = self._known(request.token)
        if token.accepted_by is None:
            raise RpcFailure(400, "AUTH_TOKEN_INVALID")
        return self._success(caller, token)

    @answers(f.auth.AcceptLoginTokenRequest)
    def accept_request(self, caller: Caller, request: Tl) -> Tl:
        """``auth.acceptLoginToken``, of a device that is signed in."""
        if caller.signed_in is None:
            raise RpcFailure(401, "AUTH_KEY_UNREGISTERED")
        return self.accept(caller.signed_in, request.token)

    def accept(self, account: Account, value: bytes) -> Tl:
        """Another device of ``account`` has scanned the code.

        :raises RpcFailure: AUTH_TOKEN_INVALIDX, AUTH_TOKEN_EXPIRED, AUTH_TOKEN_ALREADY_ACCEPTED.
        """
        token = self._known(value)
        if token.expires_at <= self._context.now():
            raise RpcFailure(400, "AUTH_TOKEN_EXPIRED")
        if token.accepted_by is not None:
            raise RpcFailure(400, "AUTH_TOKEN_ALREADY_ACCEPTED")
        token.accepted_by = account
        for session in self._server.sessions_of(token.authorisation):
            session.push(t.UpdateShort(t.UpdateLoginToken(), int(self._context.now())))
        return _device(int(self._context.now()))

    def _fresh(self, authorisation: Authorisation) -> Tl:
        expires_at = self._context.now() + self._context.settings.login_token_s
        token = _Token(os.urandom(TOKEN_BYTES), authorisation, expires_at)
        self._tokens[token.value] = token
        while len(self._tokens) > MAX_TOKENS:
            self._tokens.popitem(last=False)
        return t.auth.LoginToken(int(expires_at), token.value)

    def _known(self, value: bytes) -> _Token:
        if value not in self._tokens:
            raise RpcFailure(400, "AUTH_TOKEN_INVALIDX")
        return self._tokens[value]

    def _success(self, caller: Caller, token: _Token) -> Tl:
        assert token.accepted_by is not None
        del self._tokens[token.value]
        return t.auth.LoginTokenSuccess(self._login.enter_or_ask(caller, token.accepted_by))


def url_of(token: bytes) -> str:
    """What the QR code of a token says."""
    return URL + base64.urlsafe_b64encode(token).decode().rstrip("=")


def token_in(url: str) -> bytes:
    """The token in what a QR code says."""
    text = url.removeprefix(URL)
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _device(now: int) -> Tl:
    return t.Authorization(
        hash=1,
        device_model="Parley",
        platform="",
        system_version="",
        api_id=1,
        app_name="Parley",
        app_version="",
        date_created=now,
        date_active=now,
        ip="127.0.0.1",
        country="",
        region="",
    )
