"""No packets, told from the sound alone."""

from __future__ import annotations

from audio.pcm import HEARING_FRAME_BYTES
from calls.lines.packet_flow import PacketFlow

NOTHING = bytes(HEARING_FRAME_BYTES)
ALMOST_NOTHING = b"\x01" + bytes(HEARING_FRAME_BYTES - 1)


def fed(flow: PacketFlow, frame: bytes, from_s: float, seconds: int) -> float:
    """The time after so many frames."""
    for step in range(100 * seconds):
        flow.came(frame, from_s + step / 100)
    return from_s + seconds


def test_somebody_who_is_silent_is_there() -> None:
    flow = PacketFlow(ceased_after_s=5)
    assert not flow.has_ceased(fed(flow, ALMOST_NOTHING, 0, 20))


def test_frames_of_nothing_for_too_long_mean_that_packets_have_ceased() -> None:
    flow = PacketFlow(ceased_after_s=5)
    now_s = fed(flow, ALMOST_NOTHING, 0, 1)
    now_s = fed(flow, NOTHING, now_s, 4)
    assert not flow.has_ceased(now_s)
    assert flow.has_ceased(fed(flow, NOTHING, now_s, 2))


def test_who_is_muted_sends_nothing_and_is_there() -> None:
    flow = PacketFlow(ceased_after_s=5)
    now_s = fed(flow, ALMOST_NOTHING, 0, 1)
    flow.muted = True
    now_s = fed(flow, NOTHING, now_s, 20)
    assert not flow.has_ceased(now_s)
    flow.muted = False
    assert not flow.has_ceased(now_s), "the count begins when it is unmuted"
    assert flow.has_ceased(fed(flow, NOTHING, now_s, 6))


def test_who_has_never_sent_anything_may_yet() -> None:
    flow = PacketFlow(ceased_after_s=5)
    assert not flow.has_ceased(fed(flow, NOTHING, 0, 20))
