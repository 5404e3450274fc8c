"""Notices that no packets come any more from the other end of a private call, from the sound alone. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from audio.pcm import HEARING_FRAME_BYTES

NOTHING: Final = bytes(HEARING_FRAME_BYTES)


@dataclass(slots=True)
class PacketFlow:
    """Fed with each frame that is heard.

    The native library goes on delivering frames when no packets come, and says so only after 20 to 30 s. Those frames are exact zeros,
    while the decoder never gives more than a tenth of a second of them as long as packets come, be they of perfect silence (measured).
    ``muted``: the other end has said that it sends nothing.
    """

    ceased_after_s: float = 15.0
    """Longer than the 10 s after which official apps call a connection bad."""
    muted: bool = False
    _last_s: float | None = None

    def came(self, pcm: bytes, now_s: float) -> None:
        """A frame was heard."""
        if self.muted or pcm != NOTHING:
            self._last_s = now_s

    def has_ceased(self, now_s: float) -> bool:
        """Packets came once, and for too long none has."""
        return not self.muted and self._last_s is not None and now_s - self._last_s >= self.ceased_after_s
