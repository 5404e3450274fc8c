"""Which checks there are, in the order in which a person would mend what they find, and how they are run."""

from __future__ import annotations

import asyncio
import inspect
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from config import Settings
from doctor import account, configuration, engines, keeping, libraries, machine, network, packages, web
from doctor.finding import Finding, failure

Examine = Callable[[], Finding | Awaitable[Finding]]


@dataclass(frozen=True, slots=True)
class Check:
    """One check; ``name`` is what programs know it by, ``title`` what people do. A function that blocks runs in a thread."""

    name: str
    title: str
    examine: Examine


@dataclass(frozen=True, slots=True)
class Examined:
    """What one check has found, and how long it took."""

    check: Check
    finding: Finding
    took_s: float


def all_checks(env_file: Path, *, quick: bool = False, stun: str | None = None) -> list[Check]:
    """Every check; ``quick`` leaves out those that load models. With settings that cannot be read only those that need none."""
    settings, finding = configuration.read(env_file)
    checks = [
        Check("configuration", "Settings", lambda: finding),
        Check("packages", "Packages", packages.versions),
        Check("system_libraries", "System libraries", libraries.system_libraries),
        Check("dead_package", "Abandoned package", packages.dead_package),
        Check("call_library", "Call library", packages.call_library),
        Check("interface", "Network", network.interface),
        Check("udp", "UDP for calls", partial(network.udp, stun)),
    ]
    return checks if settings is None else checks + _with(settings, quick)


def _with(settings: Settings, quick: bool) -> list[Check]:
    fast = [
        Check("application", "Application", partial(configuration.application, settings)),
        Check("session", "Session", partial(account.session, settings)),
        Check("telegram", "Telegram", partial(account.telegram, settings)),
        Check("disk", "Disk", partial(keeping.disk, settings)),
        Check("database", "Database", partial(keeping.database, settings)),
        Check("control_socket", "Control socket", partial(keeping.control_socket, settings)),
        Check("web_pages", "Web pages", partial(web.web_pages, settings)),
        Check("time_zone", "Time zone", partial(machine.time_zone, settings)),
        Check("memory", "Memory", partial(machine.memory, settings)),
        Check("models", "Models", partial(engines.models, settings, thorough=not quick)),
    ]
    slow = [
        Check("audio", "Speaking, hearing", partial(engines.speaking_and_hearing, settings)),
        Check("thinking", "Thinking", partial(engines.thinking, settings)),
    ]
    return fast if quick else fast + slow


async def examine(checks: list[Check], before: Callable[[Check], None] = lambda _check: None) -> AsyncIterator[Examined]:
    """Run the checks one after the other; ``before`` is told of each. A check that fails itself is a finding, too."""
    for check in checks:
        before(check)
        began_s = time.monotonic()
        finding = await _found(check)
        yield Examined(check, finding, time.monotonic() - began_s)


async def _found(check: Check) -> Finding:
    try:
        found = await asyncio.to_thread(check.examine)
        return await found if inspect.isawaitable(found) else found
    except Exception as error:
        return failure(f"The check itself failed: {type(error).__name__}: {error}.", "Report it, with the log of bot.py doctor.")
