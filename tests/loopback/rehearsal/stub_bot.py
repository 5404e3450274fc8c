"""A bot in a process of its own that answers two commands, and speech with a second of a tone. Real Telegram client, real call."""

import asyncio
import json
import os
import signal
import time
from pathlib import Path

from loopback.people.pacer import Pacer
from loopback.people.person import Person
from loopback.rehearsal.bot_process import READY
from tests.loopback.rehearsal.talk import tone

PAUSE_MS = 300


async def main() -> None:
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, _leave)
    async with Pacer() as pacer:
        bot = Person("Parley", os.environ["TELEGRAM_SESSION"], pacer)
        await bot.connect()
        print(READY, flush=True)
        await _serve(bot, time.monotonic())


def _leave() -> None:
    os._exit(0)


async def _serve(bot: Person, since_s: float) -> None:
    command = await bot.inbox.wait_for("/joincall", since_s=since_s)
    await bot.join_call(command.chat_id)
    await bot.type(command.chat_id, "✅ Joined")
    answering = asyncio.create_task(_answer(bot, command.sender_id))
    await bot.inbox.wait_for("/leavecall", since_s=since_s, within_s=60.0)
    answering.cancel()
    await bot.leave_call()
    await bot.type(command.chat_id, "Left the call")
    await asyncio.Event().wait()


async def _answer(bot: Person, user_id: int) -> None:
    since_s = time.monotonic()
    for turn_id in range(1, 100):
        await bot.wait_until_heard(user_id, since_s=since_s, audible_ms=100, within_s=60.0)
        await bot.wait_until_silent(user_id, hold_ms=PAUSE_MS)
        ended_s = bot.ear_of(user_id).silent_since or 0.0
        spoken = await bot.speak(tone(1.0))
        since_s = time.monotonic()
        _tell(turn_id, ended_s, spoken.first_s, since_s)


def _tell(turn_id: int, ended_s: float, first_s: float, over_s: float) -> None:
    event = {
        "event": "ExchangeEnded", "chat_id": -1, "at_s": over_s, "turn_id": turn_id, "revision": 1, "speaker": "Ann", "speaker_id": 1,
        "heard": "beep", "reply": "boop", "reply_heard": "boop", "interrupted": False, "spans_ms": {"pause": (first_s - ended_s) * 1000},
        "speech_ended_at_s": ended_s, "first_sound_at_s": first_s,
    }  # fmt: skip
    with Path(os.environ["EVENT_LOG"]).open("a", encoding="utf-8") as log:
        log.write(json.dumps(event) + "\n")


if __name__ == "__main__":
    asyncio.run(main())
