"""``bot.py token``: who may use the HTTP API and the pages."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Awaitable, Callable
from typing import Annotated, Final, TypeVar

import typer
from rich.console import Console
from rich.table import Table

from config import load_settings
from control.http.scopes import Scope
from errors import EXIT_USAGE, ParleyError
from interrupts import loading
from storage import tokens
from storage.database import FILE_NAME, Database
from storage.tokens import Token

DAY_S: Final = 86_400.0
_UNITS_S: Final = {"h": 3600.0, "d": DAY_S, "w": 7 * DAY_S}

app = typer.Typer(
    help="""Tokens for the web pages and the HTTP API: make one, list them, revoke one.

    As long as there has never been a token, everybody at this machine may use http://localhost:8005 without one, and nobody else can.
    From the first one on, each request needs a token, as in: curl -H "Authorization: Bearer TOKEN" http://localhost:8005/calls

    What a token is for is said with --scope: calls:read (see the calls, what is said), calls:control (speak in them, end them),
    ws:voice (talk with Parley, speech to text and back), admin (all of these). See docs/http.md.

    A running Parley knows of a new or a revoked token at once.
    """,
    no_args_is_help=True,
    rich_markup_mode=None,
)
Made = TypeVar("Made")


class WrongUse(ParleyError):
    """The command line is not as it should be."""

    exit_code = EXIT_USAGE


@app.command()
def create(
    name: Annotated[str, typer.Argument(help="Whose or what it is for, such as dashboard.", show_default=False)],
    scope: Annotated[
        list[Scope] | None, typer.Option("--scope", help="What it is for; may be repeated. Without it: calls:read.", show_default=False)
    ] = None,
    expires: Annotated[
        str | None, typer.Option(metavar="TIME", help="It is good for so long: 12h, 30d, 8w. Without it: until it is revoked.")
    ] = None,
) -> None:
    """Make a token and show it, this once: only a hash of it is kept.

    Example: python bot.py token create dashboard --scope calls:read --scope calls:control --expires 30d
    """
    lasts_s = _duration_s(expires)
    now = time.time()
    told, token = _with_database(
        lambda database: tokens.create(database, name, scope or [Scope.CALLS_READ], now, None if lasts_s is None else now + lasts_s)
    )
    print(told)
    console = Console(stderr=True, highlight=False, markup=False)
    console.print(f"✅ The token {token.name!r} (id {token.token_id}) is for {', '.join(sorted(token.scopes))}; {_until(token)}.")
    console.print("⚠️ It stands above and is shown this once. Whoever has it may do this: keep it out of chats, logs and addresses.")


@app.command("list")
def list_tokens() -> None:
    """List the tokens: what each is for, until when, and when it was used last. The tokens themselves are kept nowhere."""
    known = _with_database(tokens.all_of_them)
    console = Console(highlight=False, markup=False)
    if not known:
        console.print("There has never been a token: everybody at this machine may use the pages and the HTTP API without one.")
        console.print("Make one with: python bot.py token create NAME")
        return
    now = time.time()
    table = Table("id", "name", "for", "made", "last used", "state", box=None)
    for token in known:
        table.add_row(
            token.token_id,
            token.name,
            " ".join(sorted(token.scopes)),
            _day(token.created_at),
            _day(token.last_used_at) if token.last_used_at else "never",
            _state(token, now),
        )
    console.print(table)


@app.command()
def revoke(which: Annotated[str, typer.Argument(metavar="ID|NAME", help="As token list shows it.", show_default=False)]) -> None:
    """Have a token let nobody in any more, from this moment on.

    When the last one is revoked nobody can come in any more, also at this machine, until you make another.
    """
    for token in _with_database(lambda database: tokens.revoke(database, which, time.time())):
        print(f"✅ The token {token.name!r} (id {token.token_id}) lets nobody in any more.")


def _with_database(work: Callable[[Database], Awaitable[Made]]) -> Made:
    with loading():
        path = load_settings().data_dir / FILE_NAME

    async def done() -> Made:
        database = await Database.open_beside(path)
        try:
            return await work(database)
        finally:
            await database.close()

    return asyncio.run(done())


def _duration_s(written: str | None) -> float | None:
    if written is None:
        return None
    found = re.fullmatch(r"(\d{1,5})([hdw])", written.strip().lower())
    if not found or not int(found[1]):
        raise WrongUse(f"--expires is {written!r}: that is no time.", "Write it as 12h (hours), 30d (days) or 8w (weeks).")
    return int(found[1]) * _UNITS_S[found[2]]


def _until(token: Token) -> str:
    return "good until it is revoked" if token.expires_at is None else f"good until {_day(token.expires_at)}"


def _state(token: Token, now: float) -> str:
    if token.revoked_at is not None:
        return f"revoked {_day(token.revoked_at)}"
    if not token.is_good(now):
        return f"too old since {_day(token.expires_at or now)}"
    return _until(token)


def _day(at: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(at))
