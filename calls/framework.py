"""Account, call library, engines and manager in one place, for programs that have no use for the rest of Parley."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack, aclosing
from dataclasses import dataclass

from audio.pcm import PLAYOUT_RATE_HZ
from audio.stt.choose import choose_speech_to_text
from audio.tts import TextToSpeech
from audio.tts.choose import choose_text_to_speech
from audio.voice_note import VoiceNote, voice_note
from brain.choose import HISTORY_TOKENS, choose_brain, chosen_kind
from brain.clauses import ClauseSplitter
from calls.admission import Admission
from calls.drafting import Engines
from calls.events import EventBus
from calls.lines.pacer import Pacer
from calls.lines.telegram_group import TelegramGroupLine
from calls.manager import CallManager, MannersFor
from calls.manners import Manners, manners_from
from calls.telegram.client import TelegramAccount
from calls.telegram.engine import CallEngine
from config import Settings
from errors import EngineError, ParleyError

log = logging.getLogger(__name__)

ChooseEngines = Callable[[Settings], Engines]


async def nothing_to_load() -> None:
    """Everything is loaded."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Framework:
    """What calls are made with. ``engine`` is ``None`` where the call library cannot work, ``close`` where somebody else closes it all.

    ``load`` makes the engines ready; it may be called again and again.
    """

    settings: Settings
    account: TelegramAccount
    engine: CallEngine | None
    manager: CallManager
    tts: TextToSpeech
    manners_for: MannersFor
    load: Callable[[], Awaitable[None]] = nothing_to_load
    close: Callable[[], Awaitable[None]] | None = None

    async def voice_note(self, chat_id: int, text: str) -> VoiceNote:
        """``text`` spoken in the voice of a chat.

        :raises errors.EngineError: it could not be.
        """
        voice = (await self.manners_for(chat_id)).voice
        splitter, sound = ClauseSplitter(voice.language), bytearray()
        for clause in [*splitter.feed(text), *splitter.flush()]:
            async with aclosing(self.tts.synthesize(clause, voice)) as pieces:
                async for pcm in pieces:
                    sound += pcm
        if not sound:
            raise EngineError("There is nothing to say.")
        return await asyncio.to_thread(voice_note, bytes(sound), PLAYOUT_RATE_HZ)


def chosen_engines(settings: Settings) -> Engines:
    """The engines that the settings ask for, not loaded yet."""
    stt = choose_speech_to_text(settings, beside_brain=chosen_kind(settings) == "embedded")
    return Engines(stt, choose_brain(settings), choose_text_to_speech(settings))


async def opened(settings: Settings, choose_engines: ChooseEngines = chosen_engines) -> Framework:
    """Connect and make ready to join; models are loaded with the first join.

    :raises errors.ParleyError: no account, no network, no model.
    """
    async with AsyncExitStack() as stack:
        account = await TelegramAccount.connect(settings)
        stack.push_async_callback(account.close)
        engine = await _call_engine(account, stack)
        engines = choose_engines(settings)
        stack.push_async_callback(_close, engines)
        pacer = Pacer()

        def new_line(chat_id: int, title: str) -> TelegramGroupLine:
            assert engine is not None
            return TelegramGroupLine(account, engine, pacer, chat_id, title, settings.join_timeout_s)

        manners_for = _manners(settings)
        admission = Admission(settings.max_concurrent_calls)
        manager = await stack.enter_async_context(
            CallManager(
                new_line,
                engines,
                manners_for,
                EventBus(),
                admission,
                gates=account.gates,
                until_reachable=account.connection.until_online,
            )
        )
        return Framework(
            settings=settings,
            account=account,
            engine=engine,
            manager=manager,
            tts=engines.tts,
            manners_for=manners_for,
            load=_once(engines),
            close=stack.pop_all().aclose,
        )


async def _call_engine(account: TelegramAccount, stack: AsyncExitStack) -> CallEngine | None:
    try:
        engine = CallEngine(account.client)
        await engine.start()
    except ParleyError as error:
        log.error("❌ %s", error)
        return None
    stack.callback(engine.close)
    return engine


def _manners(settings: Settings) -> MannersFor:
    kind = chosen_kind(settings)
    manners = manners_from(settings, small_model=kind == "embedded", history_tokens=HISTORY_TOKENS[kind])

    async def manners_for(_chat_id: int) -> Manners:
        return manners

    return manners_for


def _once(engines: Engines) -> Callable[[], Awaitable[None]]:
    loaded = False
    turn = asyncio.Lock()

    async def load() -> None:
        nonlocal loaded
        async with turn:
            if not loaded:
                async with asyncio.TaskGroup() as group:
                    for part in (engines.stt, engines.brain, engines.tts):
                        group.create_task(part.load())
                loaded = True

    return load


async def _close(engines: Engines) -> None:
    for part in (engines.stt, engines.brain, engines.tts):
        await part.close()
