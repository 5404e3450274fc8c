"""Run as a program: uses a database as somebody who may do less; prints what came of it, one JSON object."""

from __future__ import annotations

import asyncio
import json
import os
import resource
import sys
import tempfile
from pathlib import Path

from storage import chats, desired
from storage.database import Database
from storage.errors import StorageError

NOBODY = 65534


async def use(path: Path) -> dict[str, object]:
    """Open, read and write."""
    try:
        database = await Database.open(path)
    except StorageError as error:
        return {"opening": str(error)}
    came = {"wanted": [call.chat_id for call in await desired.wanted(database)], "writable": database.is_writable, "writing": ""}
    try:
        await chats.change(database, -5, persona="a pirate " * 200_000)
    except StorageError as error:
        came["writing"] = str(error)
    came["title"] = (await chats.get(database, -5)).title
    await database.close()
    return came


if __name__ == "__main__":
    how, file = sys.argv[1:]
    with tempfile.TemporaryDirectory() as folder:  # all that Python imports late is imported while everything may be read
        asyncio.run(use(Path(folder) / "parley.db"))
    if how == "nobody" and os.geteuid() == 0:
        os.setuid(NOBODY)
    elif how != "nobody":
        resource.setrlimit(resource.RLIMIT_FSIZE, (int(how), int(how)))
    print(json.dumps(asyncio.run(use(Path(file)))))
