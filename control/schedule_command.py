"""``bot.py schedule``: the appointments of a running Parley."""

from __future__ import annotations

from typing import Annotated

import typer

from control.command import TAKES_CHAT_IDS, Json, SocketPath, ask

app = typer.Typer(
    help="""The appointments of a running Parley: calls at a time, and at the same time every week or day.

    Example: python bot.py schedule add "mon,wed,fri 09:00" --chat -1001234567890 --opening "Good morning!"
    """,
    no_args_is_help=True,
    rich_markup_mode=None,
)


@app.command(context_settings=TAKES_CHAT_IDS)
def add(
    when: Annotated[str, typer.Argument(help='Such as "tomorrow 9:00", "every day 8:30", "in 20 minutes".', show_default=False)],
    method: Annotated[str, typer.Option(help="group, private, browser or phone.")] = "group",
    chat: Annotated[int | None, typer.Option(help="The group, or the chat whose persona, quiet hours and time zone hold.")] = None,
    to: Annotated[str, typer.Option(help="Who is called: a user id or @name, or a number such as +34600111222.")] = "",
    opening: Annotated[str, typer.Option(help="What is said first.")] = "",
    purpose: Annotated[str, typer.Option(help="What the call is for, as the brain is told.")] = "",
    minutes: Annotated[int | None, typer.Option(help="How long the call may last at most.")] = None,
    zone: Annotated[str | None, typer.Option(help="The time zone, such as Europe/Madrid; else that of the chat.")] = None,
    as_json: Json = False,
    socket: SocketPath = None,
) -> None:
    """Make an appointment."""
    asked = {
        "when": when,
        "method": method,
        "chat_id": chat,
        "target": to,
        "opening": opening,
        "purpose": purpose,
        "longest_s": None if minutes is None else minutes * 60.0,
        "time_zone": zone,
    }
    ask("schedule.add", asked, as_json, socket)


@app.command("list", context_settings=TAKES_CHAT_IDS)
def show(
    chat: Annotated[int | None, typer.Argument(metavar="[CHAT]", help="Only those of this chat.", show_default=False)] = None,
    as_json: Json = False,
    socket: SocketPath = None,
) -> None:
    """List the appointments still to come."""
    ask("schedule.list", {"chat_id": chat}, as_json, socket)


@app.command()
def cancel(
    number: Annotated[int, typer.Argument(help="Its number, as the list shows it.", show_default=False)],
    as_json: Json = False,
    socket: SocketPath = None,
) -> None:
    """Cancel an appointment; a call that nobody has answered yet is broken off."""
    ask("schedule.cancel", {"id": number}, as_json, socket)
