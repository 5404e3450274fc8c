"""The control socket: other programs of the same user ask, are answered, and are told what happens in calls."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import socket
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Final

from calls.events import CallEvent, EventBus
from control.connection import SLICE_BYTES, Connection
from control.events import told
from control.framing import Framing, framed
from control.jsonrpc import Dispatcher
from control.messages import VERSION, encoded, notification
from control.rpc_errors import Code, RpcError
from control.socket_file import listening, peer_uid, remove

log = logging.getLogger(__name__)

MOST_CLIENTS: Final = 64
FLUSH_S: Final = 1.0
"""What clients may take to read the rest when Parley ends."""
TURN_AWAY_S: Final = 1.0
ROOT: Final = 0


class ControlServer:
    """Listens at ``path`` inside ``async with``, which raises :class:`control.socket_file.SocketError` when it cannot.

    Only programs of this user and of root are served; ``uid_of`` tells whose a connection is. ``wall_clock`` gives seconds since the epoch.
    """

    def __init__(
        self,
        path: Path,
        dispatcher: Dispatcher,
        bus: EventBus,
        *,
        uid_of: Callable[[socket.socket], int | None] = peer_uid,
        wall_clock: Callable[[], float] = time.time,
    ) -> None:
        self.path = path
        self._dispatcher = dispatcher
        self._bus = bus
        self._uid_of = uid_of
        self._wall_clock = wall_clock
        self._clients: dict[Connection, asyncio.Task[None]] = {}
        self._turned_away = 0
        self._exits = contextlib.AsyncExitStack()

    async def __aenter__(self) -> ControlServer:
        listener = await asyncio.to_thread(listening, self.path)
        self._exits.callback(remove, self.path, self.path.lstat())
        server = await asyncio.start_unix_server(self._connected, sock=listener)
        self._exits.push_async_callback(self._end_clients)
        self._exits.callback(server.close)
        self._exits.callback(self._bus.subscribe(self._tell))
        log.info("Other programs control Parley at %s.", self.path)
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        await self._exits.aclose()

    def attended(self, user_id: int) -> bool:
        """Whether a program may want to answer a call of this user; see :meth:`control.connection.Connection.attends`."""
        return any(client.attends(user_id) for client in self._clients)

    async def _end_clients(self) -> None:
        clients = dict(self._clients)
        if not clients:
            return
        await asyncio.wait([asyncio.create_task(client.flush()) for client in clients], timeout=FLUSH_S)
        for task in clients.values():
            task.cancel()
        await asyncio.wait(clients.values())

    # ---- clients

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            if (refusal := self._refusal(writer)) is not None:
                await self._turn_away(reader, writer, refusal)
                return
            await self._serve(Connection(reader, writer, self._dispatcher))
        except asyncio.CancelledError:
            writer.transport.abort()
        finally:
            writer.close()

    async def _serve(self, client: Connection) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._clients[client] = task
        try:
            await client.run()
        finally:
            del self._clients[client]

    def _refusal(self, writer: asyncio.StreamWriter) -> RpcError | None:
        uid = self._uid_of(writer.get_extra_info("socket"))
        if uid is not None and uid not in (os.geteuid(), ROOT):
            log.warning("A program of another user (%s) is refused at the control socket.", uid)
            return RpcError(Code.FORBIDDEN, "Only programs of the user that Parley runs as may control it.")
        if len(self._clients) >= MOST_CLIENTS:
            return RpcError(Code.BUSY, f"There are {MOST_CLIENTS} clients already.")
        return None

    async def _turn_away(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, refusal: RpcError) -> None:
        """Say why, and give a program that sends first the time to read it."""
        message = encoded({"jsonrpc": VERSION, "error": refusal.as_json(), "id": None})
        assert message is not None
        writer.write(framed(message, Framing.LINES))
        writer.write_eof()
        if self._turned_away >= MOST_CLIENTS:
            return
        self._turned_away += 1
        try:
            async with asyncio.timeout(TURN_AWAY_S):
                while await reader.read(SLICE_BYTES):
                    pass
        except (TimeoutError, ConnectionError):
            return
        finally:
            self._turned_away -= 1

    # ---- what happens

    def _tell(self, event: CallEvent) -> None:
        if not self._clients:
            return
        at = self._wall_clock() - (asyncio.get_running_loop().time() - event.at_s)
        if (what := told(event, at)) is not None:
            message = notification(what.type, what.params)
            for client in self._clients:
                client.tell(what, message)
