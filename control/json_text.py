"""Where one JSON text ends in a stream of bytes, found as the bytes come in and without building anything of it."""

from __future__ import annotations

import re
from enum import Enum, auto
from typing import Final

DEEPEST: Final = 64
MOST_TOKENS: Final = 20_000
"""Of one text; more would hold up everything else for longer than 10 ms."""
_TOKEN: Final = re.compile(rb'[ \t\r\n]++|[{}\[\],:]|"[^"\\\x00-\x1f]*+"|"|[^ \t\r\n{}\[\],:"]++')
_IN_STRING: Final = re.compile(rb'[^"\\\x00-\x1f]*+(?:\\[^\x00-\x1f][^"\\\x00-\x1f]*+)*+')
_SPACE: Final = b" \t\r\n"
_QUOTE, _BACKSLASH = b'"\\'
_PAIRS: Final = {ord("}"): ord("{"), ord("]"): ord("[")}
_SCALAR: Final = 0
"""Stands for a number or a name such as ``true``; whether it is one is not looked at here."""


class _Expects(Enum):
    VALUE = auto()
    FIRST_ITEM = auto()
    FIRST_KEY = auto()
    KEY = auto()
    COLON = auto()
    COMMA = auto()


_NEXT: Final = {
    (expects, token): then
    for expected, tokens, then in (
        ((_Expects.VALUE, _Expects.FIRST_ITEM), (_SCALAR, _QUOTE), _Expects.COMMA),
        ((_Expects.VALUE, _Expects.FIRST_ITEM), (ord("{"),), _Expects.FIRST_KEY),
        ((_Expects.VALUE, _Expects.FIRST_ITEM), (ord("["),), _Expects.FIRST_ITEM),
        ((_Expects.KEY, _Expects.FIRST_KEY), (_QUOTE,), _Expects.COLON),
        ((_Expects.COLON,), (ord(":"),), _Expects.VALUE),
    )
    for expects in expected
    for token in tokens
}
_CLOSABLE: Final = {(_Expects.COMMA, ord("}")), (_Expects.FIRST_KEY, ord("}")), (_Expects.COMMA, ord("]")), (_Expects.FIRST_ITEM, ord("]"))}


class MalformedText(Exception):
    """No JSON text goes on like this. ``at`` is where in the bytes at hand that shows."""

    def __init__(self, what: str, at: int) -> None:
        super().__init__(what)
        self.at = at


class JsonText:
    """One object or array; :meth:`feed` it until ``complete``."""

    def __init__(self) -> None:
        self.complete = False
        self._open = bytearray()
        self._expects = _Expects.VALUE
        self._tokens = 0
        self._in_string = self._escaped = self._in_scalar = False

    def feed(self, data: bytes, at: int = 0) -> int:
        """Take the bytes from ``at`` on; returns how far the text goes: to the end of ``data`` unless it is complete.

        :raises MalformedText: this cannot become JSON, or becomes too deep or too intricate.
        """
        while at < len(data) and not self.complete:
            at = self._string(data, at) if self._in_string else self._token(data, at)
        return at

    def _token(self, data: bytes, at: int) -> int:
        found = _TOKEN.match(data, at)
        assert found is not None
        first, end = data[at], found.end()
        goes_on, self._in_scalar = self._in_scalar, False
        if first in _SPACE:
            return end
        if first == _QUOTE:
            self._in_string = end - at == 1
        elif first not in b"{}[],:":
            self._in_scalar, first = end == len(data), _SCALAR
            if goes_on:
                return end
        self._take(first, at)
        return end

    def _take(self, token: int, at: int) -> None:
        self._tokens += 1
        if self._tokens > MOST_TOKENS:
            raise MalformedText(f"more than {MOST_TOKENS} values and signs", at)
        if token in _PAIRS:
            self._close(token, at)
        elif token == ord(",") and self._expects is _Expects.COMMA:
            self._expects = _Expects.KEY if self._open[-1] == ord("{") else _Expects.VALUE
        elif (then := _NEXT.get((self._expects, token))) is not None:
            self._expects = then
            if token in b"{[":
                self._enter(token, at)
        else:
            raise MalformedText("not JSON", at)

    def _enter(self, token: int, at: int) -> None:
        self._open.append(token)
        if len(self._open) > DEEPEST:
            raise MalformedText(f"more than {DEEPEST} deep", at)

    def _close(self, token: int, at: int) -> None:
        if (self._expects, token) not in _CLOSABLE or self._open[-1] != _PAIRS[token]:
            raise MalformedText("not JSON", at)
        self._open.pop()
        self._expects = _Expects.COMMA
        self.complete = not self._open

    def _string(self, data: bytes, at: int) -> int:
        if self._escaped:
            self._escaped = False
            if data[at] < 0x20:
                raise MalformedText("a control character inside a string", at)
            return at + 1
        found = _IN_STRING.match(data, at)
        assert found is not None
        end = found.end()
        if end == len(data):
            return end
        if data[end] == _QUOTE:
            self._in_string = False
        elif data[end] == _BACKSLASH and end + 1 == len(data):
            self._escaped = True
        else:
            raise MalformedText("a control character inside a string", end)
        return end + 1
