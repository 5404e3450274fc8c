"""Scenarios with real calls mostly wait for sound: a few at a time run side by side."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import cast

import pytest

from tests.call_process import Scenario, run_in_process

AT_ONCE = 3
SCENARIO_TIMEOUT_S = 150.0


@pytest.fixture(scope="module")
def running(request: pytest.FixtureRequest) -> Iterator[dict[Scenario, Future[str]]]:
    """The output to come of every scenario that the chosen tests of this module ask for with ``scenario``."""
    chosen = [item for item in request.session.items if isinstance(item, pytest.Function) and item.module is request.module]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        scenarios: list[Scenario] = [cast(Scenario, item.callspec.params["scenario"]) for item in chosen]
        yield {scenario: pool.submit(run_in_process, scenario, timeout_s=SCENARIO_TIMEOUT_S) for scenario in scenarios}
