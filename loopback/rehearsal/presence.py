"""When the bot was in the voice chats, as the server saw it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Final

POLL_S: Final = 0.05


@dataclass(slots=True)
class Stay:
    """One time in one voice chat; it lasts while it is seen."""

    chat: str
    begin_s: float
    end_s: float


@dataclass(slots=True)
class Presence:
    """All stays so far, by ``clock``."""

    clock: Callable[[], float]
    stays: list[Stay] = field(default_factory=list)
    _here: dict[str, Stay] = field(default_factory=dict)

    def see(self, chat: str, inside: bool) -> None:
        """The bot is (not) in the voice chat of ``chat`` now."""
        now_s = self.clock()
        if not inside:
            self._here.pop(chat, None)
        elif chat in self._here:
            self._here[chat].end_s = now_s
        else:
            self._here[chat] = Stay(chat, now_s, now_s)
            self.stays.append(self._here[chat])

    async def watch(self, chats: Iterable[str], in_call: Callable[[str], bool]) -> None:
        """Look again and again, until cancelled."""
        names = list(chats)
        while True:
            for chat in names:
                self.see(chat, in_call(chat))
            await asyncio.sleep(POLL_S)
