"""``python -m loopback``: a Telegram of one's own as a process."""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import signal
import sys
from pathlib import Path
from typing import Final

from errors import ParleyError
from loopback.control import MAX_LINE_BYTES, ControlServer
from loopback.media.server import MediaServer
from loopback.mtproto.crypto import load_rsa_key
from loopback.settings import LoopbackSettings
from loopback.state import load_keys, save_keys
from loopback.telegram import LoopbackTelegram

FOLDER: Final = Path("~/.local/share/parley/loopback")
TEACHING: Final = """\
What it is
  One Telegram data centre on 127.0.0.1, with voice chats. Unmodified Telethon and py-tgcalls run against it. It starts with
  three people (Ann, Parley, Bob; login code 12345) in one group, "Book club": Ann founded it, Parley is an admin, Bob a member.

How a program gets in
  The first line printed is the setting TELEGRAM_DC; with it in the environment, Parley signs in here instead of at Telegram:

    $ python -m loopback --port 4430 --control 4431
    TELEGRAM_DC=127.0.0.1:4430:/home/you/.local/share/parley/loopback/key.pem.pub

  A ready session needs no login: ask the control port for one.

The control port
  One JSON object a line in, one out, over TCP. By hand:

    $ python -m loopback --control 4431 --ask '{"op": "help"}'

  {"op": "session", "user": "Parley"}
  {"op": "say", "user": "Ann", "where": "Book club", "text": "/joincall"}
  {"op": "start_call", "group": "Book club", "by": "Ann"}
  {"op": "flood", "method": "phone.JoinGroupCall", "seconds": 40}
  {"op": "outage", "seconds": 5}
  {"op": "requests", "method": "phone.*"}

What it imitates, and what not: docs/loopback.md.
"""


def arguments(argv: list[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="python -m loopback",
        description="A Telegram of one's own on this machine, for trying things out.",
        epilog=TEACHING,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--port", type=int, default=0, help="port of the data centre (default: any free one)")
    parser.add_argument("--control", type=int, default=0, metavar="PORT", help="port of the control connection (default: any free one)")
    parser.add_argument("--key", type=Path, default=FOLDER / "key.pem", metavar="FILE", help="the server's RSA key; made if missing")
    parser.add_argument("--state", type=Path, default=FOLDER / "keys.json", metavar="FILE", help="keeps sessions over restarts (mode 0600)")
    parser.add_argument("--no-floods", action="store_true", help="leave out the natural flood limits")
    parser.add_argument("--ask", metavar="JSON", help="send one command to the control port of a running one, print the answer, and end")
    parser.add_argument("--log", default="WARNING", choices=["DEBUG", "INFO", "WARNING", "ERROR"], help="how much to tell on stderr")
    return parser.parse_args(argv)


def furnish(telegram: LoopbackTelegram) -> None:
    """The people and the group that are there at the start."""
    ann = telegram.add_account("Ann", "+999 66 1 0001", username="ann_loopback")
    parley = telegram.add_account("Parley", "+999 66 1 0002", username="parley_loopback")
    bob = telegram.add_account("Bob", "+999 66 1 0003", username="bob_loopback")
    telegram.add_group("Book club", ann, admins=[parley], members=[bob])


async def ask(port: int, command: str) -> int:
    """Print what a running loopback Telegram answers to one command; the exit code.

    :raises ParleyError: nobody listens there.
    """
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=MAX_LINE_BYTES)
    except OSError as error:
        raise ParleyError(f"No loopback Telegram listens on control port {port}.", "Name its port with --control.") from error
    writer.write(command.replace("\n", " ").encode() + b"\n")
    answer = json.loads(await reader.readline())
    writer.close()
    print(json.dumps(answer.get("result", answer), indent=2, ensure_ascii=False))
    return 0 if answer["ok"] else 1


async def serve(options: argparse.Namespace) -> None:
    """Run until SIGINT or SIGTERM.

    :raises ParleyError: a file is unusable or a port taken.
    """
    key_path, state_path = options.key.expanduser(), options.state.expanduser()
    key_path.parent.mkdir(parents=True, exist_ok=True)
    settings = LoopbackSettings(natural_floods=not options.no_floods)
    telegram = LoopbackTelegram(MediaServer(), settings=settings, rsa_key=load_rsa_key(key_path), port=options.port)
    furnish(telegram)
    load_keys(state_path, telegram.server)
    telegram.world.login.on_change = lambda: save_keys(state_path, telegram.server)
    control = ControlServer(telegram, options.control)
    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    try:
        await telegram.start()
        await control.start()
        print(f"TELEGRAM_DC={telegram.dc_spec(key_path.with_name(key_path.name + '.pub'))}")
        print(f"control port 127.0.0.1:{control.port}")
        for account in telegram.world.accounts:
            print(f"{account.first_name}: phone +{account.phone}, login code {account.login_code}", flush=True)
        await stopped.wait()
    except OSError as error:
        raise ParleyError(f"The loopback Telegram cannot listen: {error}.", "Choose another --port or --control.") from error
    finally:
        await control.stop()
        await telegram.stop()
        save_keys(state_path, telegram.server)


def main() -> int:
    """The exit code."""
    options = arguments()
    logging.basicConfig(level=options.log, format="%(asctime)s %(name)s %(levelname)s %(message)s")
    try:
        if options.ask is not None:
            return asyncio.run(ask(options.control, options.ask))
        asyncio.run(serve(options))
    except ParleyError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
