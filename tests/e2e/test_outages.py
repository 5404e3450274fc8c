"""The network goes and comes back: Parley is heard again, and hears. Outages of 30 s: ``python -m tests.e2e.outage_scenarios``."""

from __future__ import annotations

from tests.call_process import run_in_process
from tests.e2e import outage_scenarios as scenarios

OUTAGE_S = "8"


def test_when_all_of_telegram_was_away() -> None:
    run_in_process(scenarios.outage_of_everybody, OUTAGE_S, timeout_s=110)


def test_when_only_parley_was_cut_off() -> None:
    run_in_process(scenarios.outage_of_parley, OUTAGE_S, timeout_s=110)


def test_when_only_the_sound_was_lost() -> None:
    run_in_process(scenarios.media_lost, timeout_s=110)


def test_when_the_server_took_parley_out() -> None:
    run_in_process(scenarios.taken_out, timeout_s=110)
