"""What Telegram has said about sending: what to leave alone, where, and for how long. Pure but for the classes of Telethon's errors."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from telethon.errors import (
    ChannelPrivateError,
    ChatForbiddenError,
    ChatRestrictedError,
    ChatSendPlainForbiddenError,
    ChatWriteForbiddenError,
    FloodPremiumWaitError,
    FloodWaitError,
    FrozenMethodInvalidError,
    PeerFloodError,
    SlowModeWaitError,
    UserBannedInChannelError,
)

MUTED_S: Final = 60.0
"""Where nothing may be written, it is tried again after so long: rights come back without a word."""
NOT_IN_IT: Final = (ChannelPrivateError, ChatForbiddenError)
"""What comes from such a chat all the same, shows that we are in it again."""
MAY_NOT_WRITE: Final = (
    ChatRestrictedError,
    ChatSendPlainForbiddenError,
    ChatWriteForbiddenError,
    UserBannedInChannelError,
)


class Sending(StrEnum):
    """The ways of writing. Telegram limits each by itself."""

    TEXT = "text"
    EDIT = "edit"
    NOTE = "note"


class SendLimits:
    """``now_s`` is on any clock that only grows."""

    def __init__(self) -> None:
        self.frozen = False
        """The account may only read."""
        self.limited = False
        """For sending too much: what nobody has asked for is not sent."""
        self._slow_until_s: dict[int, float] = {}
        self._mute_until_s: dict[int, float] = {}
        self._away_until_s: dict[int, float] = {}
        self._flood_until_s: dict[Sending, float] = {}

    def note(self, sending: Sending, chat_id: int, error: Exception, now_s: float) -> None:
        """Telegram has refused one."""
        match error:
            case SlowModeWaitError(seconds=seconds):
                self._slow_until_s[chat_id] = now_s + seconds
            case FloodWaitError(seconds=seconds) | FloodPremiumWaitError(seconds=seconds):
                self._flood_until_s[sending] = now_s + seconds
            case FrozenMethodInvalidError():
                self.frozen = True
            case PeerFloodError():
                self.limited = True
            case _ if isinstance(error, NOT_IN_IT):
                self._away_until_s[chat_id] = now_s + MUTED_S
            case _ if isinstance(error, MAY_NOT_WRITE):
                self._mute_until_s[chat_id] = now_s + MUTED_S
        self._forget_old(now_s)

    def allow(self, sending: Sending, chat_id: int, now_s: float, *, asked_for: bool) -> bool:
        """Whether Telegram would not mind this one."""
        muted = self._mute_until_s.get(chat_id, now_s) > now_s or self._flood_until_s.get(sending, now_s) > now_s
        unwelcome = not asked_for and (self.limited or self._away_until_s.get(chat_id, now_s) > now_s)
        slow = sending is not Sending.EDIT and self.slow_for_s(chat_id, now_s) > 0
        return not (muted or unwelcome or slow or self.frozen)

    def slow_for_s(self, chat_id: int, now_s: float) -> float:
        """How long until the next message may be written in a chat with slow mode; 0: now."""
        return max(0.0, self._slow_until_s.get(chat_id, now_s) - now_s)

    def _forget_old(self, now_s: float) -> None:
        self._slow_until_s = {chat_id: until_s for chat_id, until_s in self._slow_until_s.items() if until_s > now_s}
        self._away_until_s = {chat_id: until_s for chat_id, until_s in self._away_until_s.items() if until_s > now_s}
        self._mute_until_s = {chat_id: until_s for chat_id, until_s in self._mute_until_s.items() if until_s > now_s}
