"""Our own limits on writing, which keep clear of Telegram's: for the whole account, and for each chat."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Final

from calls.errors import CallError
from calls.gates import Gates, Rate, Window
from handlers.send_limits import Sending

METHODS: Final[Mapping[Sending, str]] = {
    Sending.TEXT: "messages.SendMessage",
    Sending.EDIT: "messages.EditMessage",
    Sending.NOTE: "messages.SendMedia",
}
PER_CHAT: Final = Rate(20, 60.0)
SPARED_PER_CHAT: Final = 3
SPARED: Final = 6
"""Of the texts, so many are kept back for what must be told although much was asked: that one has to wait, and how a call gets on."""
MOST_CHATS: Final = 2000


class SendBudget:
    """``gates`` are the account's, ``clock`` is theirs."""

    def __init__(self, gates: Gates, clock: Callable[[], float]) -> None:
        self._gates = gates
        self._clock = clock
        self._chats: OrderedDict[int, Window] = OrderedDict()

    @property
    def stopped(self) -> bool:
        """Telegram has limited the account, or ended its session."""
        return self._gates.stopped is not None

    def busy_for_s(self, chat_id: int) -> float:
        """How long until another command of the chat should be answered; 0: now."""
        here_s = self._chat(chat_id).wait_s(self._clock(), SPARED_PER_CHAT)
        return max(here_s, self._gates.wait_s(METHODS[Sending.TEXT], SPARED))

    async def admit(self, sending: Sending, chat_id: int, most_wait_s: float) -> bool:
        """Wait until this may be written; false if that would take longer than ``most_wait_s``."""
        texts = self._chat(chat_id) if sending is not Sending.EDIT else None
        while texts and (wait_s := texts.wait_s(self._clock())) > 0:
            if wait_s > most_wait_s:
                return False
            await asyncio.sleep(wait_s)
        try:
            await self._gates.admit(METHODS[sending], most_wait_s)
        except CallError:
            return False
        if texts:
            texts.take(self._clock())
        return True

    def _chat(self, chat_id: int) -> Window:
        window = self._chats.setdefault(chat_id, Window(PER_CHAT))
        self._chats.move_to_end(chat_id)
        if len(self._chats) > MOST_CHATS:
            self._chats.popitem(last=False)
        return window
