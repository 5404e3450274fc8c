import pytest

from handlers.command import Authority, Command, CommandTable, Invocation, Request, parse


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("/joincall", Invocation("joincall", "")),
        ("/JoinCall", Invocation("joincall", "")),
        (".joincall", Invocation("joincall", "")),
        ("!joincall  now please ", Invocation("joincall", "now please")),
        ("/joincall\nnow", Invocation("joincall", "now")),
        ("/joincall@parley", Invocation("joincall", "")),
        ("/joincall@PARLEY now", Invocation("joincall", "now")),
        ("/joincall@other", None),
        ("/joincall@", None),
        ("joincall", None),
        ("hello /joincall", None),
        ("/ joincall", None),
        ("/", None),
        ("...", None),
        ("", None),
        ("/join-call", None),
    ],
)
def test_what_is_a_command(text: str, expected: Invocation | None) -> None:
    assert parse(text, "/.!", "Parley") == expected


def test_an_account_without_a_username_is_addressed_by_nobody() -> None:
    assert parse("/joincall@parley", "/", None) is None
    assert parse("/joincall", "/", None) == Invocation("joincall", "")


def test_only_the_prefixes_of_the_settings_count() -> None:
    assert parse("/joincall", ".", None) is None


def test_two_commands_of_one_name_are_a_mistake() -> None:
    async def answer(request: Request) -> str:
        return ""

    one = Command("x", Authority.MEMBER, "/x", "", answer, ("y",))
    with pytest.raises(ValueError, match="'y'"):
        CommandTable([one, Command("y", Authority.MEMBER, "/y", "", answer)])
    assert CommandTable([one]).find("y") is one
    assert CommandTable([one]).find("z") is None
