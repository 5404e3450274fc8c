"""Models give way to sound: a frame that is late is heard, a model that waits a millisecond longer is not."""

from __future__ import annotations

import os
import sys
import threading
from typing import Final

MODEL_NICENESS: Final = 5


def give_way_to_sound() -> None:
    """Lower the priority of the calling thread, and of the threads that it starts from then on. Linux only; elsewhere nothing happens."""
    if sys.platform == "linux":
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), MODEL_NICENESS)
