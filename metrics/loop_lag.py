"""How late the event loop is: what every frame, answer and command waits for in addition."""

from __future__ import annotations

import asyncio
from typing import Final

from prometheus_client import CollectorRegistry, Histogram

LOOK_EVERY_S: Final = 0.25
BUCKETS_S: Final = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 4.0)


async def watch_lag(registry: CollectorRegistry, every_s: float = LOOK_EVERY_S) -> None:
    """Measure until cancelled."""
    lag = Histogram("parley_event_loop_lag_seconds", "How late the event loop wakes who sleeps.", buckets=BUCKETS_S, registry=registry)
    now_s = asyncio.get_running_loop().time
    while True:
        due_s = now_s() + every_s
        await asyncio.sleep(every_s)
        lag.observe(max(0.0, now_s() - due_s))
