"""The Telegram account at work: its client, the call library, and who learns when it is refused something."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass

from telethon.errors import FrozenMethodInvalidError, PeerFloodError

from calls.errors import FLOODS, explain
from calls.events import AccountTrouble, EventBus
from calls.joins_before import remember_joins
from calls.telegram.client import TelegramAccount
from calls.telegram.engine import CallEngine
from calls.telegram.phone import Phone
from heartbeat import Heart
from service.foundation import Foundation


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountAtWork:
    """``phone`` hears of private calls, ``call_engine`` makes the sound connections of all calls."""

    account: TelegramAccount
    phone: Phone
    call_engine: CallEngine
    owner_chat: int
    """Where its owner is written to: in a chat with OWNER_ID, else in the account's own."""


@contextlib.asynccontextmanager
async def account_at_work(base: Foundation, heart: Heart) -> AsyncIterator[AccountAtWork]:
    """Connected, with the call library started; closed at the end.

    :raises errors.ParleyError: no session, no network, no call library.
    """
    async with contextlib.AsyncExitStack() as stack:
        account = await TelegramAccount.connect(base.settings)
        stack.push_async_callback(account.close)
        await remember_joins(account.gates, base.database)
        phone = Phone(account.client, account.connection.now_s)
        call_engine = CallEngine(account.client)
        await call_engine.start()
        stack.callback(call_engine.close)
        heart.watch("The call library", call_engine.answers)
        owner_chat = base.settings.owner_id or account.id
        yield AccountAtWork(account=account, phone=phone, call_engine=call_engine, owner_chat=owner_chat)


def note_refusal(account: TelegramAccount, bus: EventBus, error: Exception) -> None:
    """Telegram refuses to have something written: that may concern the whole account."""
    account.note_dead(error)
    account.gates.floods["messages"] += isinstance(error, FLOODS)
    if isinstance(error, FrozenMethodInvalidError | PeerFloodError):
        told = explain(error)
        bus.publish(AccountTrouble(chat_id=0, at_s=asyncio.get_running_loop().time(), text=str(told), key=told.key))
