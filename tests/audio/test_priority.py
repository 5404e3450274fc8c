"""On which cores models run."""

from __future__ import annotations

import json
import subprocess
import sys

LOOK = """
import json, os, threading
from audio.priority import imported_with_bound_threads
before = os.sched_getaffinity(0)
imported_with_bound_threads("ctranslate2")
started = []
thread = threading.Thread(target=lambda: started.append(os.sched_getaffinity(0)))
thread.start(); thread.join()
print(json.dumps({"same": os.sched_getaffinity(0) == before == started[0], "left": "OMP_PROC_BIND" in os.environ}))
"""


def test_only_the_librarys_own_threads_are_bound_to_cores() -> None:
    told = json.loads(subprocess.run([sys.executable, "-c", LOOK], capture_output=True, text=True, check=True).stdout)
    assert told == {"same": True, "left": False}
