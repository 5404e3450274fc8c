from datetime import UTC, datetime

from telethon.tl import types

from calls.lines.line import Participant
from calls.telegram.group_hearing import MOST_HELD_FRAMES, MOST_UNKNOWN_SOURCES, GroupHearing
from calls.telegram.participants import Roster


class Listening:
    def __init__(self) -> None:
        self.heard: list[tuple[int, bytes]] = []
        self.asked = 0
        self.roster = Roster(own_id=1, own_ssrc=1000)
        self.hearing = GroupHearing(self.roster, self._hear, self._ask)

    def _hear(self, participant: Participant, pcm: bytes) -> None:
        self.heard.append((participant.id, pcm))

    def _ask(self) -> None:
        self.asked += 1

    def introduce(self, user_id: int, ssrc: int) -> None:
        peer = types.PeerUser(user_id)
        self.roster.apply([types.GroupCallParticipant(peer=peer, date=datetime.now(UTC), source=ssrc)], {}, 1)


def test_each_frame_comes_with_its_person() -> None:
    ears = Listening()
    ears.introduce(2, 5)
    ears.introduce(3, 6)
    ears.hearing.take([(6, b"bob"), (5, b"ann")])
    assert ears.heard == [(3, b"bob"), (2, b"ann")]
    assert ears.asked == 0


def test_an_unknown_voice_is_held_asked_about_once_and_then_handed_on_in_order() -> None:
    ears = Listening()
    for pcm in (b"1", b"2", b"3"):
        ears.hearing.take([(5, pcm)])
    assert ears.heard == []
    assert ears.asked == 1
    assert ears.hearing.unknown == [5]
    ears.introduce(2, 5)
    ears.hearing.release()
    ears.hearing.take([(5, b"4")])
    assert [pcm for _, pcm in ears.heard] == [b"1", b"2", b"3", b"4"]


def test_what_is_held_is_bounded_and_counted() -> None:
    ears = Listening()
    for number in range(MOST_HELD_FRAMES + 7):
        ears.hearing.take([(5, bytes([number]))])
    assert ears.hearing.dropped == 7
    for ssrc in range(100, 200):
        ears.hearing.take([(ssrc, b"x")])
    assert len(ears.hearing.unknown) == MOST_UNKNOWN_SOURCES


def test_our_own_sound_is_not_held() -> None:
    ears = Listening()
    ears.hearing.take([(1000, b"echo")])
    assert ears.hearing.unknown == []


def test_a_voice_that_telegram_does_not_know_either_is_asked_about_again_later() -> None:
    ears = Listening()
    ears.hearing.take([(5, b"1")])
    ears.hearing.forget([5])
    ears.hearing.take([(5, b"2")])
    assert ears.asked == 2
