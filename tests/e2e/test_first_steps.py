"""A new admin follows the README, or nothing but ``/help``, and has a group in which Parley comes by itself and is quiet at night."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from handlers.wording import say
from tests.call_process import Scenario, run_in_process
from tests.e2e.whole_parley import Scene, scene

README = Path(__file__).parents[2] / "README.md"
SECTION = "## In your group: auto-join, quiet hours, who may do what"
JOINING = "phone.JoinGroupCall"
QUIET = "22:00–08:00 (Europe/Madrid)"
NOT_UNDERSTOOD = ("Usage:", "Only ", "Something went wrong")


def blocks() -> list[list[str]]:
    """The messages of each block of the README's section, in order."""
    section = README.read_text(encoding="utf-8").split(SECTION)[1].split("\n## ")[0]
    return [block.split("\n") for block in re.findall(r"```text\n(.+?)\n```", section, re.DOTALL)]


async def send_each(club: Scene, messages: list[str]) -> list[str]:
    answers = [await club.command(message) for message in messages]
    assert not [answer for answer in answers if any(sign in answer for sign in NOT_UNDERSTOOD)], answers
    return answers


async def comes_by_itself(club: Scene, status: str) -> None:
    """Three people meet: Parley comes, at once or (at night) when the quiet hours are taken back."""
    telegram, before = club.telegram, len(club.telegram.seen(JOINING, club.parley))
    assert "Enabled: yes" in status
    assert "Min Participants: 3" in status
    assert QUIET in status
    telegram.start_voice_chat(club.group, club.ann)
    telegram.enter_voice_chat(club.group, club.ann)
    telegram.enter_voice_chat(club.group, club.bob)
    is_night = "quiet hours, from 22:00" in await club.command("/callstatus")
    assert not club.is_in
    telegram.enter_voice_chat(club.group, club.carol)
    if is_night:
        assert not club.is_in
        assert "No more quiet hours" in await club.command("/callquiet off")
    await club.until(lambda: club.is_in)
    assert len(telegram.seen(JOINING, club.parley)) == before + 1


async def the_readme(folder: str) -> None:
    async with scene(folder) as club, club.running():
        club.telegram.start_voice_chat(club.group, club.ann)
        club.bob.username = "bob"
        by_hand, by_itself, rights = blocks()
        joined, info, left = await send_each(club, by_hand)
        assert (joined, left) == (say("en", "join.joined"), say("en", "join.left"))
        assert "In Call: ✅ Yes" in info
        club.telegram.end_voice_chat(club.group, club.ann)
        status = (await send_each(club, by_itself))[-1]
        assert str(club.bob.id) in (await send_each(club, rights))[1]
        await comes_by_itself(club, status)


async def nothing_but_help(folder: str) -> None:
    async with scene(folder) as club, club.running():
        help_text = await club.command("/help")
        messages = [line for line in help_text.split("\n") if line.startswith("/") and line.count("/") - line.count("=Europe/") == 1]
        assert messages[0] == "/callon"
        status = (await send_each(club, [message for message in messages if not message.startswith("/help")]))[-1]
        assert "/joincall" in await club.command("/help", by=club.bob)
        await comes_by_itself(club, status)


@pytest.mark.parametrize("scenario", [the_readme, nothing_but_help], ids=lambda scenario: str(scenario.__name__))
def test_a_new_admin_sets_a_group_up(scenario: Scenario, tmp_path: Path) -> None:
    run_in_process(scenario, str(tmp_path), timeout_s=110)


def test_the_readme_and_help_name_the_same_steps() -> None:
    _, by_itself, _ = blocks()
    assert "\n".join(by_itself) in say("en", "help_list.start")
