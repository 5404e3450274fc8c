"""What the doors of the HTTP server need of the rest of the house, gathered in one place."""

from __future__ import annotations

from dataclasses import dataclass

from prometheus_client import CollectorRegistry

from calls.browser_calls import BrowserCalls
from calls.drafting import Engines
from calls.events import EventBus
from calls.guest_calls import GuestCalls
from calls.lines.pacer import Pacer
from config import Settings
from control.services import ControlServices
from storage.database import Database


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpServices:
    """Made once at the start. ``pacer`` pulls the lines of all calls, ``control`` is what the control socket goes by as well,
    ``registry`` collects the metrics, where they are counted."""

    settings: Settings
    guests: GuestCalls
    engines: Engines
    pacer: Pacer
    bus: EventBus
    database: Database
    control: ControlServices
    browser_calls: BrowserCalls | None = None
    """``None``: there is no call page."""
    registry: CollectorRegistry | None = None
