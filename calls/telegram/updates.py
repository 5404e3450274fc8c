"""Updates of Telegram that concern voice chats, handed to whoever listens, in the order they came."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, Final

from telethon import TelegramClient, events
from telethon.tl import types

log = logging.getLogger(__name__)

KINDS: Final = (
    types.UpdateGroupCall,
    types.UpdateGroupCallParticipants,
    types.UpdateChannel,
    types.UpdateChat,
    types.UpdateChatParticipants,
    types.UpdateChatParticipantDelete,
)

Listener = Callable[[Any], None]


class CallUpdates:
    """Subscribes once to the client. It must be made before the call engine, whose own handler waits for locks and would delay ours."""

    def __init__(self, client: TelegramClient) -> None:
        self._listeners: list[Listener] = []
        client.add_event_handler(self._dispatch, events.Raw(types=KINDS))

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Add a listener; calling what is returned removes it."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    async def _dispatch(self, update: Any) -> None:
        for listener in tuple(self._listeners):
            try:
                listener(update)
            except Exception:
                log.exception("a listener failed on %s", type(update).__name__)


def entity_names(update: Any) -> dict[int, str]:
    """The display names that came with an update, by marked id."""
    from telethon.utils import get_display_name

    return {peer_id: get_display_name(entity) for peer_id, entity in (getattr(update, "_entities", None) or {}).items()}
