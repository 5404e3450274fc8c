from calls.turns.barge_in import BargeIn, BargeInStep

HOP_S = 0.032


def steps(pattern: str, audible: bool = True) -> list[tuple[float, BargeInStep]]:
    barge_in = BargeIn()
    found = []
    for place, mark in enumerate(pattern, 1):
        step = barge_in.hear(HOP_S, 0.9 if mark == "#" else 0.1, audible)
        if step:
            found.append((round(place * HOP_S, 3), step))
    return found


def test_speech_ducks_then_holds_then_cuts() -> None:
    found = steps("#" * 40)
    assert [step for _at, step in found] == [BargeInStep.DUCK, BargeInStep.HOLD, BargeInStep.CUT]
    duck, hold, cut = (at for at, _step in found)
    assert duck <= 0.1
    assert hold <= 0.2
    assert 0.8 <= cut <= 0.85


def test_a_cough_only_ducks() -> None:
    assert [step for _at, step in steps("###" + "." * 10)] == [BargeInStep.DUCK, BargeInStep.UNDUCK]


def test_a_click_does_nothing() -> None:
    assert steps("#" + "." * 10) == []


def test_speech_before_the_bot_sounds_does_nothing() -> None:
    assert steps("#" * 30, audible=False) == []


def test_a_short_gap_inside_a_word_does_not_start_over() -> None:
    assert [step for _at, step in steps("##.###")] == [BargeInStep.DUCK, BargeInStep.HOLD]
