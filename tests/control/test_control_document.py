"""docs/control-socket.md tells of everything there is."""

from __future__ import annotations

from pathlib import Path

import pytest

from control.controlled import dispatcher_of
from control.events import NOTIFICATIONS
from control.framing import LONGEST
from control.json_text import DEEPEST, MOST_TOKENS
from control.jsonrpc import MOST_IN_A_BATCH
from control.outbox import MOST_NOTIFICATIONS
from control.rpc_errors import Code
from tests.control.stage import Calls, services
from version import VERSION

ROOT = Path(__file__).resolve().parents[2]
DOCUMENT = (ROOT / "docs" / "control-socket.md").read_text(encoding="utf-8")


async def test_every_method_and_parameter_is_told(tmp_path: Path) -> None:
    async with services(tmp_path, Calls()) as made:
        for method in dispatcher_of(made).methods.values():
            assert f"`{method.name}`" in DOCUMENT
            for name in method.params.model_fields:
                assert f"`{name}`" in DOCUMENT


@pytest.mark.parametrize("name", NOTIFICATIONS)
def test_every_notification_is_told(name: str) -> None:
    assert f"`{name}`" in DOCUMENT


@pytest.mark.parametrize("code", list(Code))
def test_every_error_is_told(code: Code) -> None:
    assert f"| {int(code)} |" in DOCUMENT


def test_the_limits_are_told() -> None:
    told = DOCUMENT.replace("\n", " ")
    assert (LONGEST, DEEPEST, MOST_TOKENS, MOST_IN_A_BATCH, MOST_NOTIFICATIONS) == (1 << 20, 64, 20_000, 50, 256)
    assert "1 MiB, 64 levels and 20,000 values" in told
    assert "at most 50 requests" in told
    assert "more than 256 waited" in told


def test_the_version_is_the_projects() -> None:
    assert f'version = "{VERSION}"' in (ROOT / "pyproject.toml").read_text(encoding="utf-8")
