"""Lines of the log: for people and for programs, with their call, in a file that is begun anew when it is full."""

from __future__ import annotations

import asyncio
import errno
import io
import json
import logging
import re
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import structlog

from calls.events import CallEvent
from calls.lines import LineLost
from calls.manager import CallManager
from errors import SettingsError
from logs import Form, LogFile, configure_logging, of_call
from redaction import HIDDEN, hide
from tests.calls.scripted_line import Lines
from tests.calls.test_manager import with_manager

log = logging.getLogger("tests.logs")
HASH = "0a1b2c3d4e5f60718293a4b5c6d7e8f9"


@pytest.fixture
def written(capsys: pytest.CaptureFixture[str]) -> Iterator[Callable[[], str]]:
    """Gives what has come to stand on standard error; pytest's own logging is put back."""
    seen: list[str] = []
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level

    def so_far() -> str:
        seen.append(capsys.readouterr().err)
        return "".join(seen)

    yield so_far
    for handler in root.handlers:
        handler.close()
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


def a_file(folder: Path, *, most_bytes: int = 1000, kept: int = 2, rotates: bool = True) -> LogFile:
    return LogFile(folder / "logs" / "parley.log", most_bytes, kept, rotates)


def test_a_line_for_programs_is_one_object(written: Callable[[], str]) -> None:
    configure_logging("INFO", "json")
    log.info("✅ joined %s", "Café", extra={"chat_id": -7, "other": 3})
    (line,) = written().splitlines()
    told = json.loads(line)
    assert told.pop("timestamp").endswith("Z")
    assert told == {"event": "✅ joined Café", "level": "info", "logger": "tests.logs", "chat_id": -7}


def test_a_traceback_stays_within_its_object_and_is_clean(written: Callable[[], str]) -> None:
    configure_logging("INFO", "json")
    hide("open sesame")
    try:
        raise ValueError(f'one "quoted\\\nAPI_HASH={HASH}\nand open sesame')
    except ValueError:
        log.exception("it failed, password: hunter\\2 it was")
    (line,) = written().splitlines()
    told = json.loads(line)
    assert "ValueError" in told["exception"]
    assert told["event"] == f"it failed, password: {HIDDEN} it was"
    assert not [secret for secret in (HASH, "open sesame", "hunter") if secret in line]


def test_a_field_that_is_named_like_a_secret_is_hidden(written: Callable[[], str]) -> None:
    configure_logging("INFO", "json")
    structlog.get_logger("tests.logs").info("asked", password="abc'd", api_key="k", tries=3, seen=None)
    told = json.loads(written())
    assert (told["password"], told["api_key"], told["tries"], told["seen"]) == (HIDDEN + "'d", HIDDEN, 3, None)


@pytest.mark.parametrize("form", ["text", "json"])
async def test_lines_name_their_call_also_from_tasks_that_it_starts(written: Callable[[], str], form: Form) -> None:
    configure_logging("INFO", form)

    async def part(number: int) -> None:
        await asyncio.sleep(0)
        log.info("part %d", number)

    async def call(chat_id: int, call_id: str) -> None:
        with of_call(chat_id, call_id):
            async with asyncio.TaskGroup() as group:
                group.create_task(part(1))
                group.create_task(part(2))

    await asyncio.gather(call(-1, "aaaa"), call(-2, "bbbb"))
    log.info("outside")
    *inside, outside = written().splitlines()
    assert len(inside) == 4
    for line in inside:
        assert bool(re.search(r"chat_id\W+-1\b", line)) == ("aaaa" in line) != ("bbbb" in line)
    assert "call_id" not in outside


def test_a_call_has_an_id_of_its_own_each_time(written: Callable[[], str]) -> None:
    configure_logging("INFO", "json")
    lines = Lines()

    async def work(manager: CallManager, _happened: list[CallEvent]) -> None:
        for _ in range(2):
            await manager.join(-1001, "Book club", 1)
            lines.made[-1].waiting.put_nowait(LineLost("no sound"))
            await asyncio.sleep(30)
            await manager.leave(-1001)

    with_manager(work, lines)
    told = [json.loads(line) for line in written().splitlines() if "the line broke" in line]
    assert [line["chat_id"] for line in told] == [-1001, -1001]
    assert len({line["call_id"] for line in told}) == 2


def test_the_file_is_private_and_dated(tmp_path: Path, written: Callable[[], str]) -> None:
    file = a_file(tmp_path)
    configure_logging("INFO", file=file)
    log.info("to both")
    assert "to both" in written()
    text = file.path.read_text()
    assert text.startswith("20")
    assert "to both" in text
    assert "\x1b" not in text
    assert stat.S_IMODE(file.path.stat().st_mode) == 0o600


def test_a_full_file_is_put_aside_and_only_so_many_stay(tmp_path: Path, written: Callable[[], str]) -> None:
    file = a_file(tmp_path)
    configure_logging("INFO", file=file)
    for number in range(200):
        log.info("line %04d", number)
    assert sorted(each.name for each in file.path.parent.iterdir()) == ["parley.log", "parley.log.1", "parley.log.2"]
    assert all(each.stat().st_size <= 1000 for each in file.path.parent.iterdir())
    assert "line 0199" in file.path.read_text()


def test_the_supervisor_goes_on_in_the_file_that_the_bot_has_begun(tmp_path: Path, written: Callable[[], str]) -> None:
    configure_logging("INFO", file=a_file(tmp_path, rotates=False))
    path = a_file(tmp_path).path
    log.info("before")
    path.rename(path.with_name("parley.log.1"))
    log.info("after")
    assert "after" in path.read_text()
    assert "after" not in path.with_name("parley.log.1").read_text()


class FullDisk(io.StringIO):
    def write(self, _text: str) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")


def test_a_disk_that_takes_nothing_is_told_once_and_nothing_else_suffers(tmp_path: Path, written: Callable[[], str]) -> None:
    configure_logging("INFO", file=a_file(tmp_path, most_bytes=10**9))
    file = next(handler for handler in logging.getLogger().handlers if isinstance(handler, logging.FileHandler))
    for_lines = file.stream
    vars(file)["stream"] = FullDisk()
    for _ in range(3):
        log.info("the hash is %s", HASH)
    vars(file)["stream"] = for_lines
    log.info("there is room again")
    text = written()
    assert text.count("⚠️ The log file cannot be written: [Errno 28] No space left on device") == 1
    assert text.count("the hash is") == 3
    assert HASH not in text
    assert "there is room again" in a_file(tmp_path).path.read_text()


def test_a_file_that_cannot_be_had_is_a_wrong_setting(tmp_path: Path, written: Callable[[], str]) -> None:
    (tmp_path / "logs").write_text("a file, no folder")
    with pytest.raises(SettingsError, match=r"LOG_FILE cannot be written: .*parley\.log|LOG_FILE cannot be written: .*logs"):
        configure_logging("INFO", file=a_file(tmp_path))
