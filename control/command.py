"""``bot.py rpc``: ask a running Parley something, have it do something, watch what happens."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from config import load_settings
from control.client import ControlClient, NotReached, Refused
from control.socket_file import socket_path
from control.text import as_text, happened
from errors import EXIT_USAGE, ParleyError

TAKES_CHAT_IDS: Final = {"ignore_unknown_options": True}
"""Chat ids begin with a minus sign."""

app = typer.Typer(
    help="""Ask a running Parley something, have it do something, watch what happens.

    Chats are named by id, as /calls and `rpc calls` show it, such as -1001234567890. With --json everything is printed as the socket
    tells it, one JSON object a line, for scripts. What is refused ends with exit code 1, a Parley that is not there with 69.

    Any program of the same user can do the same: JSON-RPC 2.0 on the unix socket, see docs/control-socket.md.
    """,
    no_args_is_help=True,
    rich_markup_mode=None,
)
calls_app = typer.Typer(help="Private calls: phone somebody, answer, decline, hang up.", no_args_is_help=True, rich_markup_mode=None)
app.add_typer(calls_app, name="call")

_Chat = Annotated[int, typer.Argument(metavar="CHAT", help="The id of the chat, such as -1001234567890.", show_default=False)]
_User = Annotated[int | None, typer.Argument(metavar="[USER]", help="Their id; needed where there are several.", show_default=False)]
Json = Annotated[bool, typer.Option("--json", help="Print what the socket tells, one JSON object a line.")]
SocketPath = Annotated[
    Path | None, typer.Option("--socket", metavar="PATH", help="The socket; else that of the settings (CONTROL_SOCKET).")
]


@app.command()
def status(as_json: Json = False, socket: SocketPath = None) -> None:
    """Tell how Parley is, and which calls it is in."""
    ask("status", {}, as_json, socket)


@app.command(context_settings=TAKES_CHAT_IDS)
def join(chat: _Chat, as_json: Json = False, socket: SocketPath = None) -> None:
    """Join the voice chat of a group or channel; ends when Parley is in it.

    Example: python bot.py rpc join -1001234567890
    """
    ask("join", {"chat_id": chat}, as_json, socket)


@app.command(context_settings=TAKES_CHAT_IDS)
def leave(chat: _Chat, as_json: Json = False, socket: SocketPath = None) -> None:
    """Leave a call, or break off joining it."""
    ask("leave", {"chat_id": chat}, as_json, socket)


@app.command(context_settings=TAKES_CHAT_IDS)
def speak(
    chat: _Chat,
    text: Annotated[str, typer.Argument(help="What to say.", show_default=False)],
    language: Annotated[
        str | None, typer.Argument(help="The language of the text, such as ca; else the chat's.", show_default=False)
    ] = None,
    first: Annotated[bool, typer.Option("--first", help="Before everything that waits to be said.")] = False,
    as_json: Json = False,
    socket: SocketPath = None,
) -> None:
    """Say a text in a call; ends when it was said.

    Example: python bot.py rpc speak -1001234567890 "Hola!" ca
    """
    params = {"chat_id": chat, "text": text, "language": language, "priority": "high" if first else "normal"}
    ask("speak", params, as_json, socket)


@app.command()
def calls(as_json: Json = False, socket: SocketPath = None) -> None:
    """List every call there is, or should be."""
    ask("calls.list", {}, as_json, socket)


@app.command(context_settings=TAKES_CHAT_IDS)
def transcript(
    chat: _Chat,
    limit: Annotated[int, typer.Option(help="The newest so many lines.")] = 100,
    as_json: Json = False,
    socket: SocketPath = None,
) -> None:
    """Print what was said in a chat's calls, as far as it is kept."""
    ask("transcript.get", {"chat_id": chat, "limit": limit}, as_json, socket)


@app.command(context_settings=TAKES_CHAT_IDS)
def watch(
    chats: Annotated[list[int] | None, typer.Argument(metavar="[CHAT]...", help="Only of these chats.", show_default=False)] = None,
    types: Annotated[list[str] | None, typer.Option("--type", help="Only these events, such as transcription; may be repeated.")] = None,
    as_json: Json = False,
    socket: SocketPath = None,
) -> None:
    """Print what happens in calls, as it happens, until Ctrl-C: who phones, joins, says and is answered what."""
    with _connected(socket, as_json) as client:
        client.request("events.subscribe", {"types": types or None, "chat_ids": chats or None})
        for notification in client.notifications():
            print(json.dumps(notification, ensure_ascii=False) if as_json else happened(notification, _time_of_day), flush=True)


@app.command(context_settings=TAKES_CHAT_IDS)
def request(
    method: Annotated[str, typer.Argument(help="Such as calls.list; rpc.discover describes them all.", show_default=False)],
    params: Annotated[str, typer.Argument(help='Its parameters as JSON, such as {"chat_id": -1001234567890}.')] = "{}",
    socket: SocketPath = None,
) -> None:
    """Send any request and print its result as JSON.

    Example: python bot.py rpc request rpc.discover
    """
    try:
        given = json.loads(params)
    except ValueError:
        given = None
    if not isinstance(given, dict | list):
        raise WrongUse(f"The parameters are not a JSON object or array: {params}.", """Such as '{"chat_id": -1001234567890}', in quotes.""")
    ask(method, given, True, socket)


def link(
    chat: Annotated[
        int | None,
        typer.Argument(metavar="[CHAT]", help="The chat in whose manners Parley talks: persona, language, voice.", show_default=False),
    ] = None,
    language: Annotated[str | None, typer.Option(metavar="xx", help="A language instead of the chat's, such as ca.")] = None,
    minutes: Annotated[int | None, typer.Option(help="How long the call may last at most.")] = None,
    as_json: Json = False,
    socket: SocketPath = None,
) -> None:
    """Make a link to the call page of a running Parley: whoever opens it first, within 10 minutes, talks with it in a browser.

    Example: python bot.py link --minutes 15
    """
    ask("link.create", {"chat_id": chat, "language": language, "max_minutes": minutes}, as_json, socket)


@calls_app.command()
def start(
    user: Annotated[str, typer.Argument(help="Whom to phone: their id, or @name.", show_default=False)],
    as_json: Json = False,
    socket: SocketPath = None,
) -> None:
    """Phone somebody; ends when they have answered.

    Example: python bot.py rpc call start @ann
    """
    ask("call.start", {"user_id": int(user) if user.isdecimal() else user}, as_json, socket)


@calls_app.command()
def accept(user: _User = None, as_json: Json = False, socket: SocketPath = None) -> None:
    """Answer somebody who phones."""
    ask("call.accept", {"user_id": user}, as_json, socket)


@calls_app.command()
def reject(user: _User = None, as_json: Json = False, socket: SocketPath = None) -> None:
    """Decline somebody who phones."""
    ask("call.reject", {"user_id": user}, as_json, socket)


@calls_app.command()
def hangup(user: _User = None, as_json: Json = False, socket: SocketPath = None) -> None:
    """End a private call, or stop phoning."""
    ask("call.hangup", {"user_id": user}, as_json, socket)


class WrongUse(ParleyError):
    """The command line is not as it should be."""

    exit_code = EXIT_USAGE


def ask(method: str, params: dict[str, Any] | list[Any], as_json: bool, socket: Path | None) -> None:
    """Print the result of a method.

    :raises errors.ParleyError: it was refused, or nobody answers.
    """
    with _connected(socket, as_json) as client:
        result = client.request(method, params)
    print(json.dumps(result, ensure_ascii=False) if as_json else as_text(method, result, _time_of_day))


@contextmanager
def _connected(socket: Path | None, as_json: bool) -> Iterator[ControlClient]:
    path = socket or socket_path(load_settings())
    if path is None:
        raise NotReached("CONTROL_SOCKET is none: Parley listens nowhere.", "Set it to a path, or leave it out, and start Parley again.")
    try:
        with ControlClient(path) as client:
            yield client
    except Refused as refused:
        if as_json:
            print(json.dumps({"error": refused.error}, ensure_ascii=False))
            raise typer.Exit(refused.exit_code) from None
        raise
    except KeyboardInterrupt:
        raise typer.Exit from None
    except BrokenPipeError:
        sys.stderr.close()  # whoever read our output has gone; nothing is left to be told
        raise typer.Exit from None


_TimeOfDay = Callable[[float], str]


def _time_of_day(at: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(at))
