"""Going live as the README tells it: a clean copy, two values in .env, a login, scripts/run. The loopback Telegram is Telegram here."""

from __future__ import annotations

import asyncio
import codecs
import fcntl
import hashlib
import os
import pty
import re
import shutil
import signal
import stat
import sys
import termios
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import pytest

from calls.telegram.qr_login import drawn
from loopback.media.server import MediaServer
from loopback.telegram import LoopbackTelegram
from loopback.world.accounts import Account
from tests.e2e.running_bot import READY, READY_WITHIN_S, until
from tests.secret_watch import watch

ROOT = Path(__file__).resolve().parents[2]
PHONE, CODE, PASSWORD = "+34600000001", "24680", "correct horse"
ENDS_WITHIN_S = 60.0
API_HASH = "fedcba9876543210fedcba9876543210"
PYTHON_OF_THE_SYSTEM = (sys.executable, "-S")
"""One that has none of the packages."""
LEFT_OUT = shutil.ignore_patterns(".git", ".venv", ".env", ".*_cache", "__pycache__", ".hypothesis", "*.session", "build")


class Terminal:
    """A command in a terminal of its own, and the person who sits at it."""

    def __init__(self, process: asyncio.subprocess.Process, screen: int) -> None:
        self.process = process
        self._screen = screen
        self.text = ""
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._read_to = 0
        asyncio.get_running_loop().add_reader(screen, self._read)

    @classmethod
    async def start(cls, folder: Path, environment: dict[str, str], *command: str) -> Self:
        screen, keyboard = pty.openpty()

        def take_the_terminal() -> None:
            os.setsid()
            fcntl.ioctl(0, termios.TIOCSCTTY, 0)

        process = await asyncio.create_subprocess_exec(
            *command, cwd=folder, env=environment, stdin=keyboard, stdout=keyboard, stderr=keyboard, preexec_fn=take_the_terminal
        )
        os.close(keyboard)
        return cls(process, screen)

    def _read(self) -> None:
        try:
            read = os.read(self._screen, 65536)
        except OSError:  # nobody has the terminal open any more
            read = b""
        if not read:
            asyncio.get_running_loop().remove_reader(self._screen)
        self.text += self._decoder.decode(read)

    async def see(self, what: str, within_s: float = 60.0) -> None:
        """Wait for something new on the screen."""

        def is_there() -> bool:
            assert what in self.text[self._read_to :] or self.process.returncode is None, self.text
            return what in self.text[self._read_to :]

        await until(is_there, f"{what!r} in\n{self.text}", within_s)
        self._read_to = self.text.index(what, self._read_to) + len(what)

    def type(self, line: str) -> None:
        """Type a line."""
        os.write(self._screen, f"{line}\n".encode())

    async def ended(self) -> int:
        code = await asyncio.wait_for(self.process.wait(), ENDS_WITHIN_S)
        await asyncio.sleep(0.1)
        return code

    async def close(self) -> None:
        """End it, if it has not ended."""
        if self.process.returncode is None:
            self.process.send_signal(signal.SIGTERM)
            await asyncio.wait_for(self.process.wait(), ENDS_WITHIN_S)
        asyncio.get_running_loop().remove_reader(self._screen)
        os.close(self._screen)


@dataclass
class Newcomer:
    """Somebody with a clean copy of the project, and a Telegram account of Parley's."""

    telegram: LoopbackTelegram
    parley: Account
    ann: Account
    home: Path
    folder: Path
    environment: dict[str, str]
    terminals: list[Terminal]

    @property
    def session(self) -> Path:
        return self.home / ".local/share/parley/parley.session"

    async def runs(self, *command: str) -> Terminal:
        terminal = await Terminal.start(self.folder, self.environment, *command)
        self.terminals.append(terminal)
        return terminal

    async def logs_in(self, *options: str) -> Terminal:
        return await self.runs(*PYTHON_OF_THE_SYSTEM, "bot.py", "login", *options)


@pytest.fixture
async def newcomer(tmp_path: Path) -> AsyncIterator[Newcomer]:
    async with _a_newcomer(tmp_path) as newcomer:
        yield newcomer


@asynccontextmanager
async def _a_newcomer(folder: Path) -> AsyncIterator[Newcomer]:
    async with LoopbackTelegram(MediaServer()) as telegram:
        parley = telegram.add_account("Parley", PHONE, login_code=CODE, password=PASSWORD)
        ann = telegram.add_account("Ann")
        clone = folder / "clone"
        await asyncio.to_thread(shutil.copytree, ROOT, clone, ignore=LEFT_OUT)
        _as_if_installed(clone)
        home = folder / "home"
        home.mkdir()
        models = os.environ.get("MODELS_DIR") or str(Path.home() / ".cache/parley/models")
        plain = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
        environment = plain | {
            "HOME": str(home),
            "TERM": "xterm",
            "MODELS_DIR": models,
            "CONTROL_SOCKET": "none",
            "HTTP_PORT": "0",
            "PYTHONUTF8": "1",
            "TELEGRAM_DC": telegram.dc_spec(folder / "key.pem"),
        }
        newcomer = Newcomer(telegram, parley, ann, home, clone, environment, [])
        try:
            yield newcomer
            assert telegram.problems() == []
        finally:
            for terminal in newcomer.terminals:
                await terminal.close()


def _as_if_installed(clone: Path) -> None:
    """What scripts/set_up leaves behind when it has installed the packages, which are those of this interpreter."""
    (clone / ".venv" / "bin").mkdir(parents=True)
    python = clone / ".venv" / "bin" / "python"
    python.write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    python.chmod(0o755)
    (clone / ".venv" / "complete").touch()
    requirements = b"".join(file.read_bytes() for file in sorted(clone.glob("requirements*.txt")))
    for name in ("requirements.txt", "requirements-dev.txt"):
        (clone / ".venv" / f"{name}.installed").write_text(hashlib.sha256(requirements).hexdigest())


def the_two_values(folder: Path) -> None:
    (folder / ".env").write_text(f"API_ID=1\nAPI_HASH={API_HASH}\n", encoding="utf-8")


def without_colours(text: str) -> str:
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text)


async def test_two_values_a_login_and_scripts_run(newcomer: Newcomer) -> None:
    the_two_values(newcomer.folder)
    login = await newcomer.logs_in()
    await login.see("Phone number of the account")
    login.type(PHONE)
    await login.see("Telegram has sent a code to your other devices")
    login.type("11111")
    await login.see("That code is wrong. You have 2 more tries.")
    await login.see("The code: ")
    login.type(CODE)
    await login.see("Password of two-step verification")
    login.type("wrong")
    await login.see("That password is wrong.")
    await login.see("Password of two-step verification")
    login.type(PASSWORD)
    await login.see("✅ Logged in as Parley.")
    assert await login.ended() == 0
    assert PASSWORD not in login.text, "the password is not shown while it is typed"
    assert "scripts/run" in login.text
    assert stat.S_IMODE(newcomer.session.stat().st_mode) == 0o600

    group = newcomer.telegram.add_group("Book club", newcomer.ann, members=[newcomer.parley])
    newcomer.telegram.start_voice_chat(group, newcomer.ann)
    bot = await newcomer.runs("scripts/run")
    await bot.see(READY, READY_WITHIN_S)
    newcomer.telegram.say(group, newcomer.ann, "/joincall")
    in_call: Any = lambda: newcomer.parley in newcomer.telegram.in_voice_chat(group)  # noqa: E731
    await until(in_call, f"Parley is in the call\n{bot.text}")

    second = await newcomer.logs_in()
    await second.see("This Telegram session is in use by another Parley")
    assert await second.ended() == 78
    assert "python bot.py login --session NAME" in second.text
    bot.process.send_signal(signal.SIGINT)
    await bot.see("Parley stops")
    assert await bot.ended() == 0
    watch(bot.text, "scripts/run")


def is_on(login: Terminal, url: str) -> bool:
    """Whether the newest code on the screen is that one: a code that has expired is followed by another."""
    expected = without_colours(drawn(url)).splitlines()
    lines = [line for line in without_colours(login.text).replace("\r", "").splitlines() if line and not line.strip(" █▀▄")]
    return lines[-len(expected) :] == expected


async def test_a_login_by_qr_code(newcomer: Newcomer) -> None:
    the_two_values(newcomer.folder)
    newcomer.parley.password = None
    login = await newcomer.logs_in("--qr")
    await login.see("Link Desktop Device. Scan this code:")
    tokens = newcomer.telegram.world.login_tokens
    await until(lambda: tokens.shown and is_on(login, tokens.shown[-1]), "the code is drawn")
    url = tokens.shown[-1]
    newcomer.telegram.scan_login_code(newcomer.parley, url)
    await login.see("✅ Logged in as Parley.")
    assert await login.ended() == 0
    assert url not in login.text
    assert stat.S_IMODE(newcomer.session.stat().st_mode) == 0o600


async def test_ctrl_c_leaves_a_terminal_that_shows_what_is_typed(newcomer: Newcomer) -> None:
    the_two_values(newcomer.folder)
    login = await newcomer.logs_in()
    await login.see("Phone number of the account")
    login.type(PHONE)
    await login.see("The code: ")
    login.type(CODE)
    await login.see("Password of two-step verification")
    os.write(login._screen, b"\x03")
    assert await login.ended() != 0
    assert termios.tcgetattr(login._screen)[3] & termios.ECHO
    assert "Traceback" not in login.text
    assert not newcomer.session.exists()


async def test_a_login_without_a_terminal_is_told(newcomer: Newcomer) -> None:
    the_two_values(newcomer.folder)
    process = await asyncio.create_subprocess_exec(
        *(".venv/bin/python", "bot.py", "login"),
        cwd=newcomer.folder,
        env=newcomer.environment,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    text = (await process.communicate())[0].decode()
    assert "A login asks questions, and there is no terminal to ask them on. Run it by hand in a terminal." in text
    assert process.returncode == 69
