"""Taking the silence off both ends of a sound that comes in pieces, so that clauses join as in one breath."""

from __future__ import annotations

from typing import Final

import numpy as np

from audio.pcm import BYTES_PER_SAMPLE, as_samples

KEPT_S: Final = 0.05
"""With the 5 ms blocks in which silence is measured, and the resampler's delay, no more than 60 ms of silence are left."""
LED_IN_S: Final = 0.015
"""Kept in front of the first audible block: whoever asked waits for every millisecond of it."""
AUDIBLE_PEAK: Final = 330
"""About -40 dB of full scale: the breath of a voice engine is below, the softest consonant above."""
BLOCK_S: Final = 0.005


class SilenceTrimmer:
    """Lets about 15 ms of silence through at the beginning and at most 60 ms at the end; silence in between stays as it is."""

    def __init__(self, rate_hz: int) -> None:
        self._block_bytes = int(rate_hz * BLOCK_S) * BYTES_PER_SAMPLE
        self._led_in_bytes = int(rate_hz * LED_IN_S) * BYTES_PER_SAMPLE
        self._kept_bytes = int(rate_hz * KEPT_S) * BYTES_PER_SAMPLE
        self._begun = False
        self._held = b""
        self._partial = b""

    def feed(self, pcm: bytes) -> bytes:
        """The next piece in; what is certain to be heard comes out. Silence is held back until sound follows it."""
        pcm = self._partial + pcm
        whole = len(pcm) // self._block_bytes * self._block_bytes
        pcm, self._partial = pcm[:whole], pcm[whole:]
        return self._passed(pcm) if pcm else b""

    def _passed(self, pcm: bytes) -> bytes:
        peaks = np.abs(as_samples(pcm).astype(np.int32)).reshape(-1, self._block_bytes // BYTES_PER_SAMPLE).max(axis=1)
        audible = np.flatnonzero(peaks >= AUDIBLE_PEAK)
        if not len(audible):
            self._hold(pcm)
            return b""
        end = (int(audible[-1]) + 1) * self._block_bytes
        sound = self._held + pcm[:end]
        if not self._begun:
            first = len(self._held) + int(audible[0]) * self._block_bytes
            sound = sound[max(0, first - self._led_in_bytes) :]
            self._begun = True
        self._held = pcm[end:]
        return sound

    def _hold(self, pcm: bytes) -> None:
        self._held += pcm
        if not self._begun:
            self._held = self._held[-self._kept_bytes :]

    def flush(self) -> bytes:
        """The end of the sound: up to 60 ms of the silence that followed it, nothing if all was silent."""
        return (self._held + self._partial)[: self._kept_bytes] if self._begun else b""
