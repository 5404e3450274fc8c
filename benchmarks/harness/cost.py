"""What the running process has cost so far."""

from __future__ import annotations

import os
import resource
from pathlib import Path


def cpu_s() -> float:
    """Processor time of this process and the processes it waited for or runs (Linux), in seconds."""
    own = resource.getrusage(resource.RUSAGE_SELF)
    return own.ru_utime + own.ru_stime + sum(_cpu_s_of(child) for child in _children())


def rss_mb() -> float:
    """Memory held by this process and its children, in MB."""
    return sum(_rss_mb_of(process) for process in (os.getpid(), *_children()))


def _children() -> list[int]:
    try:
        return [int(pid) for task in Path("/proc/self/task").iterdir() for pid in (task / "children").read_text(encoding="ascii").split()]
    except OSError:
        return []


def _cpu_s_of(pid: int) -> float:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _rss_mb_of(pid: int) -> float:
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1])
    except OSError:
        return 0.0
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6
