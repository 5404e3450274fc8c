"""Replies to commands that take a while: they say first what goes on, and are then edited to what came of it."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Any, Final

from handlers.sender import Sender
from handlers.status import StatusMessages

PURPOSE: Final = "reply"
MOST_REMEMBERED: Final = 50


class _Reply:
    """Writes what is shown as a reply to ``message``."""

    def __init__(self, sender: Sender, message: Any) -> None:
        self._sender = sender
        self._message = message

    async def send(self, chat_id: int, text: str) -> int | None:
        """See :class:`handlers.status.Writes`."""
        return await self._sender.send(await self._message.get_input_chat(), chat_id, text, reply_to=self._message.id)

    async def edit(self, chat_id: int, message_id: int, text: str) -> bool:
        """See :class:`handlers.status.Writes`."""
        return await self._sender.edit(await self._message.get_input_chat(), chat_id, message_id, text)


class ProgressReplies:
    """Such replies, to the messages of all chats. ``clock`` gives seconds, ``sleep`` waits for some."""

    def __init__(
        self,
        sender: Sender,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._sender = sender
        self._clock = clock
        self._sleep = sleep
        self._shown: OrderedDict[tuple[int, int], StatusMessages] = OrderedDict()

    async def tell(self, message: Any, text: str) -> None:
        """Reply to ``message`` what goes on."""
        reply = StatusMessages(_Reply(self._sender, message), self._clock, self._sleep)
        reply = self._shown.setdefault((message.chat_id, message.id), reply)
        await reply.show(message.chat_id, PURPOSE, text)
        if len(self._shown) > MOST_REMEMBERED:
            await self._shown.popitem(last=False)[1].close()

    async def finish(self, message: Any, text: str) -> bool:
        """Have the reply to ``message`` say what came of it, as soon as it may be edited; false if nothing was replied so far."""
        reply = self._shown.get((message.chat_id, message.id))
        if reply is None or not reply.shows(message.chat_id, PURPOSE):
            return False
        await reply.show(message.chat_id, PURPOSE, text)
        return True

    async def close(self) -> None:
        """Leave all of them as they are."""
        for reply in self._shown.values():
            await reply.close()
