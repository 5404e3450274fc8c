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
    stream_silence_timeout_s: float = 45.0
    """A listener in stream mode who has fetched no piece for so long is dropped from the voice chat."""
    check_timeout_s: float | None = None
    """A participant who has not called ``phone.checkGroupCall`` for so long is dropped from the voice chat; None for never."""
    media_check_interval_s: float = 0.5
    """How often the media time-outs are looked at."""
    call_receive_timeout_s: float = 20.0
    """A private call is given up (missed) when no device of the callee has said by then that it rings; official apps of callers do so."""
    call_ring_timeout_s: float = 90.0
    """A private call that has rung for so long is given up (missed)."""
    private_calls_p2p: bool = True
    """The two ends of a private call may connect directly; otherwise only through relays, of which there are none here."""
    ended_call_is_shown: bool = True
    """``phone.getGroupCall`` of an ended call gives ``groupCallDiscarded``; otherwise GROUPCALL_INVALID."""
    repeat_connection_push: bool = False
    """Push the answer of a join (``updateGroupCallConnection``) a second time."""
    anonymous_sender_named: bool = True
    """Messages of anonymous admins come from the chat itself; otherwise without any sender."""
    stream_above_group: int = 1000
    """With more participants than this in a group's voice chat, newcomers who may not speak listen in stream mode."""
    stream_above_channel: int = 30
    """The same for a channel's livestream."""
    login_token_s: float = 30.0
    """How long the QR code of a login may be scanned."""
    login_dc: int | None = None
    """The DC to which a login by QR code is sent on, or none."""
    difference_page: int = 100
    """Changes in one answer of ``updates.getDifference`` and ``updates.getChannelDifference``."""
    difference_max: int = 100_000
    """With more changes than this the difference is too long to be given."""
