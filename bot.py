"""Parley's front door: ``python bot.py --help``."""

from __future__ import annotations

import asyncio
import faulthandler
import os
import signal
import sys
from pathlib import Path
from typing import Annotated, NoReturn

from interrupts import break_off, loading
from own_python import use_own_packages

if __name__ == "__main__":
    signal.signal(signal.SIGINT, break_off)
    use_own_packages()

import typer

from calls.telegram import session_command
from config import Settings, load_settings
from control import command as rpc_command
from control import schedule_command, token_command
from errors import ParleyError
from logs import LogFile, configure_logging
from models import command as engines_command
from redaction import hide

app = typer.Typer(
    help="Parley: the voice that joins your Telegram calls.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.add_typer(engines_command.app, name="engines")
app.add_typer(rpc_command.app, name="rpc")
app.add_typer(session_command.app, name="session")
app.add_typer(schedule_command.app, name="schedule")
app.add_typer(token_command.app, name="token")
app.command(context_settings=rpc_command.TAKES_CHAT_IDS)(rpc_command.link)


@app.command()
def run(
    unsupervised: Annotated[bool, typer.Option("--unsupervised", help="Without the supervisor, as debuggers want it.")] = False,
    supervised_by: Annotated[tuple[int, int] | None, typer.Option(hidden=True, help="The supervisor, and the pipe to it.")] = None,
) -> None:
    """Work with the Telegram account of the settings until stopped (Ctrl-C).

    A small supervisor starts the bot and starts it again at once when it crashes, when it does not answer for 4 seconds, and after
    /restart; it is then back in its calls within seconds. What a person has to mend (settings, session) ends both: exit code 78, or
    69 when something that is needed at the start cannot be had. Stopping takes up to 10 seconds: Parley says good-bye first.
    """
    settings = load_settings()
    hide(settings.secrets)
    supervises = not unsupervised and supervised_by is None
    configure_logging(settings.log_level, settings.log_format, _log_file(settings, rotates=not supervises))
    if supervises:
        with loading():
            from supervisor import supervise

            raise typer.Exit(supervise([sys.executable, __file__, "run"]))
    from heartbeat import Heart, die_with

    if supervised_by is not None:
        faulthandler.enable()
        die_with(supervised_by[0])
    heart = Heart(supervised_by[1] if supervised_by else None)
    with loading():
        from service.serve import serve

    _leave(asyncio.run(serve(settings, heart)))


@app.command()
def talk() -> None:
    """Work without a Telegram account until stopped (Ctrl-C): open the page that it names, press Call, and speak.

    The WebSocket and the other doors of docs/browser.md are open as well; settings are those of .env, where there is one.
    """
    settings = load_settings()
    hide(settings.secrets)
    configure_logging(settings.log_level, settings.log_format, _log_file(settings, rotates=True))
    with loading():
        from talk import talk as serve_pages

    _leave(asyncio.run(serve_pages(settings)))


@app.command()
def login(
    session: Annotated[str | None, typer.Option(metavar="NAME", help="Keep it as a session of its own, for a second Parley.")] = None,
    qr: Annotated[bool, typer.Option("--qr", help="Scan a QR code with the phone of the account; no code has to be typed.")] = False,
) -> None:
    """Log the Telegram account in, once: asks for the phone number, the code and the password. Needs API_ID and API_HASH.

    Each program needs a login of its own: a session that is copied, or used twice at once, is ended by Telegram for good.
    """
    with loading():
        from calls.telegram.login_command import log_in_and_tell

    log_in_and_tell(session, qr=qr)


@app.command()
def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="For programs: all findings as one JSON object.")] = False,
    quick: Annotated[bool, typer.Option("--quick", help="Without loading models: a few seconds.")] = False,
    stun: Annotated[str | None, typer.Option(metavar="HOST:PORT", help="Try with this STUN server whether UDP gets out.")] = None,
) -> None:
    """Look whether this machine is ready, and say what to do where it is not. Exit code 1: something must be mended.

    Speaks a sentence and hears it back; no microphone is needed. It may run beside Parley, whose session is then left alone.
    """
    with loading():
        from doctor.command import run as examine

    _leave(examine(as_json=as_json, quick=quick, stun=stun))


@app.command("import-config")
def import_config(
    file: Annotated[Path, typer.Argument(help="Such as ~/.clawdbot/clawdbot.json.", metavar="FILE")],
    force: Annotated[bool, typer.Option("--force", help="In place of the .env that is there, which is put aside.")] = False,
) -> None:
    """Write .env from the JSON configuration of the telegram-userbot channel: application, engines, calls."""
    from import_config import import_file

    for line in import_file(file, Path(".env"), replace=force):
        print(line)


@app.command()
def rehearse(
    script: Annotated[Path | None, typer.Option(help="The script to play, such as rehearsals/crash.yaml; else: the first call.")] = None,
    report: Annotated[Path | None, typer.Option(help="A folder for report.json, call.wav, transcript.md and pictures.")] = None,
) -> None:
    """Hear Parley in a call without any account: a Telegram on this machine, and people who play a script.

    rehearsals/ holds scripts for calls, outages, floods, crashes, voice notes and more; docs/rehearsals.md teaches to write one.
    Ends with 0 only if everything came as the script expects.
    """
    with loading():
        from loopback.rehearsal.command import rehearse_and_leave

    rehearse_and_leave(script, report)


@app.command()
def replay(
    recording: Annotated[Path, typer.Argument(help="A WAV file: one participant, or people left and Parley right.", metavar="FILE.wav")],
    picture: Annotated[Path | None, typer.Option(help="Where the picture goes (PNG); without it: beside the recording.")] = None,
    words: Annotated[bool, typer.Option("--words", help="Transcribe every pause; its words take part in the decisions.")] = False,
) -> None:
    """Hear a recorded conversation again: when turns began, paused and ended, as a table and a picture."""
    with loading():
        from calls.replay import replay as replay_recording

    replay_recording(recording, picture, words)


@app.command()
def backup(file: Annotated[Path, typer.Argument(help="The new file; nothing is ever written over.", metavar="FILE")]) -> None:
    """Copy all that Parley keeps (chats, rights, wanted calls, transcripts) into FILE, also while it works. The copy is checked.

    Put it back with: python bot.py restore FILE. Session and .env are not part of it.
    """
    from storage.backup import backup as copy_database
    from storage.database import FILE_NAME

    copy = copy_database(load_settings().data_dir / FILE_NAME, file)
    print(f"✅ {copy.path} is a whole copy ({copy.size_bytes / 1e6:.1f} MB). It holds what was said: keep it private.")
    print(f"   Put it back with: python bot.py restore {copy.path}")


@app.command()
def restore(file: Annotated[Path, typer.Argument(help="A copy that was made with: python bot.py backup FILE.", metavar="FILE")]) -> None:
    """Put a copy back in the place of all that Parley keeps. Stop Parley first; what there was is put aside, not deleted.

    A copy of an older Parley is brought up to date at the next start.
    """
    from storage.backup import restore as restore_database
    from storage.database import FILE_NAME

    put_aside = restore_database(file, load_settings().data_dir / FILE_NAME)
    print(f"✅ {file} is back in place.")
    if put_aside:
        print(f"   What there was before is in {put_aside}.")


def _log_file(settings: Settings, *, rotates: bool) -> LogFile | None:
    """The supervisor and the bot write the same file; the bot, which writes more, begins new ones."""
    if settings.log_file is None:
        return None
    return LogFile(settings.log_file, int(settings.log_file_mb * 1e6), settings.log_files_kept, rotates)


def _leave(code: int) -> NoReturn:
    """End without the exit handlers of the call library, which abort at times."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def main() -> None:
    """Run the command line; what a person can mend is told in plain words, without a traceback."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        app()
    except* ParleyError as failures:
        _tell(failures)


def _tell(failures: BaseExceptionGroup[ParleyError]) -> NoReturn:
    first: BaseException = failures
    while isinstance(first, BaseExceptionGroup):
        first = first.exceptions[0]
    assert isinstance(first, ParleyError)
    print(f"❌ {first}", file=sys.stderr)
    _leave(first.exit_code)


if __name__ == "__main__":
    main()
