"""Run as a program: opens a database as Parley does, says so, and keeps it until its input ends."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from storage.database import Database


async def main() -> None:
    """Hold the database named on the command line."""
    database = await Database.open(Path(sys.argv[1]))
    print("open", flush=True)
    await asyncio.to_thread(sys.stdin.read)
    await database.close()


if __name__ == "__main__":
    asyncio.run(main())
