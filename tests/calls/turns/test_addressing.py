from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calls.turns.addressing import Addressing, AddressingRules, Heard, Mode, Verdict

ANNA, BORIS, ROBOT = 1, 2, 3


def said(text: str, by: int = ANNA, others: int = 3, *, bot: bool = False) -> Heard:
    names = {ANNA: "Anna", BORIS: "Boris"}
    return Heard(text, by, others, other_names=tuple(name for who, name in names.items() if who != by), by_bot=bot)


def group(**rules: object) -> Addressing:
    return Addressing(AddressingRules(**rules))  # type: ignore[arg-type]


def test_alone_with_somebody_everything_is_said_to_the_bot() -> None:
    assert group().decide(said("It is raining.", others=1), 0, 0.5) is Verdict.ALONE


def test_people_who_talk_to_each_other_are_left_alone() -> None:
    assert group().decide(said("It is raining."), 0, 0.0) is Verdict.NOT_ADDRESSED


def test_the_name_in_any_spelling_gets_an_answer() -> None:
    assert group().decide(said("Parlay, is it raining?"), 0, 0.9) is Verdict.NAMED
    assert group().decide(said("Harley, is it raining?"), 0, 0.9) is Verdict.NAMED
    assert group(names=("Nova", "Parley")).decide(said("Nova, is it raining?"), 0, 0.9) is Verdict.NAMED


@pytest.mark.parametrize(("reply", "window_s"), [("It is noon.", 12.0), ("It is noon. Anything else?", 20.0)])
def test_whoever_was_answered_may_go_on_for_a_while(reply: str, window_s: float) -> None:
    for later_s, verdict in ((window_s - 0.1, Verdict.FOLLOW_UP), (window_s + 0.1, Verdict.NOT_ADDRESSED)):
        manners = group()
        manners.replied(ANNA, 100, reply)
        assert manners.decide(said("And tomorrow?"), 100 + later_s, 0.5) is verdict


def test_somebody_else_is_not_the_one_who_was_answered() -> None:
    manners = group()
    manners.replied(ANNA, 0, "It is noon.")
    assert manners.decide(said("I am hungry.", BORIS), 1, 0.5) is Verdict.NOT_ADDRESSED


def test_when_another_has_spoken_the_follow_up_is_over() -> None:
    manners = group()
    manners.replied(ANNA, 0, "It is noon.")
    manners.decide(said("I am hungry.", BORIS), 1, 0.5)
    assert manners.decide(said("Me too."), 2, 0.5) is Verdict.NOT_ADDRESSED


def test_anothers_sign_of_listening_ends_no_follow_up() -> None:
    manners = group()
    manners.replied(ANNA, 0, "It is noon.")
    manners.decide(said("Mm-hm.", BORIS), 1, 0.5)
    assert manners.decide(said("And in Rome?"), 2, 0.5) is Verdict.FOLLOW_UP


def test_two_who_were_both_answered_may_both_go_on() -> None:
    manners = group()
    manners.replied(ANNA, 0, "It is noon.")
    manners.replied(BORIS, 3, "It is Monday.")
    assert manners.decide(said("And in Rome?"), 4, 0.5) is Verdict.FOLLOW_UP
    assert manners.decide(said("And tomorrow?", BORIS), 5, 0.5) is Verdict.FOLLOW_UP


def test_whoever_calls_another_has_turned_away_from_the_bot() -> None:
    manners = group()
    manners.replied(ANNA, 0, "It is noon.")
    assert manners.decide(said("Boris, shall we eat?"), 1, 0.5) is Verdict.SAID_TO_ANOTHER
    assert manners.decide(said("I am hungry."), 2, 0.5) is Verdict.NOT_ADDRESSED


def test_the_bot_named_beside_another_answers() -> None:
    assert group().decide(said("Boris, ask Parley what time it is."), 0, 0.5) is Verdict.NAMED


def test_always_takes_part_unless_another_is_called() -> None:
    manners = group(mode=Mode.ALWAYS)
    assert manners.decide(said("It is raining."), 0, 0.99) is Verdict.TAKES_PART
    assert manners.decide(said("Boris, are you there?"), 0, 0.0) is Verdict.SAID_TO_ANOTHER


def test_cooldown_and_chance_hold_only_for_answers_nobody_asked_for() -> None:
    manners = group(mode=Mode.ALWAYS, cooldown_s=30.0, probability=0.3, follow_up_s=5.0)
    assert manners.decide(said("It is raining."), 0, 0.3) is Verdict.BY_CHANCE
    assert manners.decide(said("It is raining."), 0, 0.29) is Verdict.TAKES_PART
    manners.replied(ANNA, 0, "So it is.")
    assert manners.decide(said("Dinner?", BORIS), 29, 0.0) is Verdict.COOLING_DOWN
    assert manners.decide(said("Parley, dinner?", BORIS), 29, 0.99) is Verdict.NAMED
    assert manners.decide(said("Dinner?", BORIS), 31, 0.0) is Verdict.TAKES_PART


def test_silent_is_silent() -> None:
    assert group(mode=Mode.SILENT).decide(said("Parley, speak!", others=1), 0, 0.0) is Verdict.SILENCED


def test_two_bots_do_not_talk_for_ever() -> None:
    manners = group(most_turns_with_bot=2)
    verdicts = [manners.decide(said("Parley, how are you?", ROBOT, 2, bot=True), second, 0.0) for second in range(3)]
    assert verdicts == [Verdict.NAMED, Verdict.NAMED, Verdict.BOT_LOOP]
    manners.decide(said("Interesting."), 4, 0.0)
    assert manners.decide(said("Parley, and you?", ROBOT, 2, bot=True), 5, 0.0) is Verdict.NAMED


def test_alone_with_a_bot_the_cap_holds_too() -> None:
    manners = group(most_turns_with_bot=1)
    assert manners.decide(said("Hello.", ROBOT, 1, bot=True), 0, 0.0) is Verdict.ALONE
    assert manners.decide(said("Hello.", ROBOT, 1, bot=True), 1, 0.0) is Verdict.BOT_LOOP


@given(
    st.sampled_from([Mode.ADDRESSED, Mode.SILENT]),
    st.lists(
        st.tuples(st.sampled_from(["It is late.", "Boris, come.", "Mm-hm.", "Who knows?"]), st.sampled_from([ANNA, BORIS])), max_size=12
    ),
)
def test_unless_addressed_the_bot_never_answers_in_a_group(mode: Mode, talk: list[tuple[str, int]]) -> None:
    manners = group(mode=mode)
    assert not any(manners.decide(said(text, by), second, 0.0).answers for second, (text, by) in enumerate(talk))


def test_follow_ups_are_kept_for_a_bounded_number_of_people() -> None:
    manners = group()
    for who in range(40):
        manners.replied(who, 0, "Yes.")
    assert manners.decide(said("And then?", 39, 50), 1, 0.5) is Verdict.FOLLOW_UP
    assert manners.decide(said("And then?", 0, 50), 1, 0.5) is Verdict.NOT_ADDRESSED
