"""How several test processes (``pytest -n 4``) share the tests: what waits longest begins first, and nothing is prepared twice."""

from __future__ import annotations

from typing import Any, Final

import pytest

EACH_BY_ITSELF: Final = "tests/e2e/"
"""The tests of these modules may run in several processes at once; those of every other module share what they have loaded."""
SHARE_A_PREPARATION: Final = ("tests/e2e/test_error_table.py", "tests/e2e/test_browser_call.py")


def scope_of(test_id: str) -> str:
    """Tests of the same scope run one after the other in one process."""
    module = test_id.partition("::")[0]
    return test_id if module.startswith(EACH_BY_ITSELF) and module not in SHARE_A_PREPARATION else module


def order_of(test_id: str) -> bool:
    """What comes first begins first."""
    return not test_id.startswith(EACH_BY_ITSELF)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Sort the tests."""
    items.sort(key=lambda item: order_of(item.nodeid))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> object:
    """Give each process the next scope when it has nothing to do."""
    from xdist.scheduler import LoadScopeScheduling

    class Sharing(LoadScopeScheduling):  # type: ignore[misc]
        def _split_scope(self, nodeid: str) -> str:
            return scope_of(nodeid)

    config.option.loadscopereorder = False
    return Sharing(config, log)
