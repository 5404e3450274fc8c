"""What Parley writes about itself: one line an event, on standard error and in a file where one is set, without secrets.

Lines are for people, or JSON objects for programs. Whatever is logged inside :func:`of_call` names its chat and its call.
"""

from __future__ import annotations

import logging
import os
import sys
from collections import deque
from contextlib import AbstractContextManager
from dataclasses import dataclass
from io import TextIOWrapper
from logging.handlers import RotatingFileHandler, WatchedFileHandler
from pathlib import Path
from typing import Any, Final, Literal

import structlog

from errors import SettingsError
from redaction import RedactingFormatter, redacted

MOST_RECENT: Final = 500
_recent: deque[str] = deque(maxlen=MOST_RECENT)
TIME_OF_DAY: Final = "%H:%M:%S"
DATE_AND_TIME: Final = "%Y-%m-%d %H:%M:%S"

Form = Literal["text", "json"]


class RecentLines(logging.Handler):
    """Keeps the newest lines in memory, without secrets."""

    def emit(self, record: logging.LogRecord) -> None:
        """Keep one line."""
        _recent.append(redacted(f"{record.levelname} {record.name}: {record.getMessage()}"))


def recent_lines(count: int) -> list[str]:
    """The newest lines of the log, oldest first."""
    return list(_recent)[-count:]


def of_call(chat_id: int, call_id: str) -> AbstractContextManager[None]:
    """Name the chat and the call in every line that this task, and the tasks it starts, write inside."""
    return structlog.contextvars.bound_contextvars(chat_id=chat_id, call_id=call_id)


@dataclass(frozen=True, slots=True)
class LogFile:
    """A file for the log, beside standard error. At ``most_bytes`` it becomes ``path.1`` and a new one is begun; ``kept`` old ones stay.

    Of several processes that write it only one ``rotates``; the others follow.
    """

    path: Path
    most_bytes: int
    kept: int
    rotates: bool = True


class _KeepsQuiet(logging.FileHandler):
    """Makes the file private, and tells of a disk that takes no line once, until it takes one again."""

    _failures = 0
    _told = False

    def _open(self) -> TextIOWrapper:
        return open(self.baseFilename, "a", encoding=self.encoding, opener=_private)

    def emit(self, record: logging.LogRecord) -> None:
        """Write one line; when that fails it stands on standard error all the same."""
        failures = self._failures
        try:
            super().emit(record)
        except OSError:
            self.handleError(record)
        if self._failures == failures:
            self._told = False

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802
        """Tell why, without the line itself: it was not cleaned of secrets."""
        self._failures += 1
        if not self._told:
            self._told = True
            print(f"⚠️ The log file cannot be written: {sys.exc_info()[1]}", file=sys.stderr)


class _Rotating(_KeepsQuiet, RotatingFileHandler):
    """Begins a new file when this one is full."""


class _Following(_KeepsQuiet, WatchedFileHandler):
    """Goes on in the new file that another process has begun."""


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def configure_logging(level: str, form: Form = "text", file: LogFile | None = None) -> None:
    """Send all logs of the process to standard error and to ``file`` from ``level`` on; libraries only from WARNING on.

    :raises errors.SettingsError: the file cannot be written.
    """
    structlog.configure(
        processors=[structlog.stdlib.filter_by_level, *_fields(), structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_formatter(form, TIME_OF_DAY, colours=sys.stderr.isatty()))
    root = logging.getLogger()
    root.handlers[:] = [handler, RecentLines(), *([_written(file, form)] if file else [])]
    root.setLevel(level)
    for name in ("telethon", "pytgcalls", "ntgcalls", "webrtc", "asyncio", "faster_whisper", "aiohttp", "apscheduler", "aiortc", "aioice"):
        logging.getLogger(name).setLevel(max(logging.WARNING, root.level))
    logging.getLogger("ntgcalls").setLevel(logging.CRITICAL)
    logging.getLogger("webrtc").setLevel(logging.CRITICAL)


def _written(file: LogFile, form: Form) -> logging.Handler:
    try:
        file.path.parent.mkdir(parents=True, exist_ok=True)
        handler: logging.Handler = (
            _Rotating(file.path, maxBytes=file.most_bytes, backupCount=file.kept, encoding="utf-8")
            if file.rotates
            else _Following(file.path, encoding="utf-8")
        )
    except OSError as error:
        raise SettingsError(f"LOG_FILE cannot be written: {error}.", "Name another file, or leave LOG_FILE out.") from error
    handler.setFormatter(_formatter(form, DATE_AND_TIME, colours=False))
    return handler


def _fields() -> list[structlog.types.Processor]:
    return [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.ExtraAdder(["chat_id", "call_id"]),
    ]


def _formatter(form: Form, time_format: str, *, colours: bool) -> logging.Formatter:
    rendering = _as_json() if form == "json" else _as_text(time_format, colours=colours)
    remove = structlog.stdlib.ProcessorFormatter.remove_processors_meta
    return RedactingFormatter(structlog.stdlib.ProcessorFormatter(foreign_pre_chain=_fields(), processors=[remove, *rendering]))


def _as_text(time_format: str, *, colours: bool) -> list[structlog.types.Processor]:
    renderer = structlog.dev.ConsoleRenderer(colors=colours, exception_formatter=structlog.dev.plain_traceback)
    return [structlog.processors.TimeStamper(fmt=time_format, utc=False), renderer]


def _as_json() -> list[structlog.types.Processor]:
    return [
        structlog.processors.TimeStamper(fmt="iso"),
        structlog.processors.format_exc_info,
        _without_secrets,
        structlog.processors.JSONRenderer(ensure_ascii=False),
    ]


def _without_secrets(_logger: Any, _method: str, event: structlog.types.EventDict) -> structlog.types.EventDict:
    """Each field by itself: within JSON a secret stands behind escapes that hide where it begins and ends."""
    return {name: _clean(name, value) for name, value in event.items()}


def _clean(name: str, value: object) -> object:
    if value is None or isinstance(value, bool | int | float):
        return value
    return redacted(f"{name}={value}").removeprefix(f"{name}=")
