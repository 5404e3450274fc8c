"""Every command that is declared: who may give it, who may not, in a private chat, and what it replies."""

from __future__ import annotations

import pytest

from handlers.command import Authority
from handlers.commands import all_commands
from handlers.wording import LANGUAGES, has, say
from scripts.write_commands import NOTHING, commands_page
from tests.handlers.desk import ANN, BOB, GROUP, LISTED, OWNER, STRANGER, SUDO, Desk

COMMANDS = {command.name: command for command in all_commands(NOTHING)}
WHO = {
    Authority.STRANGER: BOB,
    Authority.MEMBER: BOB,
    Authority.AUTHORISED: LISTED,
    Authority.CALL_MANAGER: ANN,
    Authority.SUDO: SUDO,
    Authority.OWNER: OWNER,
}
BELOW = {Authority.AUTHORISED: BOB, Authority.CALL_MANAGER: LISTED, Authority.SUDO: ANN, Authority.OWNER: SUDO}
REFUSALS = {say("en", f"refused.{level.name.lower()}", command="") for level in BELOW if level is not Authority.CALL_MANAGER}

ANSWERED_LATER = {"transcribe"}
"""Its reply comes by itself when it is ready."""

PROMISED = """joincall leavecall callinfo callon calloff callconfig callquiet callstatus ttson ttsoff ttsconfig ttsstatus voice speak
stton sttoff sttconfig sttstatus persona lang mode reset forget optout optouts auth unauth authlist sudo blacklist unblacklist reload
help ping stats logs restart"""

WRONG = {
    "callconfig": ["", "0", "two", "people=", "people=-3", "zone=Nowhere", "speed=3", "alone=5", "chance=200", "²"],
    "callquiet": ["", "22:00", "25:00 08:00", "22:00 22:00", "a b", "22:00 08:00 09:00"],
    "ttsconfig": ["", "+300%", "voice +10% more", "-51%", "+10", "../x"],
    "voice": ["two words", "$"],
    "speak": ["", "x" * 701],
    "sttconfig": ["", "english", "e"],
    "persona": ["x" * 1001],
    "lang": ["english"],
    "mode": ["sometimes"],
    "forget": ["", "everybody"],
    "optout": ["now"],
    "auth": ["", "ann", "@nobody", "0", "-100123"],
    "unauth": ["", "@nobody"],
    "sudo": ["@nobody", "remove", "remove @nobody"],
    "blacklist": ["", "@nobody"],
    "unblacklist": [""],
    "help": ["juggle"],
    "calllink": ["0", "1441", "half an hour", "²"],
    "schedule": ["", "soon", "yesterday 9:00", "1969-01-01 9:00", "2030-01-01 9:00", "tomorrow 9:00 minutes=0", "²"],
    "unschedule": ["", "three", "²"],
    "logs": [],
}


def test_every_promised_command_is_there() -> None:
    assert set(PROMISED.split()) <= set(COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_its_help_and_its_family_a_title(name: str) -> None:
    assert has(f"help.{name}")
    assert has(f"family.{COMMANDS[name].family}")
    assert COMMANDS[name].usage.startswith(f"/{name}")
    assert COMMANDS[name].shown_example.startswith(f"/{name}")


@pytest.mark.parametrize("name", [name for name, command in COMMANDS.items() if command.authority in BELOW])
async def test_who_may_not_is_told_who_may(desk: Desk, name: str) -> None:
    command = COMMANDS[name]
    answer = await desk.say(command.shown_example, by=BELOW[command.authority])
    assert answer == say("en", f"refused.{command.authority.name.lower()}", command=f"/{name}")
    assert await desk.results() == [(name, "refused")]


@pytest.mark.parametrize("name", COMMANDS)
async def test_who_may_gets_an_answer(desk: Desk, name: str) -> None:
    command = COMMANDS[name]
    answer = await desk.say(command.shown_example, by=WHO[command.authority], **desk.reply_to(1))
    assert answer or name in ANSWERED_LATER
    assert answer not in REFUSALS
    assert answer != say("en", "not_understood")
    assert (await desk.results())[0] == (name, "done")


@pytest.mark.parametrize(("name", "arguments"), [(name, wrong) for name, all_wrong in WRONG.items() for wrong in all_wrong])
async def test_wrong_arguments_are_answered_with_usage_and_example(desk: Desk, name: str, arguments: str) -> None:
    command = COMMANDS[name]
    answer = await desk.say(f"/{name} {arguments}", by=WHO[command.authority])
    assert answer is not None
    assert answer.endswith(f"Usage: {command.usage}\nExample: {command.shown_example}")
    assert await desk.results() == [(name, "wrong arguments")]


@pytest.mark.parametrize("name", COMMANDS)
async def test_a_stranger_in_private_gets_nothing(desk: Desk, name: str) -> None:
    answer = await desk.say(COMMANDS[name].shown_example, by=STRANGER, private=True)
    if COMMANDS[name].authority is Authority.STRANGER:
        assert answer
    else:
        assert answer is None


@pytest.mark.parametrize("name", COMMANDS)
async def test_in_private_the_owner_gets_an_answer(desk: Desk, name: str) -> None:
    answer = await desk.say(COMMANDS[name].shown_example, by=OWNER, private=True, **desk.reply_to(1))
    assert answer or name in ANSWERED_LATER
    if not COMMANDS[name].in_private:
        assert answer == say("en", "groups_only", command=f"/{name}")


@pytest.mark.parametrize("language", LANGUAGES)
async def test_everything_is_answered_in_the_language_of_the_chat(desk: Desk, language: str) -> None:
    await desk.services.change(GROUP, language=language)
    assert await desk.say("/optouts", by=BOB) == say(language, "optout.none")
    assert await desk.say("/callon", by=BOB) == say(language, "refused.call_manager", command="/callon")


def test_the_page_of_commands_is_current() -> None:
    from scripts.write_commands import PAGE

    assert PAGE.read_text(encoding="utf-8") == commands_page(), "run scripts/write_commands.py"
