"""``bot.py session``: the Telegram sessions kept on this machine."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

from config import Settings, load_settings
from errors import SessionError
from interrupts import loading

if TYPE_CHECKING:
    from calls.telegram.sessions import KeptSession

app = typer.Typer(help="The Telegram sessions on this machine: list, check, export, import.", no_args_is_help=True)
Name = Annotated[str | None, typer.Option("--session", metavar="NAME", help="The session of this name, not that of the settings.")]

WARNING = """\
⚠️ Whoever has this text has the whole account: its messages, its contacts, its calls. Give it to nobody, keep it out of chats and logs.
⚠️ A session is for one place. It is taken away from here now; use it in one other place only, or Telegram ends it for good."""


def settings_for(name: str | None) -> Settings:
    """The settings, with the session called ``name`` where one is named.

    :raises errors.SettingsError: that is no name of a session.
    """
    return load_settings(session_name=name) if name else load_settings()


@app.command("list")
def list_sessions() -> None:
    """List the sessions: whether anybody is logged in with each, and which program uses it now. * = used by the settings."""
    with loading():
        from calls.telegram import sessions

    settings = load_settings()
    kept = sessions.kept_sessions(settings)
    console = Console()
    if settings.telegram_session:
        _say(console, "TELEGRAM_SESSION is set: it is used, and none of the files.")
    if not kept:
        _say(console, f"No session is kept in {settings.session_file.parent}. Log in with: python bot.py login")
        return
    table = Table("session", "state", "used now by", box=None)
    for session in kept:
        table.add_row(session.name + (" *" if session.chosen else ""), _state(session), session.user or "nobody")
    console.print(table)
    _say(console, f"Kept in {settings.session_file.parent}. Use another one with SESSION_NAME=NAME; make one: bot.py login --session NAME")


@app.command()
def check(session: Name = None) -> None:
    """Ask Telegram whether the session is good, and whose it is. Refused while a program uses it."""
    with loading():
        from calls.telegram import sessions

    name = asyncio.run(sessions.check_session(settings_for(session)))
    print(f"✅ The session is good: it is logged in as {name}.")


@app.command()
def export(
    session: Name = None,
    to: Annotated[Path | None, typer.Option(help="Write it into this new file (mode 0600), not to the terminal.")] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Yes, move the session out of here.")] = False,
) -> None:
    """Move the session out of here, as a Telethon string for TELEGRAM_SESSION in another place.

    Refused while a program uses it: one login in two places is ended by Telegram for good. For two programs, log in twice.
    """
    with loading():
        from calls.telegram import sessions

    settings = settings_for(session)
    text = sessions.export_session(settings)
    print(WARNING, file=sys.stderr)
    if not yes:
        raise SessionError("Nothing was done.", "To go on, add --yes.")
    if to is not None:
        sessions.write_private(to, text)
        print(f"✅ The session is in {to}, and {settings.session_file} is gone.", file=sys.stderr)
    else:
        print(text, flush=True)
    sessions.remove_session(settings)


@app.command("import")
def import_session(
    file: Annotated[
        str, typer.Argument(metavar="FILE", help="A Telethon session file, or a file with a string session; - reads a string.")
    ],
    session: Name = None,
    force: Annotated[bool, typer.Option("--force", help="In place of the session of that name, which is put aside.")] = False,
) -> None:
    """Keep a session that was made elsewhere; a file is moved here, not copied.

    Refused while a program uses it, and where it is kept here already: one login is for one program. For two programs, log in twice.
    """
    with loading():
        from calls.telegram import sessions

    settings = settings_for(session)
    given = sys.stdin.readline() if file == "-" else Path(file).expanduser()
    sessions.import_session(settings, given, replace=force)
    print(f"✅ The session is kept as {settings.session_file}. Try it with: python bot.py session check")


def _state(session: KeptSession) -> str:
    if session.trouble:
        return f"❌ {session.trouble}"
    if not session.logged_in:
        return "❌ nobody is logged in"
    return "✅ logged in" if session.private else "⚠️ logged in, but others may read the file: chmod 600 it"


def _say(console: Console, line: str) -> None:
    console.print(line, highlight=False, markup=False, soft_wrap=True)
