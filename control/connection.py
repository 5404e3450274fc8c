"""One client of the control socket: what it asks is answered, and what happens in calls is told to it."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Final

from control.events import INCOMING, Told
from control.framing import Frame, Framer, Framing, framed
from control.jsonrpc import Caller, Dispatcher
from control.outbox import Outbox

SLICE_BYTES: Final = 8_192
"""So much is read before others have their turn."""
MOST_REQUESTS: Final = 32
"""Being answered at once; what is sent beyond them stays unread meanwhile."""
SEND_BUFFER_BYTES: Final = 65_536
SILENT_S: Final = 2.0
"""Who has sent nothing for so long only listens, and is told what happens in lines; before that nobody knows its framing."""


class Connection:
    """Lasts until the client sends no more and everything it has asked is answered.

    A client that has not subscribed is told nothing while a request of its is being answered: simple ones take the next message for the
    answer. One that has subscribed is told everything as it happens.
    """

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, dispatcher: Dispatcher) -> None:
        self._reader = reader
        self._writer = writer
        self._dispatcher = dispatcher
        self._framer = Framer()
        self._outbox = Outbox()
        self._caller = Caller(self)
        self._room = asyncio.Semaphore(MOST_REQUESTS)
        self._unanswered = 0
        self._knows_framing = False
        self._subscribed = False
        self._types: frozenset[str] | None = None
        self._chat_ids: frozenset[int] | None = None
        writer.transport.set_write_buffer_limits(high=SEND_BUFFER_BYTES)

    # ---- what it is told

    def subscribe(self, types: frozenset[str] | None, chat_ids: frozenset[int] | None) -> None:
        """From now on it is told this, and at once."""
        self._types, self._chat_ids, self._subscribed = types, chat_ids, True
        self._decide_when_to_tell()

    def attends(self, user_id: int) -> bool:
        """It may want to answer a call of this user: it has answered calls before, or is told of theirs because it has asked to by name."""
        by_name = self._types is not None and INCOMING in self._types
        return (by_name or self._caller.answers_calls) and self._is_told(INCOMING, user_id)

    def tell(self, what: Told, message: bytes) -> None:
        """Something has happened; ``message`` says it as a notification."""
        if self._is_told(what.type, what.chat_id):
            self._outbox.notify(message)

    def _is_told(self, type_: str, chat_id: int) -> bool:
        return (self._types is None or type_ in self._types) and (self._chat_ids is None or chat_id == 0 or chat_id in self._chat_ids)

    def _decide_when_to_tell(self) -> None:
        answering = self._unanswered > 0 and not self._subscribed
        self._outbox.hold_back(answering or not self._knows_framing)

    def _framing_is_known(self) -> None:
        self._knows_framing = True
        self._decide_when_to_tell()

    # ---- its life

    async def run(self) -> None:
        """Serve it until it has gone. What it has asked for is done even if it does not wait for the answer."""
        self._decide_when_to_tell()
        silent = asyncio.get_running_loop().call_later(SILENT_S, self._framing_is_known)
        writing = asyncio.create_task(self._write(), name="control socket: writing")
        try:
            await self._read()
            await self.flush()
        finally:
            silent.cancel()
            writing.cancel()
            await asyncio.wait({writing})

    async def flush(self) -> None:
        """Wait until everything is on its way that may be sent now, or cannot be sent any more."""
        await self._outbox.empty()
        with contextlib.suppress(ConnectionError):
            await self._writer.drain()

    async def _read(self) -> None:
        async with asyncio.TaskGroup() as group:
            with contextlib.suppress(ConnectionError):
                while data := await self._reader.read(SLICE_BYTES):
                    for frame in self._framer.feed(data):
                        await self._ask(group, frame)
                    self._framing_is_known()
                    await asyncio.sleep(0)
            for frame in self._framer.end():
                await self._ask(group, frame)

    async def _ask(self, group: asyncio.TaskGroup, frame: Frame) -> None:
        await self._room.acquire()
        self._unanswered += 1
        self._decide_when_to_tell()
        group.create_task(self._answer(frame))

    async def _answer(self, frame: Frame) -> None:
        try:
            if (answer := await self._dispatcher.answer(frame, self._caller)) is not None:
                await self._outbox.answer(answer)
        finally:
            self._room.release()
            self._unanswered -= 1
            self._decide_when_to_tell()

    async def _write(self) -> None:
        try:
            while True:
                messages = await self._outbox.next()
                framing = self._framer.framing or Framing.LINES
                self._writer.write(b"".join(framed(message, framing) for message in messages))
                await self._writer.drain()
        except ConnectionError:
            return
        finally:
            self._outbox.close()
