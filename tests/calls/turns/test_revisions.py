from calls.turns.revisions import Revision, Revisions


def test_only_the_newest_revision_is_wanted() -> None:
    revisions = Revisions()
    first = revisions.begin()
    assert revisions.is_latest(first)
    second = revisions.advance(first)
    assert second == Revision(first.turn_id, 2)
    assert not revisions.is_latest(first)
    assert revisions.is_latest(second)


def test_nothing_is_wanted_of_a_closed_turn() -> None:
    revisions = Revisions()
    turn = revisions.begin()
    revisions.close(turn)
    assert not revisions.is_latest(turn)


def test_turns_do_not_disturb_each_other() -> None:
    revisions = Revisions()
    ann, bob = revisions.begin(), revisions.begin()
    revisions.advance(ann)
    assert revisions.is_latest(bob)
