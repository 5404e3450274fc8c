"""``/phone``."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest

from calls import errors
from calls.private_call import Direction
from calls.telephony import failures
from calls.telephony.phone_call import PhoneCall, PhoneWishes, Stage
from handlers.command import Request
from handlers.telephone import TelephoneCommands
from handlers.wording import LANGUAGES, catalogue, has
from tests.calls.waiting import until
from tests.handlers.desk import ANN, GROUP, SUDO, Desk, Telephone

ROOT = Path(__file__).parents[2]


def telephone(desk: Desk) -> Telephone:
    return cast(Telephone, desk.services.telephone)


@pytest.mark.parametrize(
    ("text", "number", "purpose"),
    [
        ("/phone +34612345678", "+34612345678", ""),
        ("/phone +34 612-34.56 78 Ask for a table at 9.", "+34 612-34.56 78", "Ask for a table at 9."),
        ("/phone (+34) 612345678\nSay hello.", "(+34) 612345678", "Say hello."),
        ("/phone +34612345678 9 o'clock, is that too early?", "+34612345678", "9 o'clock, is that too early?"),
        ("/phone Ann", "Ann", "Ann"),
    ],
)
async def test_a_number_is_called_and_what_it_is_about_is_passed_on(desk: Desk, text: str, number: str, purpose: str) -> None:
    answer = await desk.say(text, by=SUDO)
    assert answer == "📞 Somebody has answered at …78, and I am talking with them."
    assert telephone(desk).wishes == [(number, PhoneWishes(purpose=purpose, chat_id=GROUP))]


async def test_what_becomes_of_it_is_told(desk: Desk) -> None:
    telephone(desk).refusal = failures.not_allowed("+447")
    assert await desk.say("/phone +447700900123", by=SUDO) == (
        "Numbers that begin with +447 may not be called. PHONE_ALLOWED_PREFIXES names those that may."
    )
    telephone(desk).refusal = errors.of(failures.BUSY)
    assert await desk.say("/phone +34612345678", by=SUDO) == "The line is busy. Try again later."


async def test_a117_without_credentials_it_tells_what_is_missing(desk: Desk) -> None:
    telephone(desk).refusal = failures.off(["TWILIO_AUTH_TOKEN", "API_BASE_URL (https)"])
    answer = await desk.say("/phone +34612345678", by=SUDO)
    assert answer == (
        "Telephone calls are off: TWILIO_AUTH_TOKEN, API_BASE_URL (https) not set. docs/telephone.md tells how to turn them on."
    )
    assert (ROOT / "docs" / "telephone.md").is_file()


async def test_while_it_rings_that_is_told_and_a_command_that_is_broken_off_hangs_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("handlers.telephone.TOLD_AFTER_S", 0.01)
    rings, told = asyncio.Event(), list[str]()

    class Rings(Telephone):
        async def call(self, written: str, wishes: PhoneWishes | None = None) -> PhoneCall:
            try:
                await asyncio.Event().wait()
            finally:
                rings.set()
            raise AssertionError

    async def tell(text: str) -> None:
        told.append(text)

    commands = TelephoneCommands(Rings())
    command = asyncio.create_task(commands.phone(Request(GROUP, "Book club", SUDO, "+34612345678", tell=tell)))
    await until(lambda: told)
    assert told == ["📞 Calling…"]
    command.cancel()
    await asyncio.wait({command})
    assert rings.is_set()


async def test_the_calls_there_are_and_hanging_up(desk: Desk) -> None:
    assert "/phone +NUMBER" in (await desk.say("/phone", by=SUDO) or "")
    assert await desk.say("/phone hangup", by=SUDO) == "There is no such telephone call."
    call = PhoneCall("1", "+34612345678", Direction.OUTGOING, 1000.0, stage=Stage.NO_ANSWER)
    telephone(desk).calls = [replace(call, stage=stage) for stage in Stage]
    lines = (await desk.say("/phone", by=SUDO) or "").split("\n")
    assert len(set(lines)) == len(Stage)
    assert await desk.say("/phone HangUp", by=SUDO) == "📞 I have hung up (…78)."


async def test_who_may_not_costs_nobody_anything(desk: Desk) -> None:
    await desk.say("/phone +34612345678", by=ANN)
    assert telephone(desk).wishes == []


def test_every_failure_has_its_text_in_every_language() -> None:
    rows = [row for row in vars(failures).values() if isinstance(row, errors.Failure)]
    told = [errors.of(row) for row in rows] + [failures.off(["X"]), failures.not_allowed("+1")]
    told += [failure(3) for failure in (failures.at_once, failures.per_day, failures.per_number, failures.minutes)]
    assert len(told) > 20
    for error in told:
        assert has(error.key), error.key
        assert catalogue("en")[error.key].format(**error.fields) == str(error)
        for language in LANGUAGES:
            assert catalogue(language)[error.key].format(**error.fields)
