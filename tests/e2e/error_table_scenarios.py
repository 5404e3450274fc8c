"""Each failure of Telegram, provoked: what the chat is told, what Parley does, what it asks of Telegram, and what is left.

All rows are played at the same time in one process, each in a house of its own. :data:`ROWS` names them as the error map of the facts does.
"""

from __future__ import annotations

import asyncio
import json
import tempfile
import traceback
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from math import inf
from pathlib import Path
from typing import Any, Final

from config import load_settings
from errors import EXIT_SETTINGS, SessionError
from loopback.media.server import MediaServer
from loopback.telegram import LoopbackTelegram
from tests.e2e.house import JOINING, WAITS, Builders, House, told, until

FULL_CHANNEL: Final = "channels.GetFullChannel"
SENDING: Final = "messages.SendMessage"
EDITING: Final = "messages.EditMessage"
MOST_JOINS: Final = 4
JOINED: Final = told("join.joined")


@dataclass(frozen=True)
class Row:
    """``keys``: the texts of the catalogues that it has shown."""

    play: Callable[[House], Awaitable[None]]
    keys: tuple[str, ...] = ()
    settings: dict[str, Any] = field(default_factory=dict)


ROWS: Final[dict[str, Row]] = {}


def row(name: str, *keys: str, **settings: Any) -> Callable[[Callable[[House], Awaitable[None]]], Callable[[House], Awaitable[None]]]:
    """The scenario that provokes the row called so."""

    def noted(play: Callable[[House], Awaitable[None]]) -> Callable[[House], Awaitable[None]]:
        ROWS[name] = Row(play, tuple(f"call_error.{key}" for key in keys), settings)
        return play

    return noted


async def refused(house: House, text: str) -> None:
    """``/joincall`` is answered with ``text`` and leaves nothing."""
    assert await house.ask("/joincall") == text
    await house.clean()


async def joined(house: House) -> None:
    assert await house.ask("/joincall") == JOINED
    assert house.in_call


async def out(house: House) -> None:
    await house.clean()


# ---- what there is to join


@row("no active voice chat", "no_voice_chat")
async def no_voice_chat(house: House) -> None:
    await refused(house, told("call_error.no_voice_chat"))
    assert house.requests() == 0


@row("asked for again too soon", "no_voice_chat")
async def too_soon(house: House) -> None:
    house.telegram.start_voice_chat(house.group, house.ann)
    await joined(house)
    await house.ask("/leavecall")
    again = house.say("/joincall")
    await until(lambda: house.replies_to(again))
    assert house.replies_to(again)[0].startswith(WAITS)
    assert not house.in_call
    await until(lambda: house.replies_to(again) == [JOINED])
    assert house.requests(EDITING) == 1
    house.telegram.end_voice_chat(house.group, house.ann)
    await out(house)
    assert await house.ask("/joincall") == told("call_error.no_voice_chat")
    assert house.requests(EDITING) == 1, "nobody waits for nothing"
    assert house.requests() == 2


@row("ended between look-up and join", "no_voice_chat")
async def ended_meanwhile(house: House) -> None:
    house.telegram.start_voice_chat(house.group, house.ann)
    house.telegram.faults.delay(JOINING, 0.3, account_id=house.parley.id)
    asked = house.say("/joincall")
    await until(house.requests)
    house.telegram.end_voice_chat(house.group, house.ann)
    await until(lambda: house.replies_to(asked))
    assert house.replies_to(asked) == [told("call_error.no_voice_chat")]
    assert house.requests() == 1
    assert house.requests(FULL_CHANNEL) >= 2, "it was looked up again"
    await house.clean()


@row("the voice chat is over by Telegram's word", "no_voice_chat")
async def already_discarded(house: House) -> None:
    house.telegram.start_voice_chat(house.group, house.ann)
    house.telegram.faults.fail(JOINING, 400, "GROUPCALL_ALREADY_DISCARDED", account_id=house.parley.id)
    await refused(house, told("call_error.no_voice_chat"))
    assert house.requests() == 1


@row("FORBIDDEN that persists", "refused")
async def forbidden(house: House) -> None:
    house.telegram.start_voice_chat(house.group, house.ann)
    house.telegram.fault("call_forbidden", account=house.parley)
    await refused(house, told("call_error.refused"))
    await asyncio.sleep(3)
    assert house.requests() == 2 <= MOST_JOINS


@row("FORBIDDEN that persists when coming back", "refused")
async def forbidden_when_back(house: House) -> None:
    house.telegram.start_voice_chat(house.group, house.ann)
    await joined(house)
    house.telegram.fault("call_forbidden", account=house.parley)
    house.telegram.drop_media(house.group, house.parley)
    await until(house.notices)
    assert house.notices() == [told("call_error.refused")]
    await out(house)
    await asyncio.sleep(3)
    assert house.requests() - 1 <= MOST_JOINS


@row("INVALID once")
async def invalid_once(house: House) -> None:
    house.telegram.start_voice_chat(house.group, house.ann)
    house.telegram.fault("call_invalid", account=house.parley)
    await joined(house)
    assert house.requests() == 2
    assert house.requests(FULL_CHANNEL) >= 2, "it was looked up again"


@row("scheduled, not started", "scheduled")
async def scheduled(house: House) -> None:
    call = house.telegram.schedule_voice_chat(house.group, house.ann, in_s=60)
    reply = await house.ask("/joincall")
    assert reply.startswith("The voice chat starts at ")
    assert reply.endswith(" UTC. I will join then.")
    await until(house.wanted)
    assert house.requests() == 0
    house.telegram.start_scheduled_voice_chat(house.group, house.ann)
    await until(lambda: house.in_call)
    assert house.group.call is call
    assert house.requests() == 1


@row("RTMP livestream", "rtmp")
async def rtmp(house: House) -> None:
    house.telegram.start_voice_chat(house.group, house.ann, rtmp=True)
    await refused(house, told("call_error.rtmp"))
    assert house.requests() == 0


# ---- our place in it


@row("SSRC clash", "source_in_use")
async def source_in_use(house: House) -> None:
    house.telegram.start_voice_chat(house.group, house.ann)
    house.telegram.fault("ssrc_taken", account=house.parley, times=inf)
    await refused(house, told("call_error.source_in_use"))
    assert house.requests() == 3
    payloads = {each.request.params.data for each in house.telegram.seen(JOINING, house.parley)}
    assert len(payloads) == 3, "each try has a sound source of its own"


@row("SSRC clash once")
async def source_in_use_once(house: House) -> None:
    house.telegram.start_voice_chat(house.group, house.ann)
    house.telegram.fault("ssrc_taken", account=house.parley)
    await joined(house)
    assert house.requests() == 2


@row("not a participant any more: GROUPCALL_JOIN_MISSING", "put_out")
async def join_missing(house: House) -> None:
    house.telegram.start_voice_chat(house.group, house.ann)
    house.telegram.faults.fail(JOINING, 400, "GROUPCALL_JOIN_MISSING", times=inf, account_id=house.parley.id)
    await refused(house, told("call_error.put_out"))
    assert house.requests() <= MOST_JOINS


@row("not listed any more while in the call")
async def not_listed(house: House) -> None:
    house.telegram.start_voice_chat(house.group, house.ann)
    await joined(house)
    house.telegram.fault("join_missing", account=house.parley, times=2)
    await until(lambda: house.requests() >= 2)
    await until(lambda: house.in_call)
    assert house.notices() == []


@row("not a participant any more: PARTICIPANT_JOIN_MISSING")
async def participant_missing(house: House) -> None:
    house.telegram.start_voice_chat(house.group, house.ann)
    await joined(house)
    house.telegram.mute_by_admin(house.group, house.parley)
    await until(lambda: house.manager.state(house.chat_id).muted_by_admin)
    house.telegram.fault("participant_missing", account=house.parley)
    house.telegram.mute_by_admin(house.group, house.parley, muted=False)
    await until(lambda: house.in_call and not house.telegram.voice_chat(house.group).participants[house.parley.id].muted)
    assert house.notices() == []


# ---- access and rights


@row("account not in chat, or the chat is private", "no_access")
async def private(house: House) -> None:
    house.telegram.start_voice_chat(house.group, house.ann)
    house.telegram.faults.fail(FULL_CHANNEL, 406, "CHANNEL_PRIVATE", times=inf, account_id=house.parley.id)
    await refused(house, told("call_error.no_access"))
    assert (house.requests(), house.requests(FULL_CHANNEL)) == (0, 1)
    await until(house.disabled)


@row("not a member by Telegram's word", "no_access")
async def not_participant(house: House) -> None:
    house.telegram.start_voice_chat(house.group, house.ann)
    house.telegram.fault("not_participant", account=house.parley)
    await refused(house, told("call_error.no_access"))
    assert house.requests() == 1
    await until(house.disabled)
    house.telegram.lift("not_participant")
    await joined(house)
    await until(lambda: not house.disabled())


@row("removed from the chat while in the call")
async def removed(house: House) -> None:
    house.telegram.start_voice_chat(house.group, house.ann)
    await joined(house)
    house.telegram.remove_member(house.group, house.parley, house.ann)
    await out(house)
    await until(house.disabled)
    await until(house.to_owner)
    await asyncio.sleep(3)
    assert house.requests() == 1
    assert house.requests(SENDING) == 2, "the answer to /joincall, and one to the owner; none to the chat that it is not in"
    assert house.to_owner() == [told("ended.removed_from", chat="Book club")]


async def restricted(house: House, code: int, message: str, key: str) -> None:
    house.telegram.start_voice_chat(house.group, house.ann)
    house.telegram.faults.fail(JOINING, code, message, times=inf, account_id=house.parley.id)
    await refused(house, told(f"call_error.{key}"))
    assert house.requests() == 1


MAY_NOT_JOIN: Final = (
    (403, "CHAT_WRITE_FORBIDDEN", "restricted"),
    (400, "CHAT_ADMIN_REQUIRED", "restricted"),
    (400, "JOIN_AS_PEER_INVALID", "join_as"),
)
for _case in MAY_NOT_JOIN:
    row(f"may not join: {_case[1]}", _case[2])(lambda house, case=_case: restricted(house, *case))  # type: ignore[misc]


async def may_not_write(house: House, fault: str) -> None:
    house.telegram.start_voice_chat(house.group, house.ann)
    house.telegram.fault(fault, account=house.parley)
    asked = house.say("/joincall")
    await until(lambda: house.in_call and house.requests(SENDING))
    assert not house.replies_to(asked)
    assert await house.unanswered("/callinfo", 1.0)
    assert await house.unanswered("/callinfo", 1.0)
    assert house.requests(SENDING) == 1, "nothing is sent where nothing can be"


for _fault in ("write_forbidden", "write_banned"):
    row(f"may not write: {_fault}")(lambda house, fault=_fault: may_not_write(house, fault))  # type: ignore[misc]


# ---- limits


@row("slow mode")
async def slow_mode(house: House) -> None:
    house.telegram.set_slow_mode(house.group, 8)
    assert "In Call" in await house.ask("/callinfo")
    first, second, third = (house.say(text) for text in ("/callinfo", "/help callinfo", "/help joincall"))
    await until(lambda: house.replies_to(third))
    assert house.replies_to(first) == house.replies_to(second) == []
    assert "joincall" in house.replies_to(third)[0]
    assert house.requests(SENDING) == 3, "the first, the one that was refused, and the newest"


@row("flood wait on joining", "flood")
async def flood_on_joining(house: House) -> None:
    house.telegram.start_voice_chat(house.group, house.ann)
    house.telegram.fault("flood", account=house.parley, method=JOINING, seconds=90)
    await refused(house, told("call_error.flood", seconds=90))
    assert house.requests() == 1
    reply = await house.ask("/joincall")
    assert reply.startswith("Telegram asks me to wait ")
    assert house.requests() == 1, "no second request before the time is up"
    assert house.requests("phone.CreateGroupCall") == 0


@row("flood wait on the look-up", "flood")
async def flood_on_looking(house: House) -> None:
    call = house.telegram.start_voice_chat(house.group, house.ann)
    house.telegram.fault("flood", account=house.parley, method=FULL_CHANNEL, seconds=90)
    await refused(house, told("call_error.flood", seconds=90))
    assert (house.requests(), house.requests(FULL_CHANNEL)) == (0, 1)
    assert house.group.call is call


@row("flood wait on coming back", "flood")
async def flood_when_back(house: House) -> None:
    house.telegram.start_voice_chat(house.group, house.ann)
    await joined(house)
    house.telegram.fault("flood", account=house.parley, method=JOINING, seconds=7)
    house.telegram.drop_media(house.group, house.parley)
    await until(lambda: house.requests() >= 2)
    await until(lambda: house.in_call)
    assert house.requests() == 3, "one that was refused, one when the time was up"


@row("flood wait on sending")
async def flood_on_sending(house: House) -> None:
    house.telegram.start_voice_chat(house.group, house.ann)
    house.telegram.fault("flood", account=house.parley, method=SENDING, seconds=60)
    asked = house.say("/joincall")
    await until(lambda: house.in_call and house.requests(SENDING))  # floods are obeyed per method
    assert not house.replies_to(asked)
    assert await house.unanswered("/callinfo")
    assert house.requests(SENDING) == 1


@row("flood wait for premium")
async def premium_flood(house: House) -> None:
    house.telegram.start_voice_chat(house.group, house.ann)
    house.telegram.fault("premium_flood", account=house.parley, method=JOINING, seconds=90, times=inf)
    await refused(house, told("call_error.flood", seconds=90))
    assert house.requests() == 1


@row("peer flood on joining", "spam")
async def peer_flood_on_joining(house: House) -> None:
    await stopped(house, 400, "PEER_FLOOD", "call_error.spam")


@row("peer flood on sending")
async def peer_flood_on_sending(house: House) -> None:
    house.telegram.start_voice_chat(house.group, house.ann)
    await joined(house)
    house.telegram.faults.fail(SENDING, 400, "PEER_FLOOD", account_id=house.parley.id)
    assert await house.unanswered("/callinfo")
    await until(house.to_owner)
    assert house.to_owner() == [f"⚠️ {told('call_error.spam')}"]
    house.telegram.end_voice_chat(house.group, house.ann)
    await out(house)
    await asyncio.sleep(0.5)
    assert house.notices() == [], "nothing is sent unasked"
    assert "In Call: ❌ No" in await house.ask("/callinfo")


@row("frozen account", "frozen")
async def frozen(house: House) -> None:
    await stopped(house, 420, "FROZEN_METHOD_INVALID", "call_error.frozen")


async def stopped(house: House, code: int, message: str, key: str) -> None:
    """The account joins no more, and its owner is told."""
    house.telegram.start_voice_chat(house.group, house.ann)
    house.telegram.faults.fail(JOINING, code, message, times=inf, account_id=house.parley.id)
    await refused(house, told(key))
    await until(house.to_owner)
    assert house.to_owner() == [f"⚠️ {told(key)}"]
    assert await house.ask("/joincall") == told(key)
    assert house.requests() == 1


@row("frozen account that may not write either")
async def frozen_whole(house: House) -> None:
    house.telegram.start_voice_chat(house.group, house.ann)
    house.telegram.fault("frozen", account=house.parley)
    for _ in range(3):
        assert await house.unanswered("/joincall", 1.0)
    await until(house.requests)
    assert house.requests() == 1
    assert house.requests(SENDING) <= 2, "the reply and the word to the owner may be on their way together; then it only reads"
    await house.clean()


# ---- Telegram itself


@row("Telegram fault that persists", "server")
async def server_error(house: House) -> None:
    house.telegram.start_voice_chat(house.group, house.ann)
    house.telegram.fault("server_error", account=house.parley, method=JOINING, times=inf)
    await refused(house, told("call_error.server"))
    assert house.requests() <= 6
    assert not house.disabled()


@row("Telegram fault on the look-up", "server")
async def server_error_on_looking(house: House) -> None:
    house.telegram.start_voice_chat(house.group, house.ann)
    house.telegram.fault("server_error", account=house.parley, method=FULL_CHANNEL, times=inf)
    await refused(house, told("call_error.server"))
    assert not house.disabled()


@row("Telegram fault that passes")
async def timed_out_once(house: House) -> None:
    house.telegram.start_voice_chat(house.group, house.ann)
    house.telegram.fault("timeout", account=house.parley, method=JOINING)
    await joined(house)
    assert house.requests() == 2


@row("no media", "not_reached", join_timeout_s=6.0)
async def no_media(house: House) -> None:
    call = house.telegram.start_voice_chat(house.group, house.ann)
    house.telegram.media.black_hole(call.id, house.parley.id, True)
    await refused(house, told("call_error.not_reached"))
    assert house.requests() <= 3


@row("a failure of a kind that is not known", "unknown")
async def unknown(house: House) -> None:
    house.telegram.start_voice_chat(house.group, house.ann)
    house.telegram.faults.fail(JOINING, 400, "QUITE_NEW", times=inf, account_id=house.parley.id)
    await refused(house, told("call_error.unknown"))
    assert house.requests() == 3


# ---- the session


class ServiceEnded(Exception):
    """It has ended with the error that was expected."""


async def session_dead(house: House, fault: str) -> None:
    house.telegram.start_voice_chat(house.group, house.ann)
    await joined(house)
    before = len(house.telegram.seen("auth.*", house.parley))
    house.telegram.fault(fault, account=house.parley)
    house.say("/callinfo")
    house.say("/joincall")
    error = await house.ended(within_s=60)
    assert isinstance(error, SessionError), error
    assert error.exit_code == EXIT_SETTINGS
    assert "python bot.py login" in str(error)
    assert len(house.telegram.seen("auth.*", house.parley)) == before, "never a login by itself"


for _fault in ("session_ended", "session_revoked", "session_expired", "session_duplicated", "account_deleted", "account_banned"):
    row(f"session dead: {_fault}")(lambda house, fault=_fault: session_dead(house, fault))  # type: ignore[misc]


@row("session dead at a join", "dead_session")
async def session_dead_at_a_join(house: House) -> None:
    house.telegram.start_voice_chat(house.group, house.ann)
    house.telegram.fault("session_revoked", account=house.parley, method=JOINING)
    asked = house.say("/joincall")
    error = await house.ended(within_s=60)
    assert isinstance(error, SessionError), error
    assert house.replies_to(asked) in ([], [told("call_error.dead_session")])
    assert house.requests() == 1


# ---- playing them all


async def play_all(*names: str) -> None:
    """Prints one line for each row: its name and what went wrong (empty: nothing)."""
    builders = Builders()
    builders.install()
    async with LoopbackTelegram(MediaServer()) as telegram:
        with tempfile.TemporaryDirectory() as folder:
            verdicts = await asyncio.gather(
                *(played(telegram, builders, name, Path(folder) / str(place)) for place, name in enumerate(names))
            )
        print(json.dumps(dict(zip(names, verdicts, strict=True))))
        assert telegram.problems() == []


async def afterwards(house: House) -> None:
    """Whatever has happened: Parley goes when it is sent away, and nothing is left."""
    if house.at_work_still:
        await house.manager.leave(house.chat_id)
        await house.clean()
    assert house.requests("phone.CreateGroupCall") == 0


async def played(telegram: LoopbackTelegram, builders: Builders, name: str, folder: Path) -> str:
    one = ROWS[name]
    ann, parley = telegram.add_account("Ann"), telegram.add_account("Parley")
    group = telegram.add_group("Book club", ann, members=[parley])
    settings = load_settings(
        None, **({"api_id": 1, "api_hash": "0" * 32, "data_dir": folder, "telegram_session": telegram.session_for(parley)} | one.settings)
    )
    house = builders.houses[parley.id] = House(telegram, group, ann, parley, folder, settings)
    try:
        async with house.at_work():
            await one.play(house)
            await afterwards(house)
    except BaseException:
        return traceback.format_exc()
    return ""
