"""What Parley writes about itself: one line an event on standard error, readable on a terminal, with the chat where there is one."""

from __future__ import annotations

import logging
import sys
from collections import deque
from typing import Final

import structlog

from redaction import RedactingFormatter, redacted

MOST_RECENT: Final = 500
_recent: deque[str] = deque(maxlen=MOST_RECENT)


class RecentLines(logging.Handler):
    """Keeps the newest lines in memory, without secrets."""

    def emit(self, record: logging.LogRecord) -> None:
        """Keep one line."""
        _recent.append(redacted(f"{record.levelname} {record.name}: {record.getMessage()}"))


def recent_lines(count: int) -> list[str]:
    """The newest lines of the log, oldest first."""
    return list(_recent)[-count:]


def configure_logging(level: str) -> None:
    """Send all logs of the process to standard error from ``level`` on, without secrets; libraries only from WARNING on."""
    processors: list[structlog.types.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.ExtraAdder(["chat_id"]),
        structlog.processors.TimeStamper(fmt="%H:%M:%S"),
    ]
    renderer = structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback)
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=processors, processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer]
    )
    structlog.configure(
        processors=[structlog.stdlib.filter_by_level, *processors, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(RedactingFormatter(formatter))
    root = logging.getLogger()
    root.handlers[:] = [handler, RecentLines()]
    root.setLevel(level)
    for name in ("telethon", "pytgcalls", "ntgcalls", "webrtc", "asyncio", "faster_whisper", "aiohttp", "apscheduler"):
        logging.getLogger(name).setLevel(max(logging.WARNING, root.level))
    logging.getLogger("ntgcalls").setLevel(logging.CRITICAL)
    logging.getLogger("webrtc").setLevel(logging.CRITICAL)
