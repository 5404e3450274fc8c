"""One history per chat, whether people speak to the bot in the chat's calls or by voice messages. In memory only."""

from __future__ import annotations

from collections import OrderedDict
from typing import Final

from calls.history import History

MOST_CHATS: Final = 500
MOST_EXCHANGES: Final = 400
KEPT_EXCHANGES: Final = 200
"""Far more than any brain is told; a history longer than :data:`MOST_EXCHANGES` is cut back to these when it is next asked for."""


class ChatHistories:
    """The histories of the chats in which something was said lately; of too many, the one unused for longest is forgotten."""

    def __init__(self, most_chats: int = MOST_CHATS) -> None:
        self._most_chats = most_chats
        self._histories: OrderedDict[int, History] = OrderedDict()

    def of(self, chat_id: int) -> History:
        """The history of a chat, to read and to add to."""
        history = self._histories.setdefault(chat_id, History())
        self._histories.move_to_end(chat_id)
        if len(self._histories) > self._most_chats:
            self._histories.popitem(last=False)
        if len(history.exchanges) > MOST_EXCHANGES:
            history.keep_newest(KEPT_EXCHANGES)
        return history

    def clear(self, chat_id: int) -> int:
        """Forget all that was said in a chat, also for a call that goes on; how many exchanges that were."""
        history = self._histories.get(chat_id)
        return history.clear() if history else 0

    def forget(self, speaker_id: int) -> int:
        """Forget what somebody said in any chat, and the replies to it; how many exchanges that were."""
        return sum(history.forget(speaker_id) for history in self._histories.values())
