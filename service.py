"""Parley at work: the account, the engines, the calls and the commands put together, until it is told to stop."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import signal
from collections.abc import AsyncIterator
from functools import partial

from telethon.errors import FrozenMethodInvalidError, PeerFloodError

from audio.stt.choose import choose_speech_to_text
from audio.tts.choose import choose_text_to_speech
from audio.turn_model import TurnModel
from brain.choose import HISTORY_TOKENS, choose_brain, chosen_kind
from brain.clauses import ClauseSplitter
from calls import facade
from calls.admission import Admission
from calls.appointments import appointments
from calls.autojoin_driver import AutoJoin
from calls.browser_calls import BrowserCalls
from calls.call import GOOD_BYE
from calls.chat_histories import ChatHistories
from calls.chat_manners import join_as_kept, manners_kept
from calls.desired_store import StoredDesires
from calls.drafting import Engines
from calls.errors import FLOODS, explain
from calls.events import AccountTrouble, EventBus, EventLog
from calls.excuses import excuses_in
from calls.framework import Framework
from calls.guest_calls import Door, GuestCalls
from calls.ice import ice_servers
from calls.invite_links import InviteLinks, base_url_of
from calls.joins_before import remember_joins
from calls.lines.pacer import Pacer
from calls.lines.telegram_group import TelegramGroupLine
from calls.manager import CallManager, MannersFor
from calls.occasions import Occasions
from calls.recorder import Recorder
from calls.telegram.client import TelegramAccount, create_client
from calls.telegram.engine import CallEngine, framework
from calls.telegram.phone import Phone
from calls.telegram.titles import title_of
from calls.telegram.voice_chats import VoiceChats
from calls.telephone import telephone
from calls.telephony.exchange import telephoning
from calls.voice_messages import VoiceMessages
from config import Settings
from control.controlled import controlled
from control.http.server import served_http
from control.http.services import HttpServices
from control.services import ControlServices
from errors import EXIT_RESTART, ModelMissing
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
from heartbeat import Heart
from metrics.live import Live
from metrics.measured import measured
from models import path_of
from models.needs import TURN_MODEL
from storage.database import FILE_NAME, Database
from storage.retention import Retention, keep_purging

log = logging.getLogger(__name__)


async def serve(settings: Settings, heart: Heart | None = None) -> int:
    """Work until SIGINT, SIGTERM or ``/restart``; every call is left before this returns the exit code.

    The code is 0, or after ``/restart`` :data:`errors.EXIT_RESTART`: whoever supervises the program starts it again, and listens to
    ``heart`` meanwhile.

    :raises errors.ParleyError: it cannot work: settings, session, models, network, disk. In a group with others if several things fail.
    """
    heart = heart if heart is not None else Heart()
    create_client(settings).session.close()
    stop = _stop_signal()
    restart = asyncio.Event()
    async with contextlib.AsyncExitStack() as stack:
        await stack.enter_async_context(heart.beating())
        engines = await stack.enter_async_context(_loaded(settings))
        database = await Database.open(settings.data_dir / FILE_NAME)
        stack.push_async_callback(database.close)
        bus = await stack.enter_async_context(_event_bus(settings, database))
        account = await TelegramAccount.connect(settings)
        stack.push_async_callback(account.close)
        await remember_joins(account.gates, database)
        phone = Phone(account.client, account.connection.now_s)
        call_engine = CallEngine(account.client)
        await call_engine.start()
        stack.callback(call_engine.close)
        heart.watch("The call library", call_engine.answers)
        pacer = Pacer()

        def new_line(chat_id: int, title: str) -> TelegramGroupLine:
            return TelegramGroupLine(account, call_engine, pacer, chat_id, title, settings.join_timeout_s, join_as_kept(database))

        manners_for, histories = _manners(settings, database), ChatHistories()
        occasions = Occasions(manners_for, bus)
        stack.callback(occasions.close)
        admission, desires = Admission(settings.max_concurrent_calls), StoredDesires(database)
        manager = await stack.enter_async_context(
            CallManager(
                new_line,
                engines,
                occasions.manners_for,
                bus,
                admission,
                desires,
                gates=account.gates,
                history_of=histories.of,
                until_reachable=account.connection.until_online,
            )
        )
        private_calls = await stack.enter_async_context(
            telephone(
                settings,
                account,
                phone,
                pacer,
                engines,
                manners_for,
                bus,
                room=lambda: admission.refusal(len(manager.active)),
                history_of=histories.of,
            )
        )
        guests = await stack.enter_async_context(
            GuestCalls(
                engines,
                manners_for,
                bus,
                longest_s=settings.max_private_call_minutes * 60.0,
                room=lambda: Admission(settings.max_guest_calls).refusal(len(guests.calls)),
            )
        )
        phone_calls = await stack.enter_async_context(telephoning(settings, guests, pacer, database, bus))
        calling = Framework(
            settings=settings, account=account, engine=call_engine, manager=manager, tts=engines.tts, manners_for=manners_for
        )
        stack.callback(facade.use(calling))
        voice_chats = _voice_chats(account, manager)
        stack.callback(voice_chats.close)
        auto_join = AutoJoin(manager, voice_chats, database, desires, account.gates, admission, bus, time_zone=settings.time_zone)
        links = InviteLinks(database, base_url_of(settings))
        own = OwnMessages()
        sender = Sender(account.client, settings.command_prefixes, own, gates=account.gates, refused=partial(_note_refusal, account, bus))
        stack.push_async_callback(sender.close)
        owner_chat = settings.owner_id or account.id
        writer = ChatWriter(account.input_peer, sender, owner_chat)
        diary = appointments(
            settings,
            database,
            AppointmentMessages(writer.send, ReplyLanguages(database, settings.language), owner_chat),
            group_calls=manager,
            occasions=occasions,
            private_calls=private_calls,
            links=links,
            telephone=phone_calls,
            owner_chat=owner_chat,
        )
        grants, admins = StoredGrants(database), Admins(account.client)
        owners = {account.id, *((settings.owner_id,) if settings.owner_id else ())}
        ears = Ears(
            wishes=ChatWishes(database, _manners(settings, database)),
            authorities=Authorities(admins, grants, owners),
            language_of=ReplyLanguages(database, settings.language),
            own_id=account.id,
        )
        answering = NoteAnswering(account.client, VoiceMessages(engines, histories), manager, sender, bus.publish)
        voice_notes = await stack.enter_async_context(VoiceNotes(account.client, answering, ears))
        services = Services(
            client=account.client,
            settings=settings,
            database=database,
            manager=manager,
            grants=grants,
            admins=admins,
            connected=lambda: account.connected,
            framework=framework(),
            restart=partial(_set_both, restart, stop),
            voice_name=engines.tts.name,
            hearing_name=engines.stt.name,
            histories=histories,
            auto_join=auto_join,
            transcriber=voice_notes,
            phone=private_calls,
            links=links,
            telephone=phone_calls,
            appointments=diary,
        )
        status = StatusMessages(writer)
        stack.push_async_callback(status.close)
        notices = Notices(writer.send, ReplyLanguages(database, settings.language), status.show, owner_chat)
        stack.callback(bus.subscribe(notices))
        now = account.connection.now_s
        commands = Commands(services, sender, own, owner_id=account.id, own_username=account.username, now=now)
        await stack.enter_async_context(commands)
        await stack.enter_async_context(CatchUp(account.client, commands.dispatcher, account.connection, database))
        await stack.enter_async_context(auto_join)
        await stack.enter_async_context(diary)
        control = ControlServices(
            calls=manager,
            private_calls=private_calls,
            links=links,
            phone_calls=phone_calls,
            appointments=diary,
            owner_chat=owner_chat,
            time_zone=settings.time_zone,
            database=database,
            account_id=account.id,
            title_of=partial(title_of, account),
            connected=lambda: account.connected,
            framework=framework(),
            hearing_name=engines.stt.name,
            voice_name=engines.tts.name,
            draining=stop.is_set,
        )
        private_calls.attended = await stack.enter_async_context(controlled(settings, control, bus))
        live = Live(
            group_calls=lambda: len(manager.active),
            private_calls=lambda: len(private_calls.calls),
            guest_calls={door.value: partial(guests.count, door) for door in Door},
            speculation=engines.speculation,
            floods=account.gates.floods,
        )
        browser_calls = await stack.enter_async_context(BrowserCalls(guests, pacer, bus, ice_servers(settings)))
        doors = HttpServices(
            settings=settings,
            guests=guests,
            engines=engines,
            pacer=pacer,
            bus=bus,
            database=database,
            control=control,
            browser_calls=browser_calls,
            registry=await stack.enter_async_context(measured(settings, bus, live)),
        )
        await stack.enter_async_context(served_http(settings, doors))
        _keep_for_good()
        heart.ready()
        log.info("Parley is ready: send /joincall in a group with a voice chat.")
        await _until_stopped(stop, account, notices)
        log.info("Parley stops and leaves %d calls.", len(manager.active))
        await asyncio.gather(manager.drain(), private_calls.drain(), phone_calls.drain(), guests.drain())
    return EXIT_RESTART if restart.is_set() else 0


def _keep_for_good() -> None:
    """What has been loaded stays until the end: looking through it for garbage would stop all calls for 50 ms, every now and then."""
    gc.collect()
    gc.freeze()


def _voice_chats(account: TelegramAccount, manager: CallManager) -> VoiceChats:
    voice_chats = VoiceChats(account)
    manager.known_voice_chat = voice_chats.voice_chat_id
    manager.look_first_with(voice_chats.look_up)
    voice_chats.subscribe(manager.look)
    account.connection.subscribe(voice_chats.forget_age)
    return voice_chats


def _note_refusal(account: TelegramAccount, bus: EventBus, error: Exception) -> None:
    """Telegram refuses to have something written: that may concern the whole account."""
    account.note_dead(error)
    account.gates.floods["messages"] += isinstance(error, FLOODS)
    if isinstance(error, FrozenMethodInvalidError | PeerFloodError):
        told = explain(error)
        bus.publish(AccountTrouble(chat_id=0, at_s=asyncio.get_running_loop().time(), text=str(told), key=told.key))


def _manners(settings: Settings, database: Database) -> MannersFor:
    kind = chosen_kind(settings)
    return manners_kept(database, settings, small_model=kind == "embedded", history_tokens=HISTORY_TOKENS[kind])


async def _until_stopped(stop: asyncio.Event, account: TelegramAccount, notices: Notices) -> None:
    async with asyncio.TaskGroup() as group:
        telling = group.create_task(notices.run())
        losing = group.create_task(account.until_lost())
        await stop.wait()
        telling.cancel()
        losing.cancel()


def _set_both(one: asyncio.Event, other: asyncio.Event) -> None:
    one.set()
    other.set()


def _stop_signal() -> asyncio.Event:
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    return stop


def _fixed_clauses(settings: Settings) -> list[str]:
    clauses: list[str] = []
    for sentence in (settings.welcome, settings.idle_prompt, *excuses_in(settings.language), GOOD_BYE):
        splitter = ClauseSplitter(settings.language)
        clauses += [*splitter.feed(sentence), *splitter.flush()]
    return clauses


def _turn_model(settings: Settings) -> TurnModel | None:
    if settings.turn_model == "none":
        return None
    try:
        return TurnModel(path_of(TURN_MODEL, settings.models_dir))
    except ModelMissing as missing:
        log.warning("%s Until then turns end by words and silence alone.", missing)
        return None


@contextlib.asynccontextmanager
async def _loaded(settings: Settings) -> AsyncIterator[Engines]:
    judge = _turn_model(settings)
    tts = choose_text_to_speech(settings, fixed=_fixed_clauses(settings))
    engines = Engines(choose_speech_to_text(settings), choose_brain(settings), tts, judge)
    parts = (engines.stt, engines.brain, engines.tts, *((judge,) if judge else ()))
    try:
        async with asyncio.TaskGroup() as group:
            for part in parts:
                group.create_task(part.load())
        log.info("Hearing with %s, thinking with %s, speaking with %s.", engines.stt.name, engines.brain.name, engines.tts.name)
        yield engines
    finally:
        for part in parts:
            await part.close()


@contextlib.asynccontextmanager
async def _event_bus(settings: Settings, database: Database) -> AsyncIterator[EventBus]:
    """A bus whose events are kept in the database, and in the event log where one is asked for."""
    bus = EventBus()
    recorder = Recorder(database, publish=bus.publish, keep_words=settings.transcript_days > 0)
    bus.subscribe(recorder)
    event_log = EventLog(settings.event_log) if settings.event_log else None
    if event_log:
        bus.subscribe(event_log)
    retention = Retention(settings.transcript_days, settings.audit_days)
    tasks = [asyncio.create_task(recorder.run()), asyncio.create_task(keep_purging(database, retention))]
    try:
        yield bus
    finally:
        await recorder.drained()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if event_log:
            event_log.close()
