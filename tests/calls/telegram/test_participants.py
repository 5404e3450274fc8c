from datetime import UTC, datetime
from typing import Any

from telethon.tl import types

from calls.lines.line import MutedByAdmin, Participant, ParticipantJoined, ParticipantLeft, UnmutedByAdmin
from calls.telegram.participants import Own, Roster, signed, unsigned

ME, ANN, BOB = 1, 2, 3
MY_SSRC = 0xF000_0001
NAMES = {ANN: "Ann", BOB: "Bob"}


def row(user_id: int, ssrc: int, **flags: Any) -> Any:
    peer = types.PeerUser(user_id)
    return types.GroupCallParticipant(peer=peer, date=datetime.now(UTC), source=signed(ssrc), **flags)


def roster(version: int = 0) -> Roster:
    return Roster(ME, MY_SSRC, version)


def test_sources_are_signed_in_the_schema_and_unsigned_in_frames() -> None:
    assert signed(MY_SSRC) < 0
    assert unsigned(signed(MY_SSRC)) == MY_SSRC
    assert signed(5) == 5


def test_everybody_but_ourselves_joins_and_is_known_by_source() -> None:
    people = roster()
    changes = people.replace([row(ME, MY_SSRC), row(ANN, 0xFFFF_FFF0), row(BOB, 7)], NAMES, 4)
    ann = Participant(ANN, "Ann", 0xFFFF_FFF0)
    assert changes == [ParticipantJoined(ann), ParticipantJoined(Participant(BOB, "Bob", 7))]
    assert people.by_ssrc(0xFFFF_FFF0) == ann
    assert people.by_ssrc(MY_SSRC) is None


def test_a_person_who_rejoins_is_heard_under_the_new_source() -> None:
    people = roster()
    people.apply([row(ANN, 5)], NAMES, 1)
    assert people.apply([row(ANN, 6)], {}, 2) == []
    assert people.by_ssrc(5) is None
    assert people.by_ssrc(6) == Participant(ANN, "Ann", 6)


def test_being_muted_though_one_may_speak() -> None:
    people = roster()
    people.apply([row(ME, MY_SSRC, muted=True)], NAMES, 1)
    assert (people.muted_by_admin, people.muted_by_itself) == (True, False)
    people.apply([row(ME, MY_SSRC, muted=True, can_self_unmute=True)], NAMES, 1)
    assert (people.muted_by_admin, people.muted_by_itself) == (False, True)
    people.apply([row(ME, MY_SSRC)], NAMES, 1)
    assert not people.muted_by_itself


def test_leaving() -> None:
    people = roster()
    people.apply([row(ANN, 5)], NAMES, 1)
    assert people.apply([row(ANN, 5, left=True)], {}, 2) == [ParticipantLeft(Participant(ANN, "Ann", 5))]
    assert people.by_ssrc(5) is None
    assert people.apply([row(ANN, 5, left=True)], {}, 3) == []


def test_old_news_is_ignored() -> None:
    people = roster(version=9)
    assert people.apply([row(ANN, 5, just_joined=True, versioned=True)], NAMES, 8) == []
    assert people.participants == []


def test_a_gap_in_the_versions_is_noticed() -> None:
    people = roster(version=3)
    assert not people.misses([row(ANN, 5, versioned=True)], 4)
    assert people.misses([row(ANN, 5, versioned=True)], 5)
    assert not people.misses([row(ANN, 5, muted=True)], 9)


def test_a_complete_list_takes_out_who_is_gone() -> None:
    people = roster()
    people.replace([row(ANN, 5), row(BOB, 6)], NAMES, 1)
    assert people.replace([row(BOB, 6)], NAMES, 2) == [ParticipantLeft(Participant(ANN, "Ann", 5))]


def test_muted_by_an_admin_is_muted_without_the_right_to_unmute() -> None:
    people = roster()
    assert people.apply([row(ME, MY_SSRC, can_self_unmute=True)], {}, 1) == []
    assert people.apply([row(ME, MY_SSRC, muted=True)], {}, 1) == [MutedByAdmin()]
    assert people.apply([row(ME, MY_SSRC, muted=True)], {}, 1) == []
    assert people.apply([row(ME, MY_SSRC, muted=True, can_self_unmute=True)], {}, 1) == [UnmutedByAdmin()]


def test_our_own_end_counts_only_with_our_own_source() -> None:
    people = roster()
    assert people.apply([row(ME, 77, left=True)], {}, 1) == []
    assert people.apply([row(ME, MY_SSRC, left=True)], {}, 2) == [Own.LEFT]
    assert people.apply([row(ME, 77)], {}, 3) == [Own.TAKEN_OVER]


def test_a_person_without_a_name() -> None:
    people = roster()
    people.apply([row(ANN, 5)], {}, 1)
    assert people.by_ssrc(5) == Participant(ANN, "Somebody", 5)
