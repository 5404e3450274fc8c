"""``/schedule``, ``/schedules`` and ``/unschedule``, and what chats are told of their appointments. A118-A120."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from calls import errors
from handlers.appointment_messages import AppointmentMessages
from handlers.wording import LANGUAGES, has, say
from storage.appointments import Appointment, Method
from tests.handlers.desk import ANN, BOB, GROUP, OWNER, SUDO, Desk
from tests.handlers.desk import desk as desk_in

ROOT = Path(__file__).parents[2]


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    async with desk_in(tmp_path) as made:
        yield made


def made_by(desk: Desk) -> Appointment:
    """The newest."""
    assert desk.services.appointments
    return max((each.appointment for each in desk.services.appointments.listed()), key=lambda each: each.id)


async def test_in_a_group_its_voice_chat_is_called(desk: Desk) -> None:
    answer = await desk.say("/schedule mon,wed,fri 09:00 Good morning! | Ask how everybody slept.")
    assert answer == "✅ Appointment 4 · mon,wed,fri 09:00, next 1970-01-02 09:00 (UTC) · in the voice chat: Good morning!"
    made = made_by(desk)
    assert (made.chat_id, made.title, made.method, made.created_by) == (GROUP, "Book club", Method.GROUP, ANN)
    assert (made.days, made.time_of_day, made.longest_s) == ("mon,wed,fri", "09:00", 300.0)
    assert (made.opening, made.purpose) == ("Good morning!", "Ask how everybody slept.")


async def test_in_private_whoever_asks_is_phoned(desk: Desk) -> None:
    await desk.say("/schedule in 20 minutes minutes=10 Time for a walk.", by=OWNER, private=True)
    made = made_by(desk)
    assert (made.method, made.target, made.once_at, made.longest_s) == (Method.PRIVATE, str(OWNER), 2200.0, 600.0)
    assert made.opening == "Time for a walk."


@pytest.mark.parametrize(
    ("words", "method", "target", "opening"),
    [
        ("private @ann Hi", Method.PRIVATE, "@ann", "Hi"),
        ("private me", Method.PRIVATE, str(SUDO), ""),
        ("phone +34612345678 Hi", Method.PHONE, "+34612345678", "Hi"),
        ("browser Hi", Method.BROWSER, "", "Hi"),
        ("group", Method.GROUP, "", ""),
    ],
)
async def test_who_is_called_and_how(desk: Desk, words: str, method: Method, target: str, opening: str) -> None:
    await desk.say(f"/schedule tomorrow 9:00 {words}", by=SUDO)
    made = made_by(desk)
    assert (made.method, made.target, made.opening) == (method, target, opening)


@pytest.mark.parametrize("words", ["private @ann", "phone +34612345678", "browser"])
async def test_only_those_who_may_phone_everywhere_have_others_called(desk: Desk, words: str) -> None:
    assert await desk.say(f"/schedule tomorrow 9:00 {words}", by=ANN) == say("en", "refused.sudo")


@pytest.mark.parametrize("words", ["private", "private somebody", "phone", "phone 5", "private " + "x" * 2000, "Hello " * 300])
async def test_what_cannot_be_done_is_explained(desk: Desk, words: str) -> None:
    answer = await desk.say(f"/schedule tomorrow 9:00 {words}", by=SUDO)
    assert answer
    assert not answer.startswith("✅")
    assert made_by(desk).id == 3


async def test_times_are_of_the_zone_of_the_chat_and_quiet_hours_are_named(desk: Desk) -> None:
    await desk.services.change(GROUP, time_zone="Europe/Madrid", quiet_from="22:00", quiet_until="08:00")
    answer = await desk.say("/schedule every day 7:30")
    assert answer is not None
    assert "every day 07:30, next 1970-01-01 07:30 (Europe/Madrid)" in answer
    assert answer.endswith(say("en", "appointment.in_quiet_hours", begin="22:00", end="08:00"))


async def test_each_group_sees_its_own_and_the_owner_all(desk: Desk) -> None:
    here = await desk.say("/schedules")
    assert here == "🗓 Appointments\n3 · 1970-01-02 01:00 (UTC) · in the voice chat"
    everywhere = await desk.say("/schedules", by=OWNER, private=True)
    assert everywhere is not None
    assert [line[0] for line in everywhere.splitlines()[1:]] == ["1", "2", "3"]
    assert await desk.say("/unschedule 3") == say("en", "appointment.cancelled", id=3)
    assert await desk.say("/schedules") == say("en", "appointment.none")


async def test_a_group_cancels_its_own_alone(desk: Desk) -> None:
    for number in ("1", "99"):
        assert await desk.say(f"/unschedule {number}") == say("en", "appointment.unknown", id=number)
    assert await desk.say("/unschedule #1", by=OWNER, private=True) == say("en", "appointment.cancelled", id=1)


async def test_members_have_nobody_called(desk: Desk) -> None:
    assert await desk.say("/schedule tomorrow 9:00", by=BOB) == say("en", "refused.call_manager", command="/schedule")


@pytest.mark.parametrize("language", LANGUAGES)
async def test_chats_are_told_in_their_language(language: str) -> None:
    written: list[tuple[int, str]] = []

    async def send(chat_id: int, text: str) -> int | None:
        written.append((chat_id, text))
        return None if chat_id == 5 else 1

    async def language_of(_chat_id: int) -> str:
        return language

    messages = AppointmentMessages(send, language_of, OWNER)
    why = errors.of(errors.NO_VOICE_CHAT)
    assert await messages(GROUP, "appointment.failed", id=3, when="2026-12-09 09:00", what=why)
    told = say(language, "appointment.failed", id=3, when="2026-12-09 09:00", what=say(language, "call_error.no_voice_chat"))
    assert written == [(GROUP, told)]
    await messages(0, "appointment.missed", id=3, when="2026-12-09 09:00")
    assert written[-1][0] == OWNER
    wish = Appointment(chat_id=GROUP, method=Method.BROWSER, opening="Hello!", target="5")
    assert not await messages.link(wish, "https://parley.example.org/call#x")
    assert written[-1][0] == 5
    assert "Hello!\n" in written[-1][1]
    assert "https://parley.example.org/call#x" in written[-1][1]


def test_everything_that_chats_are_told_has_its_text() -> None:
    named = re.compile(r'"(appointment\.\w+)"')
    keys = {key for file in (ROOT / "calls").glob("*.py") for key in named.findall(file.read_text(encoding="utf-8"))}
    keys |= {f"appointment.{state}" for state in ("failed", "missed", "quiet")}
    assert {key for key in keys if not has(key)} == set()
