"""Joining unasked, from the command in the group to the place in the voice chat. A32, A27-A30, K28."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.call_process import run_in_process
from tests.e2e.whole_parley import scene


async def the_nth_participant(folder: str) -> None:
    async with scene(folder) as club, club.running():
        telegram, group = club.telegram, club.group
        assert "when at least 2 people" in await club.command("/callon")
        assert "Min Participants: 3" in await club.command("/callconfig 3")
        assert "there is no voice chat" in await club.command("/callstatus")
        telegram.start_voice_chat(group, club.ann)
        telegram.enter_voice_chat(group, club.ann)
        telegram.enter_voice_chat(group, club.bob)
        await club.command_until("/callstatus", lambda told: "2 people are in the voice chat, and I join when it is 3" in told)
        assert telegram.seen("phone.JoinGroupCall", club.parley) == []
        telegram.enter_voice_chat(group, club.carol)
        await club.until(lambda: club.is_in)
        await club.until(lambda: [text for text in club.told if "joined the voice chat by myself: 3 people" in text and "AI" in text])
        assert "I am in the call" in await club.command("/callstatus")
        assert len(telegram.seen("phone.JoinGroupCall", club.parley)) == 1


async def quiet_hours(folder: str) -> None:
    async with scene(folder) as club, club.running():
        now = datetime.now(UTC)
        begin, end = (f"{now + timedelta(hours=hours):%H:%M}" for hours in (-2, 2))
        await club.command(f"/callquiet {begin} {end}")
        await club.command("/callon")
        club.telegram.start_voice_chat(club.group, club.ann)
        club.telegram.crowd(club.group, 4)
        await club.command_until("/callstatus", lambda told: f"quiet hours, from {begin} to {end} (UTC)" in told)
        assert club.telegram.seen("phone.JoinGroupCall", club.parley) == []
        await club.command("/callquiet off")
        await club.command("/callconfig 4")
        await club.until(lambda: club.is_in)


async def left_by_hand(folder: str) -> None:
    async with scene(folder) as club, club.running():
        telegram, group = club.telegram, club.group
        await club.command("/callon")
        telegram.start_voice_chat(group, club.ann)
        telegram.crowd(group, 2)
        await club.until(lambda: [text for text in club.told if "joined the voice chat by myself" in text])
        assert "left" in await club.command("/leavecall")
        assert not club.is_in
        telegram.crowd(group, 5)
        await club.command_until("/callstatus", lambda told: "I was sent out of this voice chat" in told)
        assert not club.is_in
        telegram.end_voice_chat(group, club.ann)
        telegram.start_voice_chat(group, club.bob)
        telegram.crowd(group, 2)
        await club.until(lambda: club.is_in)


async def already_running_at_the_start(folder: str) -> None:
    """Nobody tells that there is a voice chat when Parley starts: it looks."""
    async with scene(folder) as club:
        async with club.running():
            await club.command("/callon")
        club.telegram.start_voice_chat(club.group, club.ann)
        club.telegram.crowd(club.group, 2)
        async with club.running():
            await club.until(lambda: club.is_in)


def test_a27_a28_a32_the_nth_participant_has_parley_join(tmp_path: Path) -> None:
    run_in_process(the_nth_participant, str(tmp_path))


def test_a29_a30_in_quiet_hours_it_does_not_join_and_says_so(tmp_path: Path) -> None:
    run_in_process(quiet_hours, str(tmp_path))


def test_who_sends_it_away_has_peace_until_the_next_voice_chat(tmp_path: Path) -> None:
    run_in_process(left_by_hand, str(tmp_path))


def test_a_voice_chat_that_runs_when_parley_starts_is_found(tmp_path: Path) -> None:
    run_in_process(already_running_at_the_start, str(tmp_path))
