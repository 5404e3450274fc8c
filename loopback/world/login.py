"""Signing in and out: phone code, two-step password, keys for other DCs. https://core.telegram.org/api/auth."""

from __future__ import annotations

import os
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final
from weakref import WeakKeyDictionary

from telethon.tl import functions as f
from telethon.tl import types as t

from loopback.mtproto.session import Authorisation
from loopback.mtproto.wire import RpcFailure, Tl
from loopback.world import passwords
from loopback.world.accounts import Account
from loopback.world.context import Context
from loopback.world.passwords import Challenge
from loopback.world.posting import Posting
from loopback.world.registry import Caller, answers

MAX_EXPORTS: Final = 100
CODE_MESSAGE: Final = "Login code: {code}. Do not give this code to anyone, even if they say they are from Telegram!"


@dataclass(slots=True)
class _Attempt:
    """A sign-in under way; ``account`` is known once the code was right and only the password is missing."""

    phone: str = ""
    code_hash: str = ""
    account: Account | None = None
    challenge: Challenge | None = None


class Login:
    """The way from a fresh key to a signed-in one. ``on_change`` is called whenever a key changes hands."""

    def __init__(self, context: Context, posting: Posting) -> None:
        self.on_change: Callable[[], None] = lambda: None
        self._context = context
        self._posting = posting
        self._attempts: WeakKeyDictionary[Authorisation, _Attempt] = WeakKeyDictionary()
        self._exports: OrderedDict[bytes, tuple[Account, int]] = OrderedDict()

    @answers(f.auth.SendCodeRequest)
    def send_code(self, caller: Caller, request: Tl) -> Tl:
        """``auth.sendCode``: the code goes to the account's other apps, in a message of the service's own."""
        account = self._context.accounts.by_phone(request.phone_number)
        attempt = self._attempts[caller.session.authorisation] = _Attempt(account.phone, os.urandom(9).hex())
        self._posting.notify(account, CODE_MESSAGE.format(code=account.login_code))
        return t.auth.SentCode(type=t.auth.SentCodeTypeApp(len(account.login_code)), phone_code_hash=attempt.code_hash)

    @answers(f.auth.SignInRequest)
    def sign_in(self, caller: Caller, request: Tl) -> Tl:
        """``auth.signIn``."""
        account = self._context.accounts.by_phone(request.phone_number)
        attempt = self._attempt(caller)
        if not attempt.code_hash or request.phone_code_hash != attempt.code_hash or attempt.phone != account.phone:
            raise RpcFailure(400, "PHONE_CODE_EXPIRED")
        if not request.phone_code:
            raise RpcFailure(400, "PHONE_CODE_EMPTY")
        if request.phone_code != account.login_code:
            raise RpcFailure(400, "PHONE_CODE_INVALID")
        return self.enter_or_ask(caller, account)

    def enter_or_ask(self, caller: Caller, account: Account) -> Tl:
        """Sign in.

        :raises RpcFailure: SESSION_PASSWORD_NEEDED, where there is a password: the client asks for it and checks it.
        """
        if account.password is not None:
            self._attempt(caller).account = account
            raise RpcFailure(401, "SESSION_PASSWORD_NEEDED")
        return self._enter(caller, account)

    @answers(f.account.GetPasswordRequest)
    async def password(self, caller: Caller, request: Tl) -> Tl:
        """``account.getPassword``."""
        attempt = self._attempt(caller)
        account = caller.signed_in or attempt.account
        if account is None:
            raise RpcFailure(401, "AUTH_KEY_UNREGISTERED")
        if account.password is None:
            return passwords.no_password()
        attempt.challenge = await passwords.challenge(account.password)
        return attempt.challenge.answer()

    @answers(f.auth.CheckPasswordRequest)
    def check_password(self, caller: Caller, request: Tl) -> Tl:
        """``auth.checkPassword``."""
        attempt = self._attempt(caller)
        if attempt.challenge is None or attempt.account is None:
            raise RpcFailure(400, "SRP_ID_INVALID")
        attempt.challenge.check(request.password)
        return self._enter(caller, attempt.account)

    @answers(f.auth.LogOutRequest)
    def log_out(self, caller: Caller, request: Tl) -> Tl:
        """``auth.logOut``."""
        caller.session.authorisation.account_id = None
        self.on_change()
        return t.auth.LoggedOut()

    @answers(f.auth.ExportAuthorizationRequest)
    def export(self, caller: Caller, request: Tl) -> Tl:
        """``auth.exportAuthorization``: for a second key, with which to fetch files of another DC."""
        token = os.urandom(16)
        self._exports[token] = caller.account, request.dc_id
        while len(self._exports) > MAX_EXPORTS:
            self._exports.popitem(last=False)
        return t.auth.ExportedAuthorization(caller.id, token)

    @answers(f.auth.ImportAuthorizationRequest)
    def import_(self, caller: Caller, request: Tl) -> Tl:
        """``auth.importAuthorization``."""
        account, dc = self._exports.pop(request.bytes, (None, 0))
        if account is None or account.id != request.id:
            raise RpcFailure(400, "AUTH_BYTES_INVALID")
        caller.session.authorisation.dc = dc
        return self._enter(caller, account)

    def _attempt(self, caller: Caller) -> _Attempt:
        return self._attempts.setdefault(caller.session.authorisation, _Attempt())

    def _enter(self, caller: Caller, account: Account) -> Tl:
        authorisation = caller.session.authorisation
        authorisation.account_id = account.id
        self._attempts.pop(authorisation, None)
        self.on_change()
        return t.auth.Authorization(user=self._context.render.user(account, account))
