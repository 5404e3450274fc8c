"""What is known of the voice chats of all chats, with or without Parley in them: told by updates, looked up where nothing was told."""

from __future__ import annotations

import logging
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Final, Protocol

from telethon import TelegramClient
from telethon.errors import RPCError
from telethon.tl import types
from telethon.utils import get_peer_id

from calls.autojoin import Running, Seen
from calls.errors import FLOODS, CallError, explain
from calls.gates import FULL_CHAT, Gates
from calls.telegram.updates import CallUpdates
from calls.telegram.voice_chat import VoiceChat, VoiceChatKind, look_up

log = logging.getLogger(__name__)

MOST_CHATS: Final = 2000
"""Of more, those of which nothing was heard for longest are forgotten."""
NOTHING: Final = Seen(Running.NOTHING)
RUNNING: Final = {
    VoiceChatKind.NONE: Running.NOTHING,
    VoiceChatKind.ACTIVE: Running.VOICE_CHAT,
    VoiceChatKind.SCHEDULED: Running.SCHEDULED,
    VoiceChatKind.RTMP: Running.LIVESTREAM,
}

Listener = Callable[[int], None]


class Account(Protocol):
    """What is needed of the Telegram account."""

    client: TelegramClient
    updates: CallUpdates
    gates: Gates

    async def input_peer(self, chat_id: int) -> Any:
        """The chat as requests want it."""

    def note_dead(self, error: Exception) -> None:
        """A request has shown that the session is no longer valid."""


@dataclass(slots=True)
class _Known:
    seen: Seen
    version: int
    looked_up_s: float | None = None


class VoiceChats:
    """Listens to ``account`` from the start. Listeners are told the chat (marked id) whose voice chat may have changed."""

    def __init__(self, account: Account, clock: Callable[[], float] = time.monotonic) -> None:
        self._account = account
        self._clock = clock
        self._known: OrderedDict[int, _Known] = OrderedDict()
        self._chat_of: dict[int, int] = {}
        self._listeners: list[Listener] = []
        self._unlisten = account.updates.subscribe(self._on_update)

    def close(self) -> None:
        """Listen no longer."""
        self._unlisten()

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Add a listener; calling what is returned removes it."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def seen(self, chat_id: int) -> Seen:
        """What is known of a chat's voice chat."""
        known = self._known.get(chat_id)
        return known.seen if known else Seen()

    def voice_chat_id(self, chat_id: int) -> int | None:
        """The voice chat that is known to run in a chat."""
        return self.seen(chat_id).voice_chat_id

    def looked_up_ago_s(self, chat_id: int) -> float | None:
        """How long ago Telegram was last asked about a chat; ``None``: never."""
        known = self._known.get(chat_id)
        return self._clock() - known.looked_up_s if known and known.looked_up_s is not None else None

    async def look_up(self, chat_id: int, most_wait_s: float = 0.0) -> Seen:
        """Ask Telegram, unless that would mean to wait longer than ``most_wait_s``.

        :raises calls.errors.CallError: it was not asked, or did not tell.
        """
        await self._account.gates.admit(FULL_CHAT, most_wait_s)
        try:
            found = await look_up(self._account.client, await self._account.input_peer(chat_id))
        except (RPCError, ConnectionError, TimeoutError, ValueError) as error:
            raise self._told(error) from error
        self._put(chat_id, _seen(found), found.version, looked_up_s=self._clock())
        return self.seen(chat_id)

    def _told(self, error: Exception) -> CallError:
        if isinstance(error, FLOODS):
            self._account.gates.close(FULL_CHAT, error.seconds)
        self._account.note_dead(error)
        return explain(error)

    def forget_age(self) -> None:
        """Updates may have been lost: whatever was looked up is to be looked up again."""
        for known in self._known.values():
            known.looked_up_s = None

    # ---- updates

    def _on_update(self, update: Any) -> None:
        if isinstance(update, types.UpdateGroupCall):
            self._on_call(update)
        elif isinstance(update, types.UpdateGroupCallParticipants):
            self._on_participants(update)

    def _on_call(self, update: types.UpdateGroupCall) -> None:
        chat_id = get_peer_id(update.peer) if update.peer is not None else self._chat_of.get(update.call.id)
        if chat_id is None:
            return
        known = self._known.get(chat_id)
        if isinstance(update.call, types.GroupCallDiscarded):
            if known is None or known.seen.voice_chat_id in (update.call.id, None):
                self._put(chat_id, NOTHING, 0)
        elif known is None or known.seen.voice_chat_id != update.call.id or update.call.version >= known.version:
            own_inside = known is not None and known.seen.voice_chat_id == update.call.id and known.seen.own_inside
            self._put(chat_id, replace(_seen_call(update.call), own_inside=own_inside), update.call.version)

    def _on_participants(self, update: types.UpdateGroupCallParticipants) -> None:
        chat_id = self._chat_of.get(getattr(update.call, "id", 0))
        known = self._known.get(chat_id) if chat_id is not None else None
        if chat_id is None or known is None or update.version <= known.version:
            return
        came = sum(bool(row.just_joined) for row in update.participants)
        went = sum(bool(row.left) for row in update.participants)
        if came or went:
            self._put(chat_id, replace(known.seen, people=max(0, known.seen.people + came - went)), update.version)

    def _put(self, chat_id: int, seen: Seen, version: int, looked_up_s: float | None = None) -> None:
        before = self._known.get(chat_id)
        if before:
            self._chat_of.pop(before.seen.voice_chat_id or 0, None)
        looked_up_s = looked_up_s if looked_up_s is not None or before is None else before.looked_up_s
        self._known[chat_id] = _Known(seen, version, looked_up_s)
        self._known.move_to_end(chat_id)
        if seen.voice_chat_id is not None:
            self._chat_of[seen.voice_chat_id] = chat_id
        if len(self._known) > MOST_CHATS:
            _, forgotten = self._known.popitem(last=False)
            self._chat_of.pop(forgotten.seen.voice_chat_id or 0, None)
        if before is None or before.seen != seen:
            for listener in tuple(self._listeners):
                listener(chat_id)


def _seen(found: VoiceChat) -> Seen:
    call_id = found.call.id if found.call else None
    return Seen(RUNNING[found.kind], call_id, found.people, found.own_inside, found.starts_at)


def _seen_call(call: types.GroupCall) -> Seen:
    running = Running.LIVESTREAM if call.rtmp_stream else Running.VOICE_CHAT
    if call.schedule_date is not None:
        running = Running.SCHEDULED
    return Seen(running, call.id, call.participants_count, starts_at=call.schedule_date)
