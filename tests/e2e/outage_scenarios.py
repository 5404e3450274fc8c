"""Outages with real sound: the whole of Parley in a voice chat, and somebody who hears it again when the network is back.

python -m tests.e2e.outage_scenarios SECONDS     measures both kinds of outage for so long
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from itertools import pairwise
from pathlib import Path

from telethon import TelegramClient

from audio.pcm import PLAYOUT_RATE_HZ
from audio.playout import PlayingClause, Playout
from config import load_settings
from loopback.media.server import MediaServer
from loopback.people.ear import Ear
from loopback.people.pacer import Pacer
from loopback.people.person import Person, PersonError
from loopback.settings import LoopbackSettings
from loopback.telegram import LoopbackTelegram
from tests.e2e.house import Builders, House, told, until
from tests.loopback.media.native_member import tone

PARLEY_HZ, ANN_HZ = 600, 440
HEARD_AGAIN_WITHIN_S = 10.0
STEADY_S = 2.0


@contextlib.asynccontextmanager
async def a_house(settings: LoopbackSettings | None = None) -> AsyncIterator[tuple[House, Pacer]]:
    TelegramClient._config = None
    builders = Builders()
    builders.install()
    async with LoopbackTelegram(MediaServer(), settings=settings) as telegram, Pacer() as pacer:
        ann, parley = telegram.add_account("Ann"), telegram.add_account("Parley")
        group = telegram.add_group("Book club", ann, members=[parley])
        with tempfile.TemporaryDirectory() as folder:
            ours = load_settings(
                None, api_id=1, api_hash="0" * 32, data_dir=Path(folder), telegram_session=telegram.session_for(parley), alone_s=600
            )
            house = builders.houses[parley.id] = House(telegram, group, ann, parley, Path(folder), ours)
            async with house.at_work():
                yield house, pacer
        assert telegram.problems() == []


@contextlib.asynccontextmanager
async def in_the_call(house: House, pacer: Pacer) -> AsyncIterator[Person]:
    """Ann, as somebody with a client."""
    person = Person("Ann", house.telegram.session_for(house.ann), pacer)
    await person.connect()
    while not person.in_call:
        with contextlib.suppress(PersonError):
            await person.join_call(house.chat_id, timeout_s=4.0)
    try:
        yield person
    finally:
        with contextlib.suppress(Exception):
            await asyncio.wait_for(person.disconnect(), 5)


@contextlib.asynccontextmanager
async def humming(playout: Playout) -> AsyncIterator[None]:
    """Parley says something all the time."""

    async def hum() -> None:
        while True:
            clause = PlayingClause("hum", 1)
            clause.append(tone(PARLEY_HZ, 0.5, PLAYOUT_RATE_HZ))
            clause.finish()
            playout.say(clause)
            while not clause.done:  # noqa: ASYNC110
                await asyncio.sleep(0.02)

    task = asyncio.create_task(hum())
    try:
        yield
    finally:
        task.cancel()


def longest_gap(ear: Ear, since_s: float) -> float:
    """The longest time without sound since then."""
    audible = [since_s, *(frame.at_s for frame in ear.frames if frame.audible and frame.at_s > since_s)]
    return max((after - before for before, after in pairwise(audible)), default=0.0)


Trouble = Callable[[House], Awaitable[None]]


async def heard_again_s(trouble: Trouble, *, everybody: bool = False, settings: LoopbackSettings | None = None) -> float:
    """How long after the end of a trouble Parley is heard again, and hears; ``everybody`` has to come back then.

    :raises AssertionError: it is not, or not for long, or the call is not the same.
    """
    async with a_house(settings) as (house, pacer):
        house.telegram.start_voice_chat(house.group, house.ann)
        assert await house.ask("/joincall") == told("join.joined")
        call = house.manager.call(house.chat_id)
        assert call is not None
        frames: list[float] = []
        call.listen(lambda _participant, _pcm: frames.append(time.monotonic()))
        async with humming(call.playout), in_the_call(house, pacer) as ann, contextlib.AsyncExitStack() as stack:
            await ann.wait_until_heard(house.parley.id, since_s=time.monotonic(), audible_ms=300)
            await trouble(house)
            ended_s = time.monotonic()
            listener = await stack.enter_async_context(in_the_call(house, pacer)) if everybody else ann
            heard_s = await listener.wait_until_heard(house.parley.id, since_s=ended_s, audible_ms=300, within_s=60)
            await listener.speak(tone(ANN_HZ, 0.5))
            await until(lambda: any(at_s > heard_s for at_s in frames))  # Parley hears somebody
            gap_s = await steady_gap_s(listener, house, ended_s, heard_s)
        assert house.requests("phone.CreateGroupCall") == 0
        assert house.manager.call(house.chat_id) is call, "it is the same call"
        assert house.notices() == []
        after_s = heard_s - ended_s
        print(f"heard again {after_s:.1f} s after the end, then nothing for {gap_s:.1f} s at most; {house.requests()} joins", flush=True)
        return after_s


async def steady_gap_s(listener: Person, house: House, ended_s: float, heard_s: float) -> float:
    """Parley is still heard when its time is up; the longest time without it until then."""
    await asyncio.sleep(max(0.0, ended_s + HEARD_AGAIN_WITHIN_S - time.monotonic()))
    steady_s, ear = time.monotonic(), listener.ear_of(house.parley.id)
    await listener.wait_until_heard(house.parley.id, since_s=steady_s, audible_ms=STEADY_S * 900)
    return longest_gap(ear, heard_s)


def cut_off(seconds: float, *, everybody: bool) -> Trouble:
    """An outage."""

    async def trouble(house: House) -> None:
        await house.telegram.outage(seconds, None if everybody else house.parley)

    return trouble


async def outage_of_everybody(seconds: str) -> None:
    assert await heard_again_s(cut_off(float(seconds), everybody=True), everybody=True) < HEARD_AGAIN_WITHIN_S


async def outage_of_parley(seconds: str) -> None:
    assert await heard_again_s(cut_off(float(seconds), everybody=False)) < HEARD_AGAIN_WITHIN_S


async def media_lost() -> None:
    """Only the sound is gone, until the server takes Parley out for it."""

    async def trouble(house: House) -> None:
        house.telegram.lose_media(house.group, house.parley)
        await until(lambda: not house.in_call)
        house.telegram.lose_media(house.group, house.parley, on=False)

    assert await heard_again_s(trouble, settings=LoopbackSettings(media_silence_timeout_s=3.0)) < HEARD_AGAIN_WITHIN_S


async def taken_out() -> None:
    """The server takes Parley out of the voice chat by itself."""

    async def trouble(house: House) -> None:
        house.telegram.drop_media(house.group, house.parley)

    assert await heard_again_s(trouble) < HEARD_AGAIN_WITHIN_S


if __name__ == "__main__":
    asyncio.run({"parley": outage_of_parley, "everybody": outage_of_everybody}[sys.argv[1]](sys.argv[2]))
