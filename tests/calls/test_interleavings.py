"""Thousands of conversations, each in another order of things: none breaks an invariant, and what finds that out is tested itself."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import numpy as np
import pytest

from audio.pcm import PLAYOUT_FRAME_BYTES
from audio.playout import PlayingClause, Playout
from calls import events
from calls.turns.revisions import Revisions
from tests.calls.interleavings import actions
from tests.calls.interleavings.invariants import violations
from tests.calls.interleavings.search import (
    OPENINGS,
    SPEAKS,
    broken_by,
    enumerated,
    first_steps,
    random_conversation,
    shortened,
    violation_in,
)
from tests.calls.interleavings.sound import SAMPLES_PER_CHARACTER, Ear, sound_of_word
from tests.calls.interleavings.world import World, play_schedule

RANDOM: Final = 6_000
IN_ONE_TEST: Final = 1_000
SEED: Final = 1


def assert_nothing_is_broken(conversations: Iterable[tuple[str, World]]) -> None:
    for number, world in conversations:
        if violations(world.record):
            pytest.fail(str(violation_in(world, number)), pytrace=False)


@pytest.mark.parametrize("line", OPENINGS, ids=[line or "nothing before" for line in OPENINGS])
def test_whatever_the_next_two_things_are_nothing_is_broken(line: str) -> None:
    assert_nothing_is_broken((line, world) for world in enumerated(actions.parsed(line), depth=2))


@pytest.mark.parametrize("first", range(0, RANDOM, IN_ONE_TEST))
def test_in_random_orders_nothing_is_broken(first: int) -> None:
    assert_nothing_is_broken((f"{SEED}:{number}", random_conversation(SEED, number)) for number in range(first, first + IN_ONE_TEST))


# ---- schedules that once were of interest, named by what happens

KNOWN: Final = {
    "going on in the frame in which the reply would begin": "A h h A s+ h t+ h h v+ A rest",
    "going on when half of a clause is there": "A h h A s+ h t+ h h v~ A rest",
    "a cough behind a question": "A h h A s+ H A rest",
    "two coughs behind a question without words yet": "A H A H A rest",
    "a short noise of one while another interrupts": "A h h A s+ h t+ h v+ h B A A H hang-up",
    "the next clause is ready in the moment of the cut": "A h h A s+ h t+ t+ B v+ rest",
    "the voice fails in the middle of a clause": "A h h A s+ h t+ h v~ v! rest",
    "going on in the moment an empty reply has ended": "A H Ax B s+ h h h t0 H h A hang-up",
    "a murmur goes on with an overlong turn": "B h A H H h Bm b rest",
    "an old turn turns out to be nothing while its speaker interrupts": "A h B h h A B s+ s+2 h Bm A t+ A H A v+ h s! B B B h H hang-up",
    "a noise after a long stretch": "A h h h A s+ A B H h h s+ rest",
    "going on over a new reply after another has cut the old one": "A h h A s+ h t+ h v+ h B h A Ax y s+ h t+ B v+ B H H hang-up",
    "the rest of a turn is not understood after its reply was begun": "A h h A s+ h h A h h h Al y Al A A s+ B t? s! B hang-up",
    "an overlong turn goes on while another's is nothing": "n h v+ h B H A H A s! h h hang-up",
    "an announcement is talked over": "n h v+ h h A h h h A s+ h t+ v+ rest",
}


@pytest.mark.parametrize("line", KNOWN.values(), ids=list(KNOWN))
def test_nothing_is_broken_by(line: str) -> None:
    assert broken_by(actions.parsed(line)) == []


# ---- what finds it out

INTERRUPTED: Final = f"{SPEAKS} A h h h A s+ h hang-up"
WORD: Final = 5 * SAMPLES_PER_CHARACTER * 2


def test_a_conversation_is_played_as_its_schedule_says() -> None:
    record = play_schedule(actions.parsed(INTERRUPTED)).record
    quiet = (events.PhaseChanged, events.TurnPartial)
    told = [type(happened.event) for happened in record.happened if not isinstance(happened.event, quiet)]
    assert told == [
        events.TurnBegan,
        events.TurnHeard,
        events.ReplyBegan,
        events.ClauseSpoken,
        events.TurnBegan,
        events.Interrupted,
        events.ExchangeEnded,
    ]
    assert 0 < len(record.history[0][1].split()) < 3


def test_the_same_number_is_the_same_conversation() -> None:
    assert random_conversation(3, 14).done == random_conversation(3, 14).done
    assert random_conversation(3, 14).done != random_conversation(3, 15).done


def test_a_conversation_is_replayed_from_its_line() -> None:
    for number in range(20):
        world = random_conversation(5, number)
        again = play_schedule(world.done)
        assert [str(happened.event) for happened in again.record.happened] == [str(happened.event) for happened in world.record.happened]


def test_the_enumeration_plays_every_schedule_once() -> None:
    opening = actions.parsed("A h h A s+ h t+ h")
    lines = [" ".join(world.done) for world in enumerated(opening, depth=2)]
    assert len(lines) == len(set(lines))
    ends = {line.removeprefix(" ".join(opening) + " ") for line in lines}
    assert {"rest", "hang-up", "v+ rest", "v+ A hang-up", "t+ v+ rest"} <= ends
    parts = [" ".join(world.done) for steps in first_steps(opening) for world in enumerated(steps, depth=1)]
    assert {*parts, *(" ".join([*opening, last]) for last in actions.LAST)} == set(lines)


def test_unknown_actions_are_named() -> None:
    with pytest.raises(ValueError, match=r"No such action: what, ever\."):
        actions.parsed("A what h ever")


def test_the_ear_knows_words_at_any_loudness_and_from_anywhere() -> None:
    ear = Ear()
    _clause, sound = ear.teach("baba bebe bibi")
    for gain in (1.0, 0.25, np.linspace(1.0, 0.25, len(sound) // 2)):
        samples = (np.frombuffer(sound, dtype="<i2") * gain).astype("<i2").tobytes()
        for odd in (0, 2):
            frames = [samples[start : start + PLAYOUT_FRAME_BYTES] for start in range(odd, len(samples), PLAYOUT_FRAME_BYTES)]
            heard = [word.text for frame in frames for word in ear.recognise(frame, 1)]
            assert list(dict.fromkeys(heard)) == ["baba", "bebe", "bibi"]


def test_a_word_counts_when_its_end_is_heard() -> None:
    ear = Ear()
    clause, sound = ear.teach("baba bebe")
    assert sound[:WORD] == sound_of_word(0, 5)
    ear.recognise(sound[: WORD - PLAYOUT_FRAME_BYTES], 7)
    assert [word.ended_at for word in clause.words] == [None, None]
    ear.recognise(sound[WORD - PLAYOUT_FRAME_BYTES : WORD + 20], 8)
    assert [word.ended_at for word in clause.words] == [8, None]


def claims_every_word(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(PlayingClause, "heard", property(lambda clause: clause.text))


def never_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Playout, "hold", lambda _playout: None)


def never_releases(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Playout, "release", lambda _playout: None)


def cuts_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Playout, "cut", Playout.release)


def skips_to_the_end_of_the_word(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(PlayingClause, "rewind_to_word", lambda clause: clause.take(SAMPLES_PER_CHARACTER * 5))


def takes_everything_for_the_newest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Revisions, "is_latest", lambda _revisions, _revision: True)
    monkeypatch.setattr(Revisions, "advance", lambda _revisions, revision: revision)


@pytest.mark.parametrize(
    ("mistake", "line", "invariant"),
    [
        (claims_every_word, INTERRUPTED, "nothing_counts_as_heard_that_was_not"),
        (never_holds, f"{SPEAKS} B h h h h h h hang-up", "silent_soon_after_somebody_speaks"),
        (never_releases, f"{SPEAKS} B h B h s0 h rest", "nothing_is_left_behind"),
        (cuts_nothing, f"{SPEAKS} A h h h A s+ rest", "what_was_heard_is_remembered"),
        (skips_to_the_end_of_the_word, f"{SPEAKS} B h B h s0 h rest", "words_come_in_order"),
        (takes_everything_for_the_newest, "A h h A s+ A A s+ rest", "nothing_stale_is_told"),
    ],
)
def test_a_mistake_is_found(monkeypatch: pytest.MonkeyPatch, mistake: object, line: str, invariant: str) -> None:
    assert broken_by(actions.parsed(line)) == []
    assert callable(mistake)
    mistake(monkeypatch)
    assert invariant in {broken.partition(":")[0] for broken in broken_by(actions.parsed(line))}


def test_a_schedule_that_breaks_something_is_shortened(monkeypatch: pytest.MonkeyPatch) -> None:
    claims_every_word(monkeypatch)
    world = play_schedule(actions.parsed("B B h A h h A s+ h y t+ h v+ t+ a h h f A h h h A s+ h h hang-up"))
    found = violation_in(world, "1:1")
    assert found is not None
    assert len(found.shortest.split()) < len(found.schedule.split()) - 5
    assert shortened(found.shortest.split(), {"nothing_counts_as_heard_that_was_not"}) == found.shortest.split()
    assert "interleaving 1:1" in str(found)
