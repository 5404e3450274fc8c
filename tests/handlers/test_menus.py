import pytest

from handlers.menus import MOST_OPEN, OPEN_FOR_S, Choice, Menu, Menus

MENU = Menu("Voices", (Choice("Joe", "joe"), Choice("Amy", "amy")), "Reply with a number.")


def test_a_menu_is_numbered_text() -> None:
    assert str(MENU) == "Voices\n1. Joe\n2. Amy\nReply with a number."


@pytest.mark.parametrize(
    ("text", "chosen"),
    [
        ("1", ("voice", "joe")),
        (" 2. ", ("voice", "amy")),
        ("0", None),
        ("3", None),
        ("٢", None),
        ("-1", None),
        ("two", None),
        ("9" * 5000, None),
    ],
)
def test_a_reply_with_a_number_chooses(text: str, chosen: tuple[str, str] | None) -> None:
    menus = Menus()
    menus.show(-1, 10, "voice", MENU, 0.0)
    assert menus.chosen(-1, 10, text, 1.0) == chosen


def test_only_a_reply_to_the_menu_in_its_chat_and_in_time_chooses() -> None:
    menus = Menus()
    menus.show(-1, 10, "voice", MENU, 0.0)
    assert menus.chosen(-1, None, "1", 1.0) is None
    assert menus.chosen(-1, 11, "1", 1.0) is None
    assert menus.chosen(-2, 10, "1", 1.0) is None
    assert menus.chosen(-1, 10, "1", OPEN_FOR_S + 1) is None


def test_old_menus_are_forgotten() -> None:
    menus = Menus()
    for message_id in range(1, MOST_OPEN + 2):
        menus.show(-1, message_id, "voice", MENU, 0.0)
    assert menus.chosen(-1, 1, "1", 0.0) is None
    assert menus.chosen(-1, 2, "1", 0.0) is not None
