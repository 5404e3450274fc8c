"""Every kind of call, put together: voice chats, private calls, calls by other doors, and what has them begin by themselves."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass

from calls import facade
from calls.admission import Admission
from calls.autojoin_driver import AutoJoin
from calls.chat_histories import ChatHistories
from calls.chat_manners import join_as_kept
from calls.desired_store import StoredDesires
from calls.framework import Framework
from calls.guest_calls import GuestCalls
from calls.lines.telegram_group import TelegramGroupLine
from calls.manager import CallManager
from calls.private_calls import PrivateCalls
from calls.telegram.client import TelegramAccount
from calls.telegram.voice_chats import VoiceChats
from calls.telephone import telephone
from calls.telephony.exchange import telephoning
from calls.telephony.phone_calls import PhoneCalls
from service.account import AccountAtWork
from service.foundation import Foundation, guest_calls


@dataclass(frozen=True, slots=True, kw_only=True)
class AllCalls:
    """``auto_join`` is to be entered when commands are obeyed."""

    manager: CallManager
    private: PrivateCalls
    guests: GuestCalls
    phone: PhoneCalls
    auto_join: AutoJoin
    histories: ChatHistories

    async def drain(self) -> None:
        """Begin none any more, take leave, and hang up."""
        await asyncio.gather(self.manager.drain(), self.private.drain(), self.phone.drain(), self.guests.drain())


@contextlib.asynccontextmanager
async def all_calls(base: Foundation, at_work: AccountAtWork) -> AsyncIterator[AllCalls]:
    """All of them, ended at the end."""
    settings, account, histories = base.settings, at_work.account, ChatHistories()
    admission, desires = Admission(settings.max_concurrent_calls), StoredDesires(base.database)
    async with contextlib.AsyncExitStack() as stack:
        manager = await stack.enter_async_context(_manager(base, at_work, admission, desires, histories))
        private = telephone(
            settings,
            account,
            at_work.phone,
            base.pacer,
            base.engines,
            base.manners_for,
            base.bus,
            room=lambda: admission.refusal(len(manager.active)),
            history_of=histories.of,
        )
        await stack.enter_async_context(private)
        guests = await stack.enter_async_context(guest_calls(base))
        phone = await stack.enter_async_context(telephoning(settings, guests, base.pacer, base.database, base.bus))
        calling = Framework(
            settings=settings,
            account=account,
            engine=at_work.call_engine,
            manager=manager,
            tts=base.engines.tts,
            manners_for=base.manners_for,
        )
        stack.callback(facade.use(calling))
        voice_chats = _voice_chats(account, manager)
        stack.callback(voice_chats.close)
        auto_join = AutoJoin(manager, voice_chats, base.database, desires, account.gates, admission, base.bus, time_zone=settings.time_zone)
        yield AllCalls(
            manager=manager,
            private=private,
            guests=guests,
            phone=phone,
            auto_join=auto_join,
            histories=histories,
        )


def _manager(
    base: Foundation,
    at_work: AccountAtWork,
    admission: Admission,
    desires: StoredDesires,
    histories: ChatHistories,
) -> CallManager:
    account, join_as = at_work.account, join_as_kept(base.database)

    def new_line(chat_id: int, title: str) -> TelegramGroupLine:
        return TelegramGroupLine(account, at_work.call_engine, base.pacer, chat_id, title, base.settings.join_timeout_s, join_as)

    return CallManager(
        new_line,
        base.engines,
        base.manners_for,
        base.bus,
        admission,
        desires,
        gates=account.gates,
        history_of=histories.of,
        until_reachable=account.connection.until_online,
    )


def _voice_chats(account: TelegramAccount, manager: CallManager) -> VoiceChats:
    voice_chats = VoiceChats(account)
    manager.known_voice_chat = voice_chats.voice_chat_id
    manager.look_first_with(voice_chats.look_up)
    voice_chats.subscribe(manager.look)
    account.connection.subscribe(voice_chats.forget_age)
    return voice_chats
