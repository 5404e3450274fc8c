import pytest

from calls.beat import on_the_beat


@pytest.mark.parametrize(("now_s", "beat_s"), [(0.0, 0.0), (0.0499, 0.0), (0.05, 0.05), (100.0999, 100.05), (3 * 0.05, 0.15)])
def test_a_beat_is_a_multiple(now_s: float, beat_s: float) -> None:
    assert on_the_beat(now_s, 0.05) == pytest.approx(beat_s)
