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


def command(name: str, *aliases: str) -> Command:
    async def answer(request: Request) -> str:
        return ""

    return Command(name=name, family="calls", authority=Authority.MEMBER, usage=f"/{name}", answer=answer, aliases=aliases)


def test_two_commands_of_one_name_are_a_mistake() -> None:
    one = command("x", "y")
    with pytest.raises(ValueError, match="'y'"):
        CommandTable([one, command("y")])
    table = CommandTable([one])
    assert table.find("y") is one
    assert table.find("z") is None
    assert list(table) == [one]


def test_the_levels_are_in_order() -> None:
    order = [Authority.STRANGER, Authority.MEMBER, Authority.AUTHORISED, Authority.CALL_MANAGER, Authority.SUDO, Authority.OWNER]
    assert sorted(Authority) == order
