"""What counts as heard of sound that was handed to a carrier."""

from __future__ import annotations

from calls.lines.far_buffer import FarBuffer

PACKET, SPOKEN = 160, 480


def fed(packets: int, *, from_s: float = 0.0) -> tuple[FarBuffer, list[str]]:
    """So many packets of speech, one every 20 ms; and the marks sent with them."""
    far, marks = FarBuffer(8000), []
    for place in range(packets):
        mark = far.hand_over(PACKET, SPOKEN, from_s + 0.02 * place)
        marks += [mark] if mark else []
    return far, marks


def test_the_first_packet_is_marked_and_then_every_200_ms() -> None:
    _, marks = fed(31)
    assert marks == ["1", "2", "3", "4"]


def test_nothing_counts_as_heard_beyond_the_first_mark_that_is_not_back() -> None:
    far, _ = fed(10)
    assert far.take_back(5.0) == 9 * SPOKEN


def test_between_marks_sound_plays_at_its_rate() -> None:
    far, marks = fed(30)
    far.echoed(marks[0], 0.1)
    assert far.take_back(0.2) == 24 * SPOKEN


def test_a_packet_that_is_being_played_counts_in_part() -> None:
    far, marks = fed(30)
    far.echoed(marks[0], 0.1)
    assert far.take_back(0.21) == 24 * SPOKEN - SPOKEN // 2


def test_all_is_heard_when_the_last_mark_is_back() -> None:
    far, marks = fed(15)
    last = far.mark()
    assert last is not None
    assert far.mark() is None
    far.echoed(last, 1.0)
    assert far.empty
    assert far.take_back(1.0) == 0
    far.echoed(marks[0], 1.1)
    assert far.empty


def test_marks_of_what_was_taken_back_say_nothing() -> None:
    far, marks = fed(20)
    assert far.take_back(0.0) == 20 * SPOKEN
    assert far.empty
    again = far.hand_over(PACKET, SPOKEN, 1.0)
    for old in marks:
        far.echoed(old, 1.01)
    assert not far.empty
    assert again is not None
    far.echoed(again, 1.05)
    assert far.empty


def test_silence_is_not_taken_back() -> None:
    far, _ = fed(5)
    for place in range(5):
        far.hand_over(PACKET, 0, 0.1 + 0.02 * place)
    assert far.take_back(0.0) == 5 * SPOKEN
