from handlers.rate import CHAT_POINTS, TOLD_AGAIN_AFTER_S, USER_POINTS, Rates, TooMuch

CHAT, ANN = -1, 7


def test_a_person_has_so_many_points_and_gets_them_back() -> None:
    rates = Rates()
    for _ in range(int(USER_POINTS)):
        assert rates.spend(CHAT, ANN, 1, 0.0) is None
    assert rates.spend(CHAT, ANN, 1, 0.0) == TooMuch(2, tell=True)
    assert rates.spend(CHAT, ANN, 1, 2.0) is None


def test_who_is_told_to_wait_is_told_once() -> None:
    rates = Rates()
    rates.spend(CHAT, ANN, 30, 0.0)
    told = [rates.spend(CHAT, ANN, 30, at_s) for at_s in (1.0, 2.0, TOLD_AGAIN_AFTER_S + 1.0)]
    assert [too_much.tell for too_much in told if too_much] == [True, False, True]


def test_a_chat_has_so_many_points_whoever_asks_there() -> None:
    rates = Rates()
    asked = [rates.spend(CHAT, user, 1, 0.0) for user in range(200)]
    assert sum(too_much is None for too_much in asked) == CHAT_POINTS
    refused = [too_much for too_much in asked if too_much]
    assert all(too_much.everybody for too_much in refused)
    assert [too_much.tell for too_much in refused] == [True] + [False] * (len(refused) - 1), "the chat is told, not each of them"
    assert rates.spend(CHAT, 999, 1, 0.0, urgent=True) is None
    assert rates.spend(-2, 3, 1, 0.0) is None


def test_a_person_pays_in_every_chat_from_one_purse() -> None:
    rates = Rates()
    rates.spend(-1, ANN, 30, 0.0)
    assert rates.spend(-2, ANN, 1, 0.0) is not None


def test_a_command_dearer_than_a_full_purse_is_possible() -> None:
    assert Rates().spend(CHAT, ANN, 1000, 0.0) is None


def test_points_do_not_grow_beyond_a_full_purse() -> None:
    rates = Rates()
    rates.spend(CHAT, ANN, 1, 0.0)
    for _ in range(int(USER_POINTS)):
        assert rates.spend(CHAT, ANN, 1, 1e6) is None
    assert rates.spend(CHAT, ANN, 1, 1e6) is not None
