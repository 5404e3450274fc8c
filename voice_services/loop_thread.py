"""An event loop in a thread of its own, for programs that know nothing of asyncio."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from functools import cache
from typing import Any, TypeVar

Result = TypeVar("Result")


@cache
def _loop() -> asyncio.AbstractEventLoop:
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, name="voice services", daemon=True).start()
    return loop


def wait_for(work: Coroutine[Any, Any, Result]) -> Result:
    """The result of ``work``, which the loop of that thread does; what it raises is raised here."""
    return asyncio.run_coroutine_threadsafe(work, _loop()).result()
