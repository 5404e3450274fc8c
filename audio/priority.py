"""On which cores models run, and before what: a frame that is late is heard, a model that waits a millisecond longer is not."""

from __future__ import annotations

import os
import sys
import threading
from importlib import import_module
from types import ModuleType
from typing import Final

MODEL_NICENESS: Final = 5
OPENMP_BINDING: Final = "OMP_PROC_BIND"
"""Read by the library when it is loaded, and never again."""


def give_way_to_sound() -> None:
    """Lower the priority of the calling thread, and of the threads that it starts from then on. Linux only; elsewhere nothing happens."""
    if sys.platform == "linux":
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), MODEL_NICENESS)


def imported_with_bound_threads(name: str) -> ModuleType:
    """The module ``name``, whose OpenMP library keeps each of its threads on a core of its own. Must be the first import of it. Linux only.

    Threads that sleep between two pieces of work are else woken on one and the same core: on two cores Whisper's encoder then takes 63 ms
    instead of 39 for 12 s of sound. The thread that imports is bound as well by that, and freed again.
    """
    if sys.platform != "linux" or OPENMP_BINDING in os.environ:
        return import_module(name)
    cores = os.sched_getaffinity(0)
    os.environ[OPENMP_BINDING] = "true"
    try:
        return import_module(name)
    finally:
        del os.environ[OPENMP_BINDING]
        os.sched_setaffinity(0, cores)
