from calls.turns.endpointing import Edge, Endpointing, PauseRules

HOP_S = 0.032


def edges(pattern: str, rules: PauseRules | None = None) -> list[tuple[float, Edge]]:
    """Each character one hop: ``#`` speech, ``.`` silence, ``~`` in between; the edges with their audio time."""
    probability = {"#": 0.9, "~": 0.4, ".": 0.02}
    endpointing = Endpointing(rules or PauseRules())
    found = []
    for mark in pattern:
        found += [(round(endpointing.now_s, 3), edge) for edge in endpointing.hear(HOP_S, probability[mark])]
    return found


def kinds(pattern: str, rules: PauseRules | None = None) -> list[Edge]:
    return [edge for _at_s, edge in edges(pattern, rules)]


def test_a_turn_begins_pauses_and_ends_after_700_ms() -> None:
    found = edges("." * 5 + "#" * 20 + "." * 30)
    assert [edge for _at, edge in found] == [Edge.BEGAN, Edge.PAUSED, Edge.ENDED]
    began, paused, ended = (at for at, _edge in found)
    speech_end = 25 * HOP_S
    assert began < 5 * HOP_S + 0.1
    assert 0.03 <= paused - speech_end <= 0.1
    assert 0.7 <= ended - speech_end <= 0.74


def test_speech_after_a_pause_resumes_the_turn() -> None:
    assert kinds("#" * 12 + "." * 8 + "#" * 12 + "." * 30) == [Edge.BEGAN, Edge.PAUSED, Edge.RESUMED, Edge.PAUSED, Edge.ENDED]


def test_one_noisy_hop_in_a_pause_does_not_resume() -> None:
    assert Edge.RESUMED not in kinds("#" * 12 + "." * 8 + "#" + "." * 30)


def test_a_murmur_in_a_pause_is_listened_to_again_without_making_it_longer() -> None:
    found = edges("#" * 12 + "." * 6 + "#" + "." * 30)
    assert [edge for _at, edge in found] == [Edge.BEGAN, Edge.PAUSED, Edge.PAUSED, Edge.ENDED]
    assert found[-1][0] - 12 * HOP_S <= 0.74


def test_a_click_begins_nothing() -> None:
    assert kinds("." * 10 + "#" + "." * 40) == []


def test_too_little_speech_is_dropped() -> None:
    assert kinds("#" * 4 + "." * 40) == [Edge.BEGAN, Edge.PAUSED, Edge.DROPPED]


def test_a_soft_stretch_keeps_speech_going_but_does_not_begin_it() -> None:
    assert kinds("~" * 40) == []
    assert kinds("#" * 10 + "~" * 40) == [Edge.BEGAN]


def test_profiles_end_a_turn_after_their_own_pause() -> None:
    for end_s in (0.5, 0.7, 1.5):
        found = edges("#" * 20 + "." * 60, PauseRules(end_s=end_s))
        assert end_s <= found[-1][0] - 20 * HOP_S <= end_s + 0.04


def test_an_endless_turn_is_ended_and_goes_on_as_another() -> None:
    assert kinds("#" * 100, PauseRules(longest_turn_s=2.0)) == [Edge.BEGAN, Edge.PAUSED, Edge.ENDED, Edge.BEGAN]


def test_a_first_short_word_is_given_time_to_go_on_however_finished_it_sounds() -> None:
    endpointing = Endpointing()
    endpointing.end_s = 0.25
    found = [edge for mark in "#" * 7 + "." * 14 + "#" * 12 + "." * 12 for edge in endpointing.hear(HOP_S, 0.9 if mark == "#" else 0.02)]
    assert Edge.DROPPED not in found
    assert found[-1] is Edge.ENDED


def test_what_is_a_pause_and_the_end_at_once_is_told_at_once() -> None:
    found = edges("#" * 12 + "." * 30, PauseRules(pause_s=0.2, end_s=0.2))
    assert [edge for _at, edge in found] == [Edge.BEGAN, Edge.PAUSED, Edge.ENDED]
    assert found[1][0] == found[2][0]
