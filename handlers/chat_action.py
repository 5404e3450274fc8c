"""What others see of the work on an answer: "records a voice message…", "types…"."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from types import TracebackType
from typing import Any, Final, Self

from telethon import TelegramClient
from telethon.errors import RPCError
from telethon.tl import functions, types

log = logging.getLogger(__name__)

SHOWN_AGAIN_AFTER_S: Final = 5.0
"""Clients take an action away after six seconds."""
TYPES: Final = types.SendMessageTypingAction()
RECORDS: Final = types.SendMessageRecordAudioAction()


class ShownAction:
    """An async context manager: inside it, the newest action that was :meth:`show`n is kept up in the chat. Best effort."""

    def __init__(self, client: TelegramClient, chat: Any) -> None:
        self._client = client
        self._chat = chat
        self._action: Any = TYPES
        self._changed = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._keep_up(), name="chat action")
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        assert self._task is not None
        self._task.cancel()
        await asyncio.wait({self._task})

    def show(self, action: Any) -> None:
        """From now on this one."""
        if action is not self._action:
            self._action = action
            self._changed.set()

    async def _keep_up(self) -> None:
        """Ends with the first refusal: where nobody may write, nobody sees it, and it is not worth a flood wait."""
        try:
            while True:
                self._changed.clear()
                await self._client(functions.messages.SetTypingRequest(self._chat, self._action))
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(SHOWN_AGAIN_AFTER_S):
                        await self._changed.wait()
        except (RPCError, ConnectionError, ValueError) as refused:
            log.debug("no chat action: %r", refused)
