"""Who is in the call, and what is meant for the bot."""

from __future__ import annotations

from dataclasses import replace

from audio.stt import Transcript
from calls.company import Company
from calls.latency import Marks
from calls.lines import Participant
from calls.manners import Manners
from calls.turn import Draft, Turn
from calls.turns.addressing import AddressingRules, Mode
from calls.turns.revisions import Revisions

ANN, BOB = Participant(1, "Ann"), Participant(2, "Bob")
WORDS = Transcript("It will rain tomorrow.", language="en")


def company() -> Company:
    return Company(replace(Manners(), addressing=AddressingRules(Mode.ADDRESSED)), lambda: 100.0, lambda: 0.0)


def turn_of(participant: Participant) -> Turn:
    return Turn(participant, Revisions().begin())


def draft_of(turn: Turn, words: Transcript | None = WORDS) -> Draft:
    return Draft(turn.revision, Marks(0.0), transcript=words)


def test_whoever_sounds_is_in_the_call_and_keeps_the_name_they_joined_with() -> None:
    company_ = company()
    company_.joined(ANN)
    company_.sounded(Participant(ANN.id, ""))
    assert company_.names() == ["Ann"]
    assert not company_.several
    company_.sounded(BOB)
    assert company_.several
    company_.left(ANN)
    assert company_.names() == ["Bob"]


def test_what_is_meant_for_the_bot_alone_with_it_is_not_among_several() -> None:
    company_, turn = company(), turn_of(ANN)
    company_.joined(ANN)
    assert company_.means_bot(turn, WORDS)
    assert company_.why_not_answer(turn, draft_of(turn)) == ""
    company_.joined(BOB)
    assert not company_.means_bot(turn, WORDS)
    assert company_.why_not_answer(turn, draft_of(turn)) == "not addressed"


def test_whoever_was_answered_may_go_on_without_saying_the_name() -> None:
    company_, turn = company(), turn_of(ANN)
    company_.joined(ANN)
    company_.joined(BOB)
    company_.replied(turn, "It will.")
    assert company_.means_bot(turn, WORDS)
    assert not company_.means_bot(turn_of(BOB), WORDS)


def test_an_aside_stays_one_without_being_asked_about_again() -> None:
    company_, turn = company(), turn_of(ANN)
    company_.joined(ANN)
    turn.aside = "backchannel"
    assert company_.why_not_answer(turn, draft_of(turn)) == "backchannel"


def test_the_language_is_that_of_the_words_or_else_the_chats() -> None:
    company_, turn = company(), turn_of(ANN)
    assert company_.language_of(draft_of(turn, Transcript("Bon dia.", language="ca"))) == "ca"
    assert company_.language_of(draft_of(turn, None)) == "en"
    company_.change_manners(replace(Manners(), language="de"))
    assert company_.language_of(draft_of(turn, None)) == "de"
    company_.change_manners(replace(Manners(), language=None))
    assert company_.language == "en"
