"""What must not stand in any log: keys, sessions, tokens, codes, passwords and phone numbers are hidden in each text that is written."""

from __future__ import annotations

import logging
import re
import threading
from collections import deque
from collections.abc import Iterable
from typing import Final

HIDDEN: Final = "(hidden)"
SHORTEST: Final = 4
"""A shorter value is not hidden wherever it stands: that would tear up harmless texts."""
MOST_VALUES: Final = 200

_PATTERNS: Final = re.compile(
    r"1[A-Za-z0-9_-]{200,}={0,2}"  # a Telethon string session
    r"|\b(?:sk|pk|ghp|gho|xox[abp])[-_][A-Za-z0-9_-]{16,}"  # keys of services
    r"|\bparley_[A-Za-z0-9_-]{43}"  # a token of the HTTP API
    r"|\b\d{6,12}:[A-Za-z0-9_-]{30,}"  # the token of a bot
    r"|\b[0-9a-fA-F]{32,}\b"  # an api_hash, an authorisation key
    r"|\bb'[^']{64,}'|\bb\"[^\"]{64,}\""  # the same as Python shows bytes
    r"|(?i:(?<=bearer )|(?<=basic ))[A-Za-z0-9._~+/=-]{8,}"
    r"|(?<=://login\?token=)[A-Za-z0-9_-]+"
    r"|(?<=/call#)[A-Za-z0-9_-]+"  # the token of an invitation
    r"|(?<=://)[^\s/@:]+:[^\s/@]+(?=@)"  # name:password of an address
)
_NAMED: Final = re.compile(
    r"(?i)(\b(?:api[_ -]?hash|api[_ -]?key|auth[_ -]?key|(?:access|auth|bot|login)[_ -]?token|secret|password|passwd"
    r"|(?:login|phone|sign[_ -]?in|verification)[_ -]?code(?:[_ -]hash)?)\b[\"']?\s*(?:is\s+|[=:]\s*)[\"']?)(?!\(hidden\))([^\s\"',;)}\]]+)"
)
_PHONE: Final = re.compile(r"(?<![\d.])\+\d(?:[ .-]?\d){6,14}(?!\d)")
_NAMED_PHONE: Final = re.compile(r"(?i)(\bphone(?:[_ -]?number)?\b[\"']?\s*(?:is\s+|[=:]\s*)[\"']?)(\d{7,15})\b")
SHOWN_DIGITS: Final = 2
"""Of a phone number, so that a person recognises the own one."""


class KnownSecrets:
    """Values that are secret here although they do not look it; the newest are remembered, bounded."""

    def __init__(self) -> None:
        self._values: deque[str] = deque(maxlen=MOST_VALUES)
        self._pattern: re.Pattern[str] | None = None
        self._lock = threading.Lock()

    def add(self, value: str | None) -> None:
        """Hide this value from now on, wherever it stands."""
        text = (value or "").strip()
        with self._lock:
            if len(text) >= SHORTEST and text not in self._values:
                self._values.append(text)
                longest_first = sorted(self._values, key=len, reverse=True)
                self._pattern = re.compile("|".join(rf"(?<!\w){re.escape(each)}(?!\w)" for each in longest_first))

    def hidden_in(self, text: str) -> str:
        """``text`` without them."""
        return text if self._pattern is None else self._pattern.sub(HIDDEN, text)


_known: Final = KnownSecrets()


def hide(values: str | Iterable[str | None] | None) -> None:
    """Hide these values in every log line of this process from now on."""
    for value in [values] if isinstance(values, str) or values is None else values:
        _known.add(value)


def redacted(text: str) -> str:
    """``text`` without what is known to be secret or looks like it; of a phone number the last two digits stay."""
    text = _NAMED.sub(rf"\1{HIDDEN}", _PATTERNS.sub(HIDDEN, _known.hidden_in(text)))
    text = _NAMED_PHONE.sub(lambda found: found[1] + _short_phone(found[2]), text)
    return _PHONE.sub(lambda found: _short_phone(found[0]), text)


def _short_phone(number: str) -> str:
    return f"{HIDDEN}{number[-SHOWN_DIGITS:]}"


class RedactingFormatter(logging.Formatter):
    """Cleans what another formatter has made of a record, its traceback included: the last gate before it is written."""

    def __init__(self, inner: logging.Formatter) -> None:
        super().__init__()
        self._inner = inner

    def format(self, record: logging.LogRecord) -> str:
        """The record as ``inner`` writes it, without secrets."""
        return redacted(self._inner.format(record))
