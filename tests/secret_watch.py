"""Nothing secret may stand in any log of the whole test run: what tests and their processes write is looked through, and the run fails.

Cheap: one regular expression over what pytest has captured anyway, and over what tests hand to :func:`watch`.
"""

from __future__ import annotations

import re
from typing import Any, Final

import pytest

SECRETS: Final = (
    "0123456789abcdef0123456789abcdef",
    "fedcba9876543210fedcba9876543210",
    "correct horse",
    "hunter2",
    "s3cr3t",
    "+34600000001",
    "34600000001",
    "24680",
)
"""Values that tests use as api_hash, password, phone number and login code."""
_SECRET: Final = re.compile(
    "|".join(
        [
            *(rf"(?<!\w){re.escape(secret)}(?!\w)" for secret in SECRETS),
            r"\b1[A-Za-z0-9_-]{300,}",  # a Telethon string session
            r"Login code: \d+",  # the service's own message
            r"tg://login\?token=[A-Za-z0-9_-]+",
        ]
    )
)
MOST_LEAKS: Final = 20
_leaks: Final[list[str]] = []


def watch(text: str | bytes | None, where: str = "") -> None:
    """Look through what somebody has logged."""
    written = text.decode("utf-8", "replace") if isinstance(text, bytes) else text or ""
    found = _SECRET.search(written)
    if found and len(_leaks) < MOST_LEAKS:
        begin = written.rfind("\n", 0, found.start()) + 1
        _leaks.append(f"{where}: {written[begin : found.end()][:300]}")


def leaks() -> list[str]:
    """The lines with secrets so far."""
    return list(_leaks)


@pytest.hookimpl
def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """What was captured of one test."""
    for title, text in report.sections:
        watch(text, f"{report.nodeid}, {title}")


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """One of several test processes has ended: what it saw counts."""
    _leaks.extend(leak for leak in getattr(node, "workeroutput", {}).get("leaks", ()) if leak not in _leaks)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """The run fails if a secret was seen."""
    if (output := getattr(session.config, "workeroutput", None)) is not None:
        output["leaks"] = leaks()
    if _leaks:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.hookimpl
def pytest_terminal_summary(terminalreporter: Any) -> None:
    """The lines, for whoever has to mend it."""
    if _leaks:
        terminalreporter.section("secrets in logs", red=True)
        terminalreporter.write_line("\n".join(_leaks))
