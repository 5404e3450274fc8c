import pytest

from calls.events import FalseInterruption, TurnBegan, TurnIgnored
from loopback.rehearsal.measure import LINE_SPAN, LeftAlone, Said, measure_resumed, measure_turns, percentile, turns_left_alone
from tests.loopback.rehearsal.talk import ear_with, exchange


def test_voice_to_voice_is_what_the_caller_waited_and_the_spans_sum_to_it() -> None:
    said = [Said("Ann", "hello there", 10.0, 12.0)]
    turn = measure_turns(said, [exchange(1, 12.1, 13.1, 15.0)], {"Ann": ear_with((13.2, 1.5))})[0]
    assert turn.voice_to_voice_ms == pytest.approx(1200, abs=1)
    assert sum(turn.spans_ms.values()) == pytest.approx(turn.voice_to_voice_ms)
    assert list(turn.spans_ms) == ["pause", "thinking", LINE_SPAN]
    assert turn.spans_ms[LINE_SPAN] == pytest.approx(200, abs=1)
    assert turn.line_ms == pytest.approx({"to_bot": 100, "to_caller": 100}, abs=1)
    assert (turn.turn_id, turn.said, turn.heard, turn.reply_played) == (1, "hello there", "hello there", "Hello to you.")


def test_two_people_are_told_apart() -> None:
    said = [Said("Ann", "one", 10.0, 11.0), Said("Bob", "two", 20.0, 21.0)]
    exchanges = [exchange(1, 11.1, 12.0, 14.0), exchange(2, 21.1, 22.0, 24.0, speaker="Bob")]
    ears = {"Ann": ear_with((12.1, 1.0), (22.1, 1.0)), "Bob": ear_with((12.2, 1.0), (22.3, 1.0))}
    turns = measure_turns(said, exchanges, ears)
    assert [(turn.speaker, turn.turn_id) for turn in turns] == [("Ann", 1), ("Bob", 2)]
    assert [turn.voice_to_voice_ms for turn in turns] == [pytest.approx(1100, abs=1), pytest.approx(1300, abs=1)]


def test_sound_of_the_answer_before_does_not_count_as_the_answer() -> None:
    said = [Said("Ann", "one", 10.0, 11.0), Said("Ann", "two", 13.0, 14.0, interrupts=True)]
    exchanges = [exchange(1, 11.1, 12.0, 14.05, interrupted=True), exchange(2, 14.1, 15.0, 17.0)]
    turns = measure_turns(said, exchanges, {"Ann": ear_with((12.1, 2.2), (15.1, 1.0))})
    assert turns[1].voice_to_voice_ms == pytest.approx(1100, abs=1)


def test_an_interruption_is_measured_from_the_first_interrupting_sample_to_silence() -> None:
    said = [Said("Ann", "a story", 10.0, 11.0), Said("Ann", "stop", 14.0, 16.0, interrupts=True)]
    exchanges = [exchange(1, 11.1, 12.0, 14.2, interrupted=True), exchange(2, 16.1, 17.0, 19.0)]
    turns = measure_turns(said, exchanges, {"Ann": ear_with((12.1, 2.25), (17.1, 1.0))})
    assert turns[0].interrupted
    assert turns[0].to_be_interrupted
    assert turns[0].interruption_ms == pytest.approx(350, abs=2)
    assert turns[1].interruption_ms is None


def test_an_answer_that_is_over_before_it_can_be_interrupted_has_no_such_time() -> None:
    said = [Said("Ann", "a story", 10.0, 11.0), Said("Ann", "stop", 14.0, 16.0, interrupts=True)]
    exchanges = [exchange(1, 11.1, 12.0, 13.0), exchange(2, 16.1, 17.0, 19.0)]
    turn = measure_turns(said, exchanges, {"Ann": ear_with((12.1, 1.0), (17.1, 1.0))})[0]
    assert turn.interruption_ms is None
    assert not turn.interrupted


def test_an_interruption_in_a_pause_of_the_answer_takes_no_time() -> None:
    said = [Said("Ann", "a story", 10.0, 11.0), Said("Ann", "stop", 14.0, 16.0, interrupts=True)]
    exchanges = [exchange(1, 11.1, 12.0, 14.2, interrupted=True), exchange(2, 16.1, 17.0, 19.0)]
    assert measure_turns(said, exchanges, {"Ann": ear_with((12.1, 1.0), (17.1, 1.0))})[0].interruption_ms == 0.0


def test_an_answer_that_goes_on_through_an_interruption_is_heard_to_its_end() -> None:
    said = [Said("Ann", "a story", 10.0, 11.0), Said("Ann", "stop", 14.0, 16.0, interrupts=True)]
    turn = measure_turns(said, [exchange(1, 11.1, 12.0, 18.0)], {"Ann": ear_with((12.1, 6.0))})[0]
    assert turn.interruption_ms == pytest.approx(2000, abs=1)


def test_what_is_heard_of_one_answer_ends_where_the_next_begins() -> None:
    said = [Said("Ann", "one", 10.0, 11.0), Said("Ann", "two", 13.0, 14.0, interrupts=True)]
    exchanges = [exchange(1, 11.1, 12.0, 14.6), exchange(2, 14.1, 15.0, 17.0)]
    turns = measure_turns(said, exchanges, {"Ann": ear_with((12.1, 1.0), (15.1, 1.0))})
    assert turns[0].reply_window_s == pytest.approx((12.1, 15.1), abs=0.001)
    assert turns[1].reply_window_s == pytest.approx((15.1, 18.0), abs=0.001)


def test_what_the_bot_took_for_two_turns_is_one_for_the_speaker() -> None:
    said = [Said("Ann", "hello there how are you", 10.0, 14.0)]
    exchanges = [exchange(1, 11.5, None, 12.0, heard="hello there"), exchange(2, 14.1, 15.0, 17.0, heard="how are you")]
    turns = measure_turns(said, exchanges, {"Ann": ear_with((15.1, 1.0))})
    assert [(turn.turn_id, turn.heard) for turn in turns] == [(2, "hello there how are you")]


def test_a_question_without_any_answer_has_no_times() -> None:
    turn = measure_turns([Said("Ann", "hello", 10.0, 11.0)], [], {"Ann": ear_with()})[0]
    assert not turn.answered
    assert turn.turn_id is None
    assert turn.spans_ms == {}


def test_an_answer_that_the_caller_never_heard_is_none() -> None:
    turn = measure_turns([Said("Ann", "hello", 10.0, 11.0)], [exchange(1, 11.1, 12.0, 14.0)], {"Ann": ear_with((40.0, 1.0))})[0]
    assert turn.turn_id == 1
    assert not turn.answered


def test_an_answer_to_nothing_that_was_said_is_a_turn_of_its_own() -> None:
    turns = measure_turns([], [exchange(1, 11.1, 12.0, 14.0)], {"Ann": ear_with((12.1, 1.0))})
    assert [(turn.said, turn.heard, turn.wanted_answer) for turn in turns] == [("", "hello there", False)]


def test_percentiles_interpolate() -> None:
    assert percentile([1.0, 2.0, 3.0], 50) == 2.0
    assert percentile([1.0, 2.0], 95) == pytest.approx(1.95)
    assert percentile([], 50) is None


def left_alone(began_s: float, told_s: float) -> list[LeftAlone]:
    """Bob's turn 4, resumed once, and ignored in the end."""
    began = [TurnBegan(chat_id=-1, at_s=at_s, turn_id=4, speaker="Bob", speaker_id=8) for at_s in (began_s, began_s + 1.0)]
    told = TurnIgnored(chat_id=-1, at_s=told_s, turn_id=4, speaker="Bob", speaker_id=8, text="hi all", reason="not addressed")
    return turns_left_alone(began, [told])


def test_a_turn_that_the_bot_left_alone_has_its_reason_and_what_was_heard() -> None:
    said = [Said("Bob", "hi all", 10.0, 11.0, wants_answer=False, silence_s=4.0), Said("Bob", "hm", 16.0, 17.0, wants_answer=False)]
    first, second = measure_turns(said, [], {"Bob": ear_with()}, left_alone(10.2, 12.0))
    assert (first.ignored, first.heard, first.turn_id, first.wanted_silence) == ("not addressed", "hi all", 4, True)
    assert (second.ignored, second.turn_id) == ("", None)
    assert not first.silence_broken


def test_it_does_not_matter_how_late_the_bot_tells_that_it_left_something_alone() -> None:
    said = [Said("Bob", "hi all", 10.0, 11.0), Said("Ann", "one", 11.5, 12.0), Said("Bob", "hm", 13.0, 14.0)]
    turns = measure_turns(said, [], {"Ann": ear_with(), "Bob": ear_with()}, left_alone(10.2, 40.0))
    assert [turn.ignored for turn in turns] == ["not addressed", "", ""]


def test_any_sound_of_the_bot_breaks_the_silence_as_long_as_it_must_last() -> None:
    said = [Said("Bob", "hi all", 10.0, 11.0, wants_answer=False, silence_s=4.0)]
    assert measure_turns(said, [], {"Bob": ear_with((14.0, 1.0))})[0].silence_broken
    assert not measure_turns(said, [], {"Bob": ear_with((15.5, 1.0))})[0].silence_broken


def test_what_is_said_over_an_answer_that_goes_on_is_no_interruption() -> None:
    said = [
        Said("Ann", "a story", 10.0, 11.0),
        Said("Bob", "mm-hm", 13.0, 13.5, wants_answer=False, interrupts=True, bot_goes_on=True),
        Said("Ann", "stop", 15.0, 16.0, interrupts=True),
    ]
    exchanges = [exchange(1, 11.1, 12.0, 15.3, interrupted=True), exchange(2, 16.1, 17.0, 19.0)]
    ears = {"Ann": ear_with((12.1, 3.2), (17.1, 1.0)), "Bob": ear_with((12.1, 3.2), (17.1, 1.0))}
    story, hum, stop = measure_turns(said, exchanges, ears)
    assert (story.to_go_on, story.to_be_interrupted) == (True, True)
    assert story.interruption_ms == pytest.approx(300, abs=2)
    assert (hum.wanted_silence, hum.answered, hum.to_be_interrupted) == (True, False, False)
    assert stop.answered


def test_a_false_interruption_is_as_long_as_the_gap_that_was_heard() -> None:
    event = FalseInterruption(chat_id=-1, at_s=14.0, turn_id=1, by="Bob", words="mm-hm")
    resumed = measure_resumed([event], {"Ann": ear_with(), "Bob": ear_with((12.0, 1.2), (14.1, 1.0))})[0]
    assert (resumed.turn_id, resumed.by, resumed.words, resumed.at_s) == (1, "Bob", "mm-hm", 14.0)
    assert resumed.silent_ms == pytest.approx(900, abs=2)
    assert measure_resumed([event], {"Ann": ear_with()})[0].silent_ms is None
    assert measure_resumed([event], {}) == []
