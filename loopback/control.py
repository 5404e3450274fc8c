"""The control port: one JSON object a line, ``{"op": "flood", "method": "phone.*", "seconds": 40}``, and one in answer.

People are named by id, username or first name, chats by id, title or username. ``{"op": "help"}`` lists what can be done.
"""

from __future__ import annotations

import asyncio
import inspect
import json
import logging
from typing import Any, Final

from loopback.operations import ControlError, Operations
from loopback.telegram import LoopbackTelegram

log = logging.getLogger(__name__)

MAX_LINE_BYTES: Final = 16 << 20


class ControlServer:
    """Listens on 127.0.0.1."""

    def __init__(self, telegram: LoopbackTelegram, port: int = 0) -> None:
        self.port = port
        self._operations = Operations(telegram)
        self._listener: asyncio.Server | None = None

    async def start(self) -> None:
        """Open the port.

        :raises OSError: it is taken.
        """
        self._listener = await asyncio.start_server(self._serve, "127.0.0.1", self.port, limit=MAX_LINE_BYTES)
        self.port = self._listener.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Close the port."""
        if self._listener is not None:
            self._listener.close()
            self._listener = None

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while line := await reader.readline():
                writer.write(json.dumps(await self._answer(line)).encode() + b"\n")
                await writer.drain()
        except (ValueError, ConnectionError) as error:
            log.warning("control connection ended: %s", error)
        finally:
            writer.close()

    async def _answer(self, line: bytes) -> dict[str, Any]:
        try:
            command = json.loads(line)
            if not isinstance(command, dict):
                raise ControlError("a command is a JSON object with the key 'op'")
            operation = self._operations.named(str(command.pop("op", "")))
            inspect.signature(operation).bind(**command)
            result = operation(**command)
            return {"ok": True, "result": await result if inspect.isawaitable(result) else result}
        except (ControlError, ValueError, TypeError) as error:
            return {"ok": False, "error": str(error)}
        except Exception as error:
            log.exception("a control command failed")
            return {"ok": False, "error": repr(error)}
