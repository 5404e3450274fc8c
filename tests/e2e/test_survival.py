"""Parley survives: killed, crashed, stuck, stopped and restarted it comes back to its calls, and what was asked meanwhile is answered once.

Each scenario prints how long things took (``pytest -s`` shows it).
"""

from __future__ import annotations

import asyncio
import os
import signal
import time

import pytest

from errors import EXIT_SETTINGS
from loopback.people.pacer import Pacer
from loopback.people.person import Person
from storage.database import FILE_NAME
from tests.call_process import run_in_process
from tests.e2e.running_bot import Town, a_town, is_alive, until

SCENARIO_WITHIN_S = 280
TEST_WITHIN_S = 600
"""A scenario that dies natively is played once more."""


async def five_calls_survive_a_kill() -> None:
    async with a_town(groups=5) as town:
        bot = await town.start_bot()
        await bot.ready()
        await town.join_everywhere()
        places, child, joins = town.places(), bot.child, town.joins()
        bot.send(signal.SIGKILL)
        await until(lambda: not is_alive(child), "the bot ends with its supervisor")
        asked = town.telegram.say(town.groups[0], town.ann, "/callinfo")
        began_s = time.monotonic()
        again = await town.start_bot()
        ready_s = await again.ready()
        await town.all_in(places, "Parley is back in every call")
        print(f"SIGKILL with 5 calls: ready after {ready_s:.1f} s, all back after {time.monotonic() - began_s:.1f} s")
        print(f"joins after the kill: {town.joins() - joins}")
        await town.answered_once(town.groups[0], asked)
        assert again.said("FLOOD") == 0


async def back_after_a_signal(name: str) -> None:
    async with a_town(groups=3) as town:
        bot = await town.start_bot()
        await bot.ready()
        await town.join_everywhere()
        places, child, joins = town.places(), bot.child, town.joins()
        os.kill(child, signal.Signals[name])
        began_s = time.monotonic()
        asked = town.telegram.say(town.groups[0], town.ann, "/callinfo")
        await town.all_in(places, "Parley is back in every call")
        print(f"{name} of the bot: back in 3 calls after {time.monotonic() - began_s:.1f} s, with {town.joins() - joins} joins")
        await until(lambda: town.replies_to(town.groups[0], asked), "answered", log=bot.log)
        print(f"the command sent meanwhile was answered after {time.monotonic() - began_s:.1f} s")
        assert "In Call" in await town.answered_once(town.groups[0], asked)
        assert not is_alive(child)
        assert bot.process.returncode is None


async def a_stop_says_good_bye() -> None:
    async with a_town(groups=1) as town, Pacer() as pacer:
        bot = await town.start_bot()
        await bot.ready()
        ann = Person("Ann", town.telegram.session_for(town.ann), pacer)
        await ann.connect()
        try:
            await ann.join_call(town.groups[0].dialog_id)
            await town.join_everywhere()
            await asyncio.sleep(1.0)
            since_s = time.monotonic()
            bot.send(signal.SIGTERM)
            await ann.wait_until_heard(town.parley.id, since_s=since_s, audible_ms=200)
            code = await bot.ended()
            print(f"SIGTERM: heard good-bye, ended after {time.monotonic() - since_s:.1f} s")
            assert code == 0, bot.log()
            assert town.in_calls() == 0
            again = await town.start_bot()
            await again.ready()
            await town.all_in({}, "the call is still wanted")
            again.send(signal.SIGINT)
            assert await again.ended() == 0
        finally:
            await ann.disconnect()


async def restarted_by_its_owner() -> None:
    async with a_town(groups=1) as town:
        bot = await town.start_bot(OWNER_ID=str(town.ann.id))
        await bot.ready()
        await town.join_everywhere()
        places, child = town.places(), bot.child
        began_s = time.monotonic()
        asked = town.telegram.say(town.groups[0], town.ann, "/restart")
        await bot.ready(times=2)
        await town.all_in(places, "Parley is back in its call")
        print(f"/restart: back after {time.monotonic() - began_s:.1f} s")
        await town.answered_once(town.groups[0], asked)
        assert bot.child != child
        assert bot.said("Parley is ready") == 2, "the /restart is not obeyed a second time"


async def only_one_process_on_a_session() -> None:
    async with a_town(groups=1) as town:
        bot = await town.start_bot()
        await bot.ready()
        second = await town.start_bot(DATA_DIR=str(town.folder / "other"))
        assert await second.ended() == EXIT_SETTINGS
        assert f"in use by another Parley: process {bot.child}" in second.log()
        third = await town.start_bot()
        assert await third.ended() != 0
        assert f"{FILE_NAME} is in use by another Parley (process {bot.child}" in third.log()
        assert "database is locked" not in second.log() + third.log()
        await answers(town)


async def commands_of_an_outage_are_obeyed_once() -> None:
    async with a_town(groups=1) as town:
        bot = await town.start_bot()
        await bot.ready()
        await answers(town)
        await town.telegram.begin_outage(town.parley)
        asked = town.telegram.say(town.groups[0], town.ann, "/callinfo")
        await asyncio.sleep(5)
        await town.telegram.end_outage(town.parley)
        await town.answered_once(town.groups[0], asked, settle_s=20.0)


async def answers(town: Town) -> None:
    await town.answered_once(town.groups[0], town.telegram.say(town.groups[0], town.ann, "/callinfo"), settle_s=0.5)


@pytest.mark.timeout(TEST_WITHIN_S)
def test_killed_with_five_calls_it_is_back_in_all_of_them_when_it_is_started_again() -> None:
    print(run_in_process(five_calls_survive_a_kill, timeout_s=SCENARIO_WITHIN_S))


@pytest.mark.timeout(TEST_WITHIN_S)
@pytest.mark.parametrize("name", ["SIGSEGV", "SIGSTOP"])
def test_after_a_native_crash_or_a_dead_lock_it_comes_back_by_itself(name: str) -> None:
    print(run_in_process(back_after_a_signal, name, timeout_s=SCENARIO_WITHIN_S))


@pytest.mark.timeout(TEST_WITHIN_S)
def test_stopped_it_says_good_bye_and_the_call_stays_wanted() -> None:
    print(run_in_process(a_stop_says_good_bye, timeout_s=SCENARIO_WITHIN_S))


@pytest.mark.timeout(TEST_WITHIN_S)
def test_its_owner_restarts_it_once() -> None:
    print(run_in_process(restarted_by_its_owner, timeout_s=SCENARIO_WITHIN_S))


@pytest.mark.timeout(TEST_WITHIN_S)
def test_a_second_process_on_the_same_session_is_refused_and_told_who_holds_it() -> None:
    print(run_in_process(only_one_process_on_a_session, timeout_s=SCENARIO_WITHIN_S))


@pytest.mark.timeout(TEST_WITHIN_S)
def test_what_was_asked_during_an_outage_is_answered_once() -> None:
    print(run_in_process(commands_of_an_outage_are_obeyed_once, timeout_s=SCENARIO_WITHIN_S))
