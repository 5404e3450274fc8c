"""How replies reach the far end of a WebSocket, 10 ms at a time."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from audio.pcm import PLAYOUT_RATE_HZ, as_samples
from audio.playout import PlayingClause, Playout
from audio.wav import read_wav
from calls.lines.replies import CLEAR, PacedPcm, Replies, WholeWavs, quietest_end
from tests.calls.stage import tone

FRAME = 240


@dataclass
class Out:
    messages: list[bytes | str] = field(default_factory=list)
    has_room: bool = True
    unsent: int = 0

    def sound(self, data: bytes) -> None:
        self.messages.append(data)

    def text(self, message: str) -> bool:
        self.messages.append(message)
        return True

    def forget_sound(self) -> int:
        return self.unsent

    @property
    def wavs(self) -> list[bytes]:
        return [read_wav(message).pcm for message in self.messages if isinstance(message, bytes)]


def clause(text: str, seconds: float, *, complete: bool = True) -> PlayingClause:
    made = PlayingClause(text, 1)
    made.append(tone(seconds))
    if complete:
        made.finish()
    return made


def pull(replies: Replies, seconds: float) -> None:
    for _ in range(round(seconds * 100)):
        replies.pull()


def playing(*clauses: PlayingClause) -> tuple[Playout, Out]:
    playout = Playout(lambda: 0.0)
    for each in clauses:
        playout.say(each)
    return playout, Out()


def test_each_clause_is_a_whole_file_sent_when_the_one_before_has_sounded() -> None:
    """A109, K22."""
    playout, out = playing(clause("one", 1.0), clause("two", 0.5))
    replies = WholeWavs(playout, out)
    pull(replies, 0.99)
    assert out.wavs == [tone(1.0)]
    pull(replies, 0.05)
    assert out.wavs == [tone(1.0), tone(0.5)]
    assert playout.audible
    pull(replies, 0.5)
    assert not playout.audible


def test_a_clause_that_is_still_being_made_waits_until_it_is_whole() -> None:
    made = clause("one", 0.5, complete=False)
    playout, out = playing(made)
    replies = WholeWavs(playout, out)
    pull(replies, 0.3)
    assert not out.messages
    made.append(tone(0.5))
    made.finish()
    pull(replies, 0.01)
    assert out.wavs == [tone(0.5) + tone(0.5)]


def test_an_empty_clause_is_passed_over() -> None:
    done, began = list[str](), list[str]()
    playout, out = playing(clause("", 0.0), clause("two", 0.5))
    playout.on_clause_began = lambda each, _at_s: began.append(each.text)
    playout.on_clause_done = lambda each: done.append(each.text)
    pull(WholeWavs(playout, out), 0.7)
    assert out.wavs == [tone(0.5)]
    assert (began, done) == (["two"], ["", "two"])


def test_a_long_clause_is_parted_where_the_voice_is_quietest() -> None:
    made = PlayingClause("a long one", 1)
    made.append(tone(2.5) + bytes(4800) + tone(3.0))
    playout, out = playing(made)
    replies = WholeWavs(playout, out)
    pull(replies, 5.8)
    made.finish()
    pull(replies, 0.1)
    first, second = out.wavs
    assert 2.5 * PLAYOUT_RATE_HZ <= len(first) // 2 <= 2.6 * PLAYOUT_RATE_HZ
    assert first + second == tone(2.5) + bytes(4800) + tone(3.0)


def test_sound_is_not_parted_before_it_is_worth_it() -> None:
    assert quietest_end(tone(4.0)) >= 1.5 * PLAYOUT_RATE_HZ


def test_a_file_that_plays_on_after_a_cut_holds_up_what_is_said_next() -> None:
    """The unchanged client cannot stop: the next file comes when it has ended. What was heard ends at the cut."""
    first = clause("one two three four", 2.0)
    playout, out = playing(first)
    replies = WholeWavs(playout, out)
    playout.take_back = replies.take_back
    pull(replies, 1.0)
    playout.cut()
    assert first.heard == "one two"
    playout.say(clause("next", 0.5))
    pull(replies, 0.95)
    assert len(out.messages) == 1
    pull(replies, 0.1)
    assert out.wavs[1] == tone(0.5)


def test_a_client_that_clears_is_told_to_and_hears_the_next_at_once() -> None:
    playout, out = playing(clause("one two three four", 2.0))
    replies = WholeWavs(playout, out, clears=True)
    playout.take_back = replies.take_back
    pull(replies, 1.0)
    playout.cut()
    playout.say(clause("next", 0.5))
    pull(replies, 0.01)
    assert out.messages[1] == CLEAR
    assert out.messages[2:] != []


def test_what_sounded_while_the_voice_was_held_is_not_said_again() -> None:
    playout, out = playing(clause("one two three four", 2.0), clause("five", 0.5))
    replies = WholeWavs(playout, out)
    playout.take_back = replies.take_back
    pull(replies, 0.5)
    playout.hold()
    pull(replies, 0.6)
    playout.release()
    pull(replies, 0.95)
    assert len(out.messages) == 2


def test_a_client_that_clears_hears_the_broken_word_again_after_a_hold() -> None:
    playout, out = playing(clause("one two three four", 2.0))
    replies = WholeWavs(playout, out, clears=True)
    playout.take_back = replies.take_back
    pull(replies, 0.7)
    playout.hold()
    pull(replies, 0.6)
    playout.release()
    pull(replies, 0.01)
    rest = out.messages[-1]
    assert isinstance(rest, bytes)
    assert 1.3 * PLAYOUT_RATE_HZ < len(read_wav(rest).pcm) // 2 < 1.8 * PLAYOUT_RATE_HZ


def test_raw_pcm_keeps_to_the_clock_and_silence_is_not_sent() -> None:
    playout, out = playing(clause("one", 0.5))
    replies = PacedPcm(playout, out, rate_hz=PLAYOUT_RATE_HZ, buffer_ms=60)
    pull(replies, 0.2)
    assert [len(message) for message in out.messages] == [960] * 10
    pull(replies, 1.0)
    assert b"".join(message for message in out.messages if isinstance(message, bytes)) == tone(0.5)


def test_raw_pcm_at_the_rate_that_is_wanted() -> None:
    playout, out = playing(clause("one", 0.5))
    pull(PacedPcm(playout, out, rate_hz=8000, buffer_ms=60), 1.0)
    sound = as_samples(b"".join(message for message in out.messages if isinstance(message, bytes)))
    assert abs(len(sound) / 8000 - 0.5) < 0.03
    assert np.abs(sound).max() > 8000


def test_at_a_cut_what_the_far_end_keeps_was_not_heard() -> None:
    first = clause("one two three four", 2.0)
    playout, out = playing(first)
    replies = PacedPcm(playout, out, rate_hz=PLAYOUT_RATE_HZ, buffer_ms=100)
    playout.take_back = replies.take_back
    pull(replies, 1.01)
    out.unsent = 2
    playout.cut()
    assert out.messages[-1] == CLEAR
    assert first.played == 101 * FRAME - (10 + 4 + 1) * FRAME


def test_nothing_is_cleared_when_nothing_was_said() -> None:
    playout, out = playing()
    replies = PacedPcm(playout, out, rate_hz=PLAYOUT_RATE_HZ, buffer_ms=100)
    pull(replies, 0.5)
    assert replies.take_back() == 0
    assert not out.messages


def test_sound_waits_where_it_can_be_cut_while_the_far_end_does_not_read() -> None:
    first = clause("one", 1.0)
    playout, out = playing(first)
    replies = PacedPcm(playout, out, rate_hz=PLAYOUT_RATE_HZ, buffer_ms=0)
    out.has_room = False
    pull(replies, 0.5)
    assert first.played == 0


def test_no_file_is_begun_over_somebody_who_speaks() -> None:
    playout = Playout(lambda: 0.0)
    for words in ("One.", "Two."):
        clause = PlayingClause(words, 1)
        clause.append(bytes(2 * FRAME))
        clause.finish()
        playout.say(clause)
    assert playout.coming() is not None
    playout.pass_over(FRAME)
    playout.held_back = lambda: True
    assert playout.coming() is None
    playout.held_back = lambda: False
    playout.release()
    following = playout.coming()
    assert following is not None
    assert following.text == "Two."
