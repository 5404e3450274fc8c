"""A program that becomes another one which ends when its parent does, however hard that was killed (Linux; elsewhere it only becomes it).

    python die_with_parent.py PARENT_PID PROGRAM [ARGUMENT…]

It asks the kernel for a SIGKILL at the parent's death (prctl(2), PR_SET_PDEATHSIG) and then executes the program, which keeps that.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def main(parent_pid: int, program: list[str]) -> None:
    """Become ``program``; ends at once if the parent has already ended."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent_pid:
            sys.exit(1)
    os.execvp(program[0], program)


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])
