"""From the sending of a voice note of 5 s to the arrival of the voice note that answers it, with everything embedded.

    python benchmarks/voice_note.py [--quick] [--json FILE]

``bot.py run`` works on the loopback Telegram with a database of its own and the engines that come with it; somebody in a group sends it
recorded speech, one note after the other. The spans are the bot's own and contiguous: waiting for its turn, fetching the file, decoding it
in the child process, transcribing, thinking of the first clause, speaking (and thinking of the rest), encoding, sending. ``rest`` is what
lies outside the bot: the sender's upload and both deliveries. The first note, which meets cold engines, is shown and not counted.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from telethon import TelegramClient, events
from telethon.sessions import StringSession
from telethon.tl.types import DocumentAttributeAudio

from audio.pcm import BYTES_PER_SAMPLE, HEARING_RATE_HZ
from audio.voice_note import encode
from audio.wav import mono, read_wav
from benchmarks.report import argument_parser, median, publish
from calls.events import VoiceMessageAnswered
from config import load_settings
from errors import ParleyError
from loopback.rehearsal.bot_environment import bot_environment, event_log_of
from loopback.rehearsal.bot_process import BotProcess
from loopback.rehearsal.event_feed import EventFeed
from loopback.settings import LoopbackSettings
from loopback.telegram import LoopbackTelegram

ROOT: Final = Path(__file__).resolve().parent.parent
SPEECH: Final = ROOT / "tests" / "speech"
CLIPS: Final = ("lv_0870", "jfk", "lv_0890", "card_001", "lv_0930")
NOTE_S: Final = 5.0
ROUNDS: Final = 3
READY_WITHIN_S: Final = 120.0
ANSWERED_WITHIN_S: Final = 60.0
SPANS: Final = ("wait", "download", "decode", "transcribe", "think", "speak", "encode", "upload")


@dataclass(frozen=True, slots=True)
class Answered:
    """One note: how long until its answer was there, how long that plays, and the bot's spans."""

    note: str
    total_s: float
    answer_s: float
    spans_ms: Mapping[str, float] = field(default_factory=dict)


def row_of(answered: Answered) -> dict[str, Any]:
    """A line of the table, in milliseconds but for the sound."""
    total_ms = answered.total_s * 1000
    spans = {name: round(answered.spans_ms.get(name, 0.0)) for name in SPANS}
    rest_ms = round(total_ms - sum(answered.spans_ms.values()))
    return {"note": answered.note, "answer_s": answered.answer_s, **spans, "rest": rest_ms, "total_ms": round(total_ms)}


def rows_of(answers: Sequence[Answered]) -> list[dict[str, Any]]:
    """All lines, and the medians of all but the first note."""
    rows = [row_of(answered) for answered in answers]
    rows[0]["note"] += " (cold)"
    counted = rows[1:] or rows
    medians = {name: median([row[name] for row in counted]) for name in rows[0] if name != "note"}
    return [*rows, {"note": f"median of {len(counted)}", **medians}]


def exactly(pcm: bytes, seconds: float) -> bytes:
    """The beginning of the sound (16 kHz), or all of it and silence."""
    size = int(seconds * HEARING_RATE_HZ) * BYTES_PER_SAMPLE
    return pcm[:size].ljust(size, b"\0")


class Sender:
    """Somebody in the group who sends notes and waits for what comes back."""

    def __init__(self, client: TelegramClient, chat_id: int, feed: EventFeed) -> None:
        self._client = client
        self._chat_id = chat_id
        self._feed = feed
        self._arrived: asyncio.Queue[Any] = asyncio.Queue()
        client.add_event_handler(self._arrived.put, events.NewMessage(incoming=True))

    async def ask(self, name: str) -> Answered:
        """Send one note.

        :raises errors.ParleyError: it was answered in writing, or not at all.
        """
        ogg = encode(exactly(mono(read_wav(SPEECH / f"{name}.wav")), NOTE_S), HEARING_RATE_HZ)
        voice = [DocumentAttributeAudio(round(NOTE_S), voice=True)]
        began_s = time.monotonic()
        await self._client.send_file(
            self._chat_id, ogg, voice_note=True, caption="Parley", mime_type="audio/ogg", attributes=voice, file_size=len(ogg)
        )
        try:
            answer = (await asyncio.wait_for(self._arrived.get(), ANSWERED_WITHIN_S)).message
        except TimeoutError:
            raise ParleyError(f"{name} got no answer within {ANSWERED_WITHIN_S:g} s.") from None
        total_s = time.monotonic() - began_s
        if answer.voice is None:
            raise ParleyError(f"{name} was answered in writing: {answer.message}")
        return Answered(name, total_s, answer.file.duration, await self._spans_ms(answer.reply_to_msg_id))

    async def _spans_ms(self, message_id: int) -> Mapping[str, float]:
        def is_it(event: Any) -> bool:
            return isinstance(event, VoiceMessageAnswered) and event.message_id == message_id

        event = await self._feed.wait_for(is_it, 5.0)
        return event.spans_ms if isinstance(event, VoiceMessageAnswered) else {}


@contextlib.asynccontextmanager
async def at_work() -> AsyncIterator[Sender]:
    """The bot in a group, ready, and somebody else there."""
    async with LoopbackTelegram(settings=LoopbackSettings(natural_floods=False)) as telegram, contextlib.AsyncExitStack() as stack:
        ann, parley = telegram.add_account("Ann"), telegram.add_account("Parley")
        group = telegram.add_group("Book club", ann, (), [parley])
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="parley-voice-note-")))
        environment = bot_environment(load_settings(), telegram.session_for(parley), folder) | {"TELEGRAM_DC": telegram.dc_spec()}
        bot = await stack.enter_async_context(BotProcess([sys.executable, str(ROOT / "bot.py"), "run"], environment, folder))
        await bot.ready(READY_WITHIN_S)
        feed = EventFeed()
        following = asyncio.create_task(feed.follow(event_log_of(folder)))
        stack.callback(following.cancel)
        client = TelegramClient(StringSession(telegram.session_for(ann)), 1, "0" * 32)
        await client.connect()
        stack.push_async_callback(client.disconnect)
        await client.get_dialogs()
        await asyncio.sleep(1.0)
        yield Sender(client, group.dialog_id, feed)


async def measure(names: Sequence[str]) -> list[Answered]:
    """All notes, one after the other.

    :raises errors.ParleyError: the bot did not start, or did not answer in kind.
    """
    async with at_work() as sender:
        return [await sender.ask(name) for name in names]


def main() -> int:
    """Measure and print; the exit code."""
    wanted = argument_parser(__doc__ or "").parse_args()
    try:
        answers = asyncio.run(measure(CLIPS if wanted.quick else CLIPS * ROUNDS))
    except ParleyError as problem:
        print(problem, file=sys.stderr)
        return problem.exit_code
    publish("voice_note", rows_of(answers), wanted.json, "A voice note of 5 s answered by a voice note (milliseconds)")
    return 0


if __name__ == "__main__":
    sys.exit(main())
