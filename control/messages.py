"""JSON-RPC 2.0 messages as bytes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

VERSION: Final = "2.0"


def encoded(message: object) -> bytes | None:
    """A message as bytes without line breaks; half a surrogate pair stays the escape it must have come as."""
    if message is None:
        return None
    return json.dumps(message, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "backslashreplace")


def notification(method: str, params: Mapping[str, Any]) -> bytes:
    """A notification as bytes."""
    sent = encoded({"jsonrpc": VERSION, "method": method, "params": params})
    assert sent is not None
    return sent
