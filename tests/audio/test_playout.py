import numpy as np
import pytest

from audio.pcm import PLAYOUT_FRAME_BYTES, PLAYOUT_RATE_HZ, as_samples, peak
from audio.playout import DUCKED_GAIN, PlayingClause, Playout


def loud(seconds: float) -> bytes:
    return np.full(int(seconds * PLAYOUT_RATE_HZ), 10_000, dtype="<i2").tobytes()


def clause(text: str, seconds: float, reply_id: int = 1) -> PlayingClause:
    made = PlayingClause(text, reply_id)
    made.append(loud(seconds))
    made.finish()
    return made


@pytest.fixture
def playout() -> Playout:
    return Playout(lambda: 5.0)


def read(playout: Playout, frames: int) -> list[bytes]:
    return [playout.read() for _ in range(frames)]


def test_every_frame_is_exactly_10_ms_and_silent_when_there_is_nothing(playout: Playout) -> None:
    odd = PlayingClause("odd", 1)
    odd.append(loud(0.0155))
    odd.finish()
    playout.say(odd)
    frames = read(playout, 5)
    assert {len(frame) for frame in frames} == {PLAYOUT_FRAME_BYTES}
    assert peak(frames[-1]) == 0


def test_clauses_follow_each_other_without_a_gap(playout: Playout) -> None:
    playout.say(clause("one", 0.015))
    playout.say(clause("two", 0.015))
    frames = read(playout, 4)
    assert [int(abs(as_samples(frame)).min()) for frame in frames[:3]] == [10_000] * 3
    assert peak(frames[3]) == 0


def test_it_says_when_a_clause_begins_and_ends(playout: Playout) -> None:
    told: list[tuple[str, str]] = []
    playout.on_clause_began = lambda clause, at_s: told.append(("began", f"{clause.text} {at_s}"))
    playout.on_clause_done = lambda clause: told.append(("done", clause.text))
    playout.say(clause("one", 0.02))
    read(playout, 3)
    assert told == [("began", "one 5.0"), ("done", "one")]


def test_ducking_is_quieter_without_a_click_and_comes_back(playout: Playout) -> None:
    playout.say(clause("a long clause", 1.0))
    read(playout, 2)
    playout.duck()
    samples = np.concatenate([as_samples(frame) for frame in read(playout, 6)]).astype(int)
    assert abs(samples[-1] - 10_000 * DUCKED_GAIN) < 5
    assert np.abs(np.diff(samples)).max() < 40
    playout.unduck()
    assert as_samples(read(playout, 6)[-1])[-1] == 10_000


def test_held_it_is_silent_after_one_frame_and_goes_on_at_the_broken_word(playout: Playout) -> None:
    spoken = clause("alpha beta gamma delta", 2.2)
    playout.say(spoken)
    read(playout, 80)
    playout.hold()
    fade, *rest = read(playout, 5)
    assert as_samples(fade)[-1] == 0
    assert all(peak(frame) == 0 for frame in rest)
    assert not playout.audible
    playout.release()
    assert playout.audible
    assert peak(playout.read()) == 10_000
    assert spoken.played < 80 * 240
    assert spoken.heard == "alpha"


def test_a_cut_forgets_the_rest_within_one_frame(playout: Playout) -> None:
    playout.say(clause("one two three four", 2.0))
    playout.say(clause("never", 1.0))
    read(playout, 90)
    playout.cut()
    frames = read(playout, 10)
    assert all(peak(frame) == 0 for frame in frames[1:])
    assert playout.buffered_s == 0
    playout.say(clause("next", 0.1, reply_id=2))
    assert peak(playout.read()) == 10_000


def test_only_words_played_to_their_end_count_as_heard() -> None:
    spoken = clause("one two three four", 1.9)
    assert spoken.heard == ""
    spoken.take(int(0.9 * PLAYOUT_RATE_HZ))
    assert spoken.heard == "one two"
    spoken.take(10 * PLAYOUT_RATE_HZ)
    assert spoken.heard == "one two three four"


def test_a_clause_still_being_made_never_counts_as_wholly_heard() -> None:
    growing = PlayingClause("this clause has not been synthesised to its end", 1)
    growing.append(loud(0.5))
    growing.take(PLAYOUT_RATE_HZ)
    assert len(growing.heard.split()) <= 2


def test_a_stall_of_the_voice_is_counted(playout: Playout) -> None:
    slow = PlayingClause("slow", 1)
    slow.append(loud(0.01))
    playout.say(slow)
    read(playout, 3)
    assert playout.underruns == 2


def test_the_next_clause_of_a_reply_is_held_while_somebody_speaks(playout: Playout) -> None:
    playout.say(clause("One.", 0.01))
    playout.held_back = lambda: True
    assert playout.read() != Playout.SILENCE
    playout.say(clause("Two.", 0.01))
    assert playout.read() == Playout.SILENCE
    assert playout.held
    playout.held_back = lambda: False
    playout.release()
    assert playout.read() != Playout.SILENCE


def test_the_first_clause_of_a_reply_is_not(playout: Playout) -> None:
    playout.say(clause("One.", 0.01))
    playout.held_back = lambda: True
    assert playout.read() != Playout.SILENCE
