"""Writes docs/commands.md from the declarations of the commands in handlers/.

Run it after changing a command: ``.venv/bin/python scripts/write_commands.py``. A test fails while the page is out of date.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from handlers.command import Command  # noqa: E402
from handlers.commands import all_commands  # noqa: E402
from handlers.wording import ENGLISH, say  # noqa: E402

PAGE: Final = ROOT / "docs" / "commands.md"
INTRODUCTION: Final = """\
# Commands

Send them in the chat with `/`, `.` or `!` in front (`COMMAND_PREFIXES`), or as `/joincall@name` where several accounts listen.
`/help` lists those that you may give, `/help joincall` explains one. Edited and forwarded messages are never commands; neither is
anything said in a call.

Who may do what, from the least to the most: everybody in the chat · people on the chat's list (`/auth`) · admins who may manage
voice chats, anonymous admins and posts of a channel · people the owner trusts (`/sudo`) · the owner, who is the account itself and
`OWNER_ID`. In private chats Parley obeys the owner and those the owner trusts.

This page is made from the declarations in `handlers/` by `scripts/write_commands.py`.
"""


class _Nothing:
    """Stands for every service while commands are only listed."""

    def __getattr__(self, name: str) -> Any:
        return self


NOTHING: Final[Any] = _Nothing()


def commands_page() -> str:
    """The whole text of docs/commands.md."""
    families = groupby(all_commands(NOTHING), key=lambda command: command.family)
    return INTRODUCTION + "".join(part for family, commands in families for part in _family(family, list(commands)))


def _family(family: str, commands: list[Command]) -> Iterator[str]:
    yield f"\n## {say(ENGLISH, f'family.{family}')}\n\n| command | what it does | for | example |\n| --- | --- | --- | --- |\n"
    for command in commands:
        names = "".join(f", `/{alias}`" for alias in command.aliases)
        usage = command.usage.replace("|", "\\|")
        who = say(ENGLISH, f"who.{command.authority.name.lower()}")
        yield f"| `{usage}`{names} | {say(ENGLISH, command.help_key)} | {who} | `{command.shown_example}` |\n"


if __name__ == "__main__":
    PAGE.write_text(commands_page(), encoding="utf-8")
    print(f"Wrote {PAGE}")
