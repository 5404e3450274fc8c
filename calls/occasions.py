"""Calls with a purpose: what is said first in them, what the brain is told, how long they may last."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from calls import events
from calls.manners import Manners


@dataclass(frozen=True, slots=True)
class Occasion:
    """Why a call is made. An empty ``opening`` leaves the welcome of the settings; ``longest_s`` ``None`` leaves the usual length."""

    opening: str = ""
    purpose: str = ""
    longest_s: float | None = None

    def applied(self, manners: Manners) -> Manners:
        """The manners of a call on this occasion."""
        return replace(
            manners,
            welcome=self.opening or manners.welcome,
            instructions=f"{manners.instructions} {self.purpose}".strip(),
            longest_call_s=min(manners.longest_call_s, self.longest_s or manners.longest_call_s),
        )


class Occasions:
    """Those of the calls of chats, each until its call is over; wraps what gives the manners of a chat."""

    def __init__(self, manners_for: Callable[[int], Awaitable[Manners]], bus: events.EventBus) -> None:
        self._manners_for = manners_for
        self._of_chat: dict[int, Occasion] = {}
        self.close = bus.subscribe(self._note)

    async def manners_for(self, chat_id: int) -> Manners:
        """The manners of a chat, on its occasion if there is one."""
        manners = await self._manners_for(chat_id)
        occasion = self._of_chat.get(chat_id)
        return occasion.applied(manners) if occasion else manners

    @contextmanager
    def begun(self, chat_id: int, occasion: Occasion) -> Iterator[None]:
        """A call on this occasion is begun inside; after an error there is none."""
        self._of_chat[chat_id] = occasion
        try:
            yield
        except BaseException:
            self._of_chat.pop(chat_id, None)
            raise

    def _note(self, event: events.CallEvent) -> None:
        if isinstance(event, events.CallLeft):
            self._of_chat.pop(event.chat_id, None)
