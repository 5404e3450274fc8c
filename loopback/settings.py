"""How a loopback Telegram behaves where the real service's figures are unknown, or where a test wants it otherwise."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True, kw_only=True)
class LoopbackSettings:
    """The defaults follow the public documentation; docs/loopback.md gives the source of each."""

    natural_floods: bool = True
    """Answer FLOOD_WAIT by itself to clients that repeat certain requests too fast."""
    min_senders: bool = True
    """Describe strangers in groups by ``min`` users, whose access hash is of no use."""
    short_updates: bool = True
    """Carry private text in ``updateShortMessage`` and ``updateShortSentMessage``."""
    media_connect_timeout_s: float = 18.0
    """A participant whose media has not connected by then is dropped from the voice chat."""
    media_silence_timeout_s: float = 30.0
    """A participant whose media connection has been silent for so long is dropped from the voice chat."""
    media_check_interval_s: float = 0.5
    """How often the media time-outs are looked at."""
    ended_call_is_shown: bool = True
    """``phone.getGroupCall`` of an ended call gives ``groupCallDiscarded``; otherwise GROUPCALL_INVALID."""
    repeat_connection_push: bool = False
    """Push the answer of a join (``updateGroupCallConnection``) a second time."""
