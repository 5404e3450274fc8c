"""Voice messages sent by real clients on the loopback Telegram, answered with scripted engines."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

import pytest
from telethon import TelegramClient
from telethon.sessions import StringSession
from telethon.tl import types

from audio.pcm import PLAYOUT_RATE_HZ
from audio.stt import Transcript
from audio.tts import Voice
from audio.voice_note import encode
from brain import Message
from brain.tools import Tool, ToolCall
from calls.chat_histories import ChatHistories
from calls.drafting import Engines
from calls.events import CallEvent, VoiceMessageAnswered
from calls.manners import Manners
from calls.state import CallState, PublicState
from calls.turns.addressing import AddressingRules, Mode
from calls.voice_messages import VoiceMessages
from errors import EngineError
from handlers.authority import Admins, Authorities, NoGrants
from handlers.chat_wishes import Wishes
from handlers.note_answering import NoteAnswering
from handlers.sender import OwnMessages, Sender
from handlers.voice_notes import MOST_WAITING, Ears, VoiceNotes
from loopback.settings import LoopbackSettings
from loopback.telegram import LoopbackTelegram
from loopback.world.accounts import Account
from loopback.world.chats import Chat
from tests.audio.ogg_bombs import ogg_of_silence
from tests.calls.waiting import WITHIN_S, until
from tests.speech import clip_named

SPEECH, _ = clip_named("lv_0880")
OGG = encode(SPEECH, 16_000)
ANSWER = "The library opens at nine."
SILENT_FOR_S = 0.5


@dataclass
class Hears:
    failure: EngineError | None = None
    text: str = "When does the library open?"
    name: str = "scripted hearing"

    async def load(self) -> None: ...

    async def transcribe(self, pcm: bytes, language: str | None = None) -> Transcript:
        if self.failure:
            raise self.failure
        return Transcript(self.text)

    async def close(self) -> None: ...


@dataclass
class Thinks:
    failure: EngineError | None = None
    asked: list[list[Message]] = field(default_factory=list)
    read_ahead: list[list[Message]] = field(default_factory=list)
    pause: asyncio.Event = field(default_factory=asyncio.Event)
    name: str = "scripted brain"

    def __post_init__(self) -> None:
        self.pause.set()

    async def load(self) -> None: ...

    async def prefill(self, messages: Sequence[Message]) -> None:
        self.read_ahead.append(list(messages))

    async def reply(self, messages: Sequence[Message], tools: Sequence[Tool] = ()) -> AsyncGenerator[str | ToolCall, None]:
        self.asked.append(list(messages))
        await self.pause.wait()
        if self.failure:
            raise self.failure
        yield ANSWER

    async def close(self) -> None: ...


@dataclass
class Speaks:
    failure: EngineError | None = None
    name: str = "scripted voice"

    async def load(self) -> None: ...

    async def synthesize(self, text: str, voice: Voice) -> AsyncGenerator[bytes, None]:
        if self.failure:
            raise self.failure
        yield b"\x00\x20" * PLAYOUT_RATE_HZ

    async def close(self) -> None: ...


@dataclass
class Calls:
    joined: bool = False
    spoken: list[str] = field(default_factory=list)

    def state(self, chat_id: int) -> CallState:
        return CallState(state=PublicState.JOINED if self.joined else PublicState.IDLE)

    async def speak(self, chat_id: int, text: str) -> bool:
        self.spoken.append(text)
        return self.joined


@dataclass
class Wanted:
    wishes: Wishes = field(default_factory=lambda: Wishes(Manners(addressing=AddressingRules(mode=Mode.ADDRESSED))))
    out: set[int] = field(default_factory=set)

    async def of(self, chat_id: int) -> Wishes:
        return self.wishes

    async def may_hear(self, chat_id: int, user_id: int) -> bool:
        return user_id not in self.out


@dataclass
class Club:
    telegram: LoopbackTelegram
    group: Chat
    ann: Account
    parley: Account
    client: TelegramClient
    hears: Hears
    thinks: Thinks
    speaks: Speaks
    calls: Calls
    wanted: Wanted
    histories: ChatHistories
    notes: VoiceNotes
    asker: TelegramClient
    published: list[CallEvent]

    async def send(self, data: bytes, caption: str = "Parley", duration_s: int = 3, where: Any = None, reply_to: int | None = None) -> int:
        attributes = [types.DocumentAttributeAudio(duration_s, voice=True)]
        sent = await self.asker.send_file(
            where or self.group.dialog_id,
            data,
            voice_note=True,
            attributes=attributes,
            caption=caption,
            mime_type="audio/ogg",
            reply_to=reply_to,
        )
        return int(sent.id)

    async def replies(self, count: int = 1, within_s: float = WITHIN_S, where: Any = None) -> list[Any]:
        """What Parley has sent, oldest first, as soon as it is so much."""
        deadline = time.monotonic() + within_s
        while True:
            messages = [m async for m in self.asker.iter_messages(where or self.group.dialog_id) if m.sender_id == self.parley.id]
            if len(messages) >= count or time.monotonic() > deadline:
                return messages[::-1]
            await asyncio.sleep(0.02)

    async def answered(self, count: int = 1) -> None:
        """Wait until so many voice messages are done with: an answer can be read before Parley knows that it was sent."""
        await until(lambda: len(self.published) >= count)


@pytest.fixture
async def club() -> AsyncIterator[Club]:
    TelegramClient._config = None
    async with LoopbackTelegram(settings=LoopbackSettings(natural_floods=False)) as telegram, AsyncExitStack() as stack:
        ann, parley = telegram.add_account("Ann"), telegram.add_account("Parley", username="parley")
        group = telegram.add_group("Book club", ann, (), [parley])

        async def client_of(account: Account) -> TelegramClient:
            client = TelegramClient(StringSession(telegram.session_for(account)), 1, "h" * 32, flood_sleep_threshold=5)
            stack.push_async_callback(client.disconnect)
            await client.connect()
            await client.get_dialogs()
            return client

        client, asker = await client_of(parley), await client_of(ann)
        own, hears, thinks, speaks, calls, wanted = OwnMessages(), Hears(), Thinks(), Speaks(), Calls(), Wanted()
        sender, histories = Sender(client, "/.!", own), ChatHistories()

        async def language_of(chat_id: int) -> str:
            return "en"

        ears = Ears(
            wishes=wanted, authorities=Authorities(Admins(client), NoGrants(), {parley.id}), language_of=language_of, own_id=parley.id
        )
        published: list[CallEvent] = []
        answering = NoteAnswering(client, VoiceMessages(Engines(hears, thinks, speaks), histories), calls, sender, published.append)
        notes = await stack.enter_async_context(VoiceNotes(client, answering, ears))
        yield Club(telegram, group, ann, parley, client, hears, thinks, speaks, calls, wanted, histories, notes, asker, published)
    assert telegram.problems() == []


async def test_a_voice_message_that_names_the_bot_is_answered_by_a_voice_note(club: Club) -> None:
    message_id = await club.send(OGG)

    (reply,) = await club.replies()
    await club.answered()

    voice = next(a for a in reply.document.attributes if isinstance(a, types.DocumentAttributeAudio))
    assert reply.reply_to_msg_id == message_id
    assert (voice.voice, voice.duration, len(voice.waveform), reply.document.mime_type) == (True, 1, 63, "audio/ogg")
    assert (await reply.download_media(bytes))[:4] == b"OggS"
    assert club.thinks.asked[0][-1].text == "When does the library open?"
    assert [m.text for m in club.histories.of(club.group.dialog_id).messages()] == ["When does the library open?", ANSWER]


async def test_what_took_how_long_is_told_to_whoever_listens(club: Club) -> None:
    message_id = await club.send(OGG)
    await club.answered()

    (answered,) = club.published
    assert isinstance(answered, VoiceMessageAnswered)
    assert (answered.message_id, answered.spoken) == (message_id, True)
    assert (answered.speaker, answered.said, answered.answer) == ("Ann", "When does the library open?", ANSWER)
    assert list(answered.spans_ms) == ["wait", "download", "decode", "transcribe", "think", "speak", "encode", "upload"]


async def test_the_brain_reads_ahead_what_it_will_be_told_anyway(club: Club) -> None:
    await club.send(OGG)
    await club.replies()

    (read,), (asked,) = club.thinks.read_ahead, club.thinks.asked
    assert asked[:-1] == read


async def test_a_message_without_a_sound_is_not_transcribed(club: Club) -> None:
    await club.send(encode(bytes(32_000), 16_000))

    assert [m.message for m in await club.replies()] == ["I could not make out any words in that."]


async def test_chat_actions_are_shown_meanwhile(club: Club) -> None:
    await club.send(OGG)
    await club.replies()

    shown = [action for action, _ in groupby(club.telegram.actions(club.parley))]
    assert shown == ["SendMessageTypingAction", "SendMessageRecordAudioAction"]


async def test_a_voice_message_to_others_is_not_even_fetched(club: Club) -> None:
    await club.send(OGG, caption="for you all")

    assert await club.replies(within_s=SILENT_FOR_S) == []
    assert club.telegram.seen("upload.GetFile", club.parley) == []


async def test_a_reply_to_the_bot_is_meant_for_it(club: Club) -> None:
    await club.send(OGG)
    (first,) = await club.replies()
    await club.answered()

    await club.send(OGG, caption="", reply_to=first.id)

    assert len(await club.replies(count=2)) == 2
    assert [m.text for m in club.thinks.asked[1]][-3:-1] == ["When does the library open?", ANSWER]


async def test_strangers_in_private_get_no_answer(club: Club) -> None:
    await club.send(OGG, where="parley")

    assert await club.replies(within_s=SILENT_FOR_S, where="parley") == []


async def test_in_a_call_the_answer_is_said_there(club: Club) -> None:
    club.calls.joined = True

    await club.send(OGG)
    await club.answered()

    assert await club.replies(within_s=SILENT_FOR_S) == []
    assert club.calls.spoken == [ANSWER]
    assert [m.text for m in club.histories.of(club.group.dialog_id).messages()] == ["When does the library open?"]


async def test_when_nothing_can_speak_the_answer_is_written(club: Club) -> None:
    club.speaks.failure = EngineError("The voice is gone.")

    await club.send(OGG)

    assert [m.message for m in await club.replies()] == [ANSWER]


async def test_where_voice_notes_are_forbidden_the_answer_is_written(club: Club) -> None:
    club.telegram.faults.fail("messages.SendMedia", 403, "CHAT_SEND_VOICES_FORBIDDEN", account_id=club.parley.id)

    await club.send(OGG)

    assert [m.message for m in await club.replies()] == [ANSWER]


async def test_engines_that_fail_are_told(club: Club) -> None:
    club.hears.failure = EngineError("No ears.")
    await club.send(OGG)
    assert [m.message for m in await club.replies()] == ["I cannot listen just now: No ears. Please send it again later."]

    club.hears.failure, club.thinks.failure = None, EngineError("No brain.")
    await club.send(OGG)
    assert (await club.replies(count=2))[1].message == "I cannot think just now: No brain. Please ask me again."


async def test_silence_is_not_understood(club: Club) -> None:
    club.hears.text = ""

    await club.send(OGG)

    assert [m.message for m in await club.replies()] == ["I could not make out any words in that."]


@pytest.mark.parametrize(
    ("data", "duration_s", "told"),
    [
        (OGG, 7200, "This is longer than 20 minutes, which is as much as I listen to at once."),
        (ogg_of_silence(2), 5, "This file holds more sound than it says it does, so I did not listen to it."),
        (b"Dear Parley,\n" * 50, 5, "This is no sound file that I can play: send a voice note, or OGG, MP3, M4A or WAV."),
    ],
    ids=["two hours", "bomb", "text"],
)
async def test_bad_files_get_one_clear_sentence(club: Club, data: bytes, duration_s: int, told: str) -> None:
    await club.send(data, duration_s=duration_s)

    assert [m.message for m in await club.replies()] == [told]


async def test_an_empty_file_gets_one_clear_sentence(club: Club) -> None:
    club.telegram.send_voice_note(club.group, club.ann, b"", 5, caption="Parley")

    assert [m.message for m in await club.replies()] == ["This file is empty, so please send it once more."]


async def test_who_opted_out_is_not_listened_to(club: Club) -> None:
    club.wanted.out.add(club.ann.id)

    await club.send(OGG)

    assert await club.replies(within_s=SILENT_FOR_S) == []


async def test_more_than_a_few_at_once_are_put_off_once(club: Club) -> None:
    club.thinks.pause.clear()
    for _ in range(MOST_WAITING + 3):
        await club.send(b"OggS" + OGG[4:])

    (told,) = await club.replies()
    await until(lambda: club.notes._mailboxes.refused == 2)
    assert told.message == "I am still at work on 4 voice messages here. Please send that one again in a minute."
    club.thinks.pause.set()
    assert len(await club.replies(count=MOST_WAITING + 2)) == MOST_WAITING + 2


async def test_a_voice_message_is_written_down_on_request(club: Club) -> None:
    message_id = await club.send(OGG, caption="for you all")
    message = await club.client.get_messages(club.group.dialog_id, ids=message_id)

    await club.notes.transcribe(message, club.ann.id, "en")

    (reply,) = await club.replies()
    assert (reply.message, reply.reply_to_msg_id) == ("📝 When does the library open?", message_id)
