"""What Parley reads and writes in chats, put together: commands, voice notes, notices, appointments."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from functools import partial

from calls.appointments import appointments
from calls.invite_links import InviteLinks, base_url_of
from calls.schedule_driver import Appointments
from calls.telegram.engine import framework
from calls.voice_messages import VoiceMessages
from handlers.appointment_messages import AppointmentMessages
from handlers.authority import Admins, Authorities
from handlers.catch_up import CatchUp
from handlers.chat_wishes import ChatWishes
from handlers.commands import Commands
from handlers.grants import StoredGrants
from handlers.languages import ReplyLanguages
from handlers.note_answering import NoteAnswering
from handlers.notices import Notices
from handlers.sender import ChatWriter, OwnMessages, Sender
from handlers.services import Services
from handlers.status import StatusMessages
from handlers.voice_notes import Ears, VoiceNotes
from service.account import AccountAtWork, note_refusal
from service.all_calls import AllCalls
from service.foundation import Foundation


@dataclass(frozen=True, slots=True, kw_only=True)
class Chats:
    """``notices`` is to be run; ``links`` and ``appointments`` serve other doors as well."""

    notices: Notices
    links: InviteLinks
    appointments: Appointments


@contextlib.asynccontextmanager
async def chats(base: Foundation, at_work: AccountAtWork, calls: AllCalls, restart: Callable[[], None]) -> AsyncIterator[Chats]:
    """Commands are obeyed and voice notes answered inside; ``restart`` is what ``/restart`` does."""
    settings, account = base.settings, at_work.account
    languages = ReplyLanguages(base.database, settings.language)
    async with contextlib.AsyncExitStack() as stack:
        own = OwnMessages()
        refused = partial(note_refusal, account, base.bus)
        sender = Sender(account.client, settings.command_prefixes, own, gates=account.gates, refused=refused)
        stack.push_async_callback(sender.close)
        writer = ChatWriter(account.input_peer, sender, at_work.owner_chat)
        links = InviteLinks(base.database, base_url_of(settings))
        diary = _diary(base, at_work, calls, links, AppointmentMessages(writer.send, languages, at_work.owner_chat))
        grants, admins = StoredGrants(base.database), Admins(account.client)
        notes = await stack.enter_async_context(_voice_notes(base, at_work, calls, sender, Authorities(admins, grants, _owners(at_work))))
        services = Services(
            client=account.client,
            settings=settings,
            database=base.database,
            manager=calls.manager,
            grants=grants,
            admins=admins,
            connected=lambda: account.connected,
            framework=framework(),
            restart=restart,
            voice_name=base.engines.tts.name,
            hearing_name=base.engines.stt.name,
            histories=calls.histories,
            auto_join=calls.auto_join,
            transcriber=notes,
            phone=calls.private,
            links=links,
            telephone=calls.phone,
            appointments=diary,
        )
        status = StatusMessages(writer)
        stack.push_async_callback(status.close)
        notices = Notices(writer.send, languages, status.show, at_work.owner_chat)
        stack.callback(base.bus.subscribe(notices))
        now = account.connection.now_s
        commands = Commands(services, sender, own, owner_id=account.id, own_username=account.username, now=now)
        await stack.enter_async_context(commands)
        await stack.enter_async_context(CatchUp(account.client, commands.dispatcher, account.connection, base.database))
        await stack.enter_async_context(calls.auto_join)
        await stack.enter_async_context(diary)
        yield Chats(notices=notices, links=links, appointments=diary)


def _owners(at_work: AccountAtWork) -> set[int]:
    return {at_work.account.id, at_work.owner_chat}


def _voice_notes(base: Foundation, at_work: AccountAtWork, calls: AllCalls, sender: Sender, authorities: Authorities) -> VoiceNotes:
    ears = Ears(
        wishes=ChatWishes(base.database, base.manners_for),
        authorities=authorities,
        language_of=ReplyLanguages(base.database, base.settings.language),
        own_id=at_work.account.id,
    )
    spoken = VoiceMessages(base.engines, calls.histories)
    return VoiceNotes(at_work.account.client, NoteAnswering(at_work.account.client, spoken, calls.manager, sender, base.bus.publish), ears)


def _diary(base: Foundation, at_work: AccountAtWork, calls: AllCalls, links: InviteLinks, messages: AppointmentMessages) -> Appointments:
    return appointments(
        base.settings,
        base.database,
        messages,
        group_calls=calls.manager,
        private_calls=calls.private,
        links=links,
        telephone=calls.phone,
        owner_chat=at_work.owner_chat,
    )
