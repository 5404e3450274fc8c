from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from audio.trim import SilenceTrimmer

RATE_HZ = 24_000


def sound(seconds: float) -> bytes:
    return (9000 * np.sin(np.arange(int(seconds * RATE_HZ)))).astype("<i2").tobytes()


def silence(seconds: float) -> bytes:
    return bytes(int(seconds * RATE_HZ) * 2)


def trimmed(pcm: bytes, piece: int = 4800) -> bytes:
    trimmer = SilenceTrimmer(RATE_HZ)
    return b"".join(trimmer.feed(pcm[start : start + piece]) for start in range(0, len(pcm), piece)) + trimmer.flush()


def edges_s(pcm: bytes) -> tuple[float, float]:
    audible = np.flatnonzero(np.abs(np.frombuffer(pcm, "<i2").astype(int)) > 330)
    return audible[0] / RATE_HZ, (len(pcm) // 2 - 1 - audible[-1]) / RATE_HZ


def test_next_to_no_silence_stays_before_and_at_most_60_ms_after_and_all_of_it_in_between() -> None:
    out = trimmed(silence(0.5) + sound(0.3) + silence(0.4) + sound(0.2) + silence(0.7))

    before, after = edges_s(out)
    assert 0.01 < before <= 0.02
    assert 0.03 < after <= 0.06
    assert len(out) / 2 / RATE_HZ == pytest.approx(0.9 + before + after, abs=0.01)


def test_a_sound_without_silence_passes_untouched() -> None:
    pcm = sound(0.25)

    assert trimmed(pcm)[: len(pcm)] == pcm


def test_silence_alone_is_nothing() -> None:
    assert trimmed(silence(1.0)) == b""
    assert trimmed(b"") == b""


@given(
    st.lists(st.tuples(st.booleans(), st.integers(1, 4000)), max_size=6),
    st.integers(1, 3000),
)
def test_the_size_of_the_pieces_changes_nothing(stretches: list[tuple[bool, int]], piece: int) -> None:
    pcm = b"".join((b"\x00\x20" if loud else b"\x00\x00") * samples for loud, samples in stretches)

    assert trimmed(pcm, piece * 2) == trimmed(pcm, len(pcm) or 2)
