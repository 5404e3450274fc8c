"""What Parley writes about itself: one line an event on standard error, readable on a terminal, with the chat where there is one."""

from __future__ import annotations

import logging
import sys

import structlog


def configure_logging(level: str) -> None:
    """Send all logs of the process to standard error from ``level`` on; libraries only from WARNING on."""
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
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for name in ("telethon", "pytgcalls", "ntgcalls", "webrtc", "asyncio", "faster_whisper", "aiohttp"):
        logging.getLogger(name).setLevel(max(logging.WARNING, root.level))
    logging.getLogger("ntgcalls").setLevel(logging.CRITICAL)
    logging.getLogger("webrtc").setLevel(logging.CRITICAL)
