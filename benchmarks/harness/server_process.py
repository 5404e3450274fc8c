"""The Parley of a load benchmark: a process of its own, so that its callers cost it nothing."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import Any, Final

from errors import ParleyError

ROOT: Final = Path(__file__).resolve().parents[2]


class ServerProcess:
    """A program that prints one line of JSON when it is ready, and another for each line that it is sent; it ends with its input."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    @classmethod
    async def start(cls, module: str, *arguments: str) -> ServerProcess:
        """Start it; :meth:`told` then gives what it is to be known by, such as its port."""
        pipe = asyncio.subprocess.PIPE
        return cls(await asyncio.create_subprocess_exec(sys.executable, "-m", module, *arguments, stdin=pipe, stdout=pipe, cwd=ROOT))

    async def told(self) -> dict[str, Any]:
        """The next line it tells.

        :raises errors.ParleyError: it has ended.
        """
        assert self._process.stdout is not None
        line = await self._process.stdout.readline()
        if not line:
            raise ParleyError("The server has ended.")
        return dict(json.loads(line))

    async def figures(self) -> dict[str, Any]:
        """What it has measured since it was asked last."""
        assert self._process.stdin is not None
        self._process.stdin.write(b"\n")
        return await self.told()

    async def stop(self) -> None:
        """End it."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        await self._process.wait()
