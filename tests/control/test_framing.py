from __future__ import annotations

import json
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from control.framing import LONGEST, Frame, Framer, Framing, framed
from control.json_text import DEEPEST, MOST_TOKENS
from tests.control.stage import EXAMPLES, SPEAK, STATUS

TOO_MANY = b"[" + b"1," * MOST_TOKENS + b"1]"
TOO_DEEP = b"[" * (DEEPEST + 1) + b"]" * (DEEPEST + 1)


def frames(*pieces: bytes, ended: bool = False, longest: int = LONGEST) -> list[Frame]:
    framer = Framer(longest)
    found = [frame for piece in pieces for frame in framer.feed(piece)]
    return [*found, *framer.end()] if ended else found


def kinds(found: Iterable[Frame]) -> list[bytes | str]:
    """What is no message is only named."""
    return [frame if isinstance(frame, bytes) else "too long" if frame.too_long else "bad" for frame in found]


def one_by_one(data: bytes) -> list[bytes]:
    return [data[at : at + 1] for at in range(len(data))]


@pytest.mark.parametrize("example", EXAMPLES)
def test_the_examples_of_the_first_document_are_messages_in_both_framings(example: bytes) -> None:
    assert frames(example + b"\n") == [example]
    assert frames(len(example).to_bytes(4, "big") + example) == [example]
    assert frames(*one_by_one(example)) == [example]
    assert frames(*one_by_one(framed(example, Framing.LENGTHS))) == [example]


def test_the_first_byte_tells_the_framing() -> None:
    for first, framing in ((b"\0", Framing.LENGTHS), (b"{", Framing.LINES), (b"[", Framing.LINES), (b"G", Framing.LINES)):
        framer = Framer()
        assert framer.framing is None
        list(framer.feed(first))
        assert framer.framing is framing


def test_a_message_counts_as_soon_as_it_is_whole_even_without_the_end_of_its_line() -> None:
    assert frames(STATUS) == [STATUS]
    assert frames(STATUS + SPEAK + STATUS) == [STATUS, SPEAK, STATUS]


@pytest.mark.parametrize(
    ("sent", "found"),
    [
        (b"\n  \r\n\t", []),
        (b'{"a":1}\r\n{"b":2}\r\n', [b'{"a":1}', b'{"b":2}']),
        (b'{"a": [1 2]}\n{"b":2}\n', ["bad", b'{"b":2}']),
        (b'{"a": [1, 2}\n{"b":2}\n', ["bad", b'{"b":2}']),
        (b'{"a": "a line\nbreak"}\n{"b":2}\n', ["bad", b'{"b":2}']),
        (b'{"a": "\\\n"}\n{"b":2}\n', ["bad", b'{"b":2}']),
        (b'{"a": nonsense,\n "b": ]\n}\n{"b":2}\n', ["bad", b'{"b":2}']),
        (b'{"truncated": true\n{"b":2}\n{"b":2}\n', ["bad", b'{"b":2}']),
        (b'{"a" 1}\n', ["bad"]),
        (b"{1: 2}\n", ["bad"]),
        (b'{"a": 1,}\n', ["bad"]),
        (b"[1,]\n", ["bad"]),
        (b"[,1]\n", ["bad"]),
        (b"]\n", [b"]"]),
        (b"[]{}", [b"[]", b"{}"]),
        (b'["\\"]", "\\\\"]', [b'["\\"]", "\\\\"]']),
        (b"42\n", [b"42"]),
        (b"GET / HTTP/1.1\r\nHost: here\r\n", [b"GET / HTTP/1.1\r", b"Host: here\r"]),
        (TOO_DEEP + b'\n{"b":2}', ["bad", b'{"b":2}']),
        (TOO_MANY + b'\n{"b":2}', ["bad", b'{"b":2}']),
    ],
)
def test_what_is_found_in_lines(sent: bytes, found: list[bytes | str]) -> None:
    assert kinds(frames(sent)) == found
    assert kinds(frames(*one_by_one(sent[:4000]), sent[4000:])) == found


def test_a_message_too_long_is_told_and_the_next_line_is_taken() -> None:
    long = b'{"text": "' + b"x" * 200 + b'"}'
    assert kinds(frames(long + b"\n" + STATUS + b"\n", longest=100)) == ["too long", STATUS]
    assert kinds(frames(*one_by_one(long + b"\n" + STATUS), longest=100)) == ["too long", STATUS]
    assert kinds(frames(b"x" * 200 + b"\n" + STATUS, longest=100)) == ["too long", STATUS]
    assert frames(b'"' + b"x" * 98 + b'"\n', longest=100) == [b'"' + b"x" * 98 + b'"']


def test_a_length_too_great_is_told_and_nothing_more_is_taken() -> None:
    sent = (LONGEST + 1).to_bytes(4, "big") + STATUS
    assert kinds(frames(sent, framed(STATUS, Framing.LENGTHS))) == ["too long"]
    longest = b'"' + b"x" * (LONGEST - 2) + b'"'
    assert frames(framed(longest, Framing.LENGTHS)) == [longest]
    assert frames(framed(longest, Framing.LINES)) == [longest]


@pytest.mark.parametrize("cut_off", [b'{"a": 1', b"\0\0", b"\0\0\0\x09{}"])
def test_a_message_that_was_broken_off_is_told_at_the_end(cut_off: bytes) -> None:
    assert frames(cut_off) == []
    assert kinds(frames(cut_off, ended=True)) == ["bad"]


def test_a_last_line_without_its_end_counts() -> None:
    assert frames(b"42", ended=True) == [b"42"]
    assert frames(ended=True) == []


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(st.lists(st.lists(json_values, max_size=3) | st.dictionaries(st.text(), json_values, max_size=3), max_size=4), st.data())
def test_every_json_text_is_found_whole_however_it_is_written_and_cut(values: list[object], data: st.DataObject) -> None:
    indent = data.draw(st.sampled_from([None, 1]))
    texts = [json.dumps(value, ensure_ascii=data.draw(st.booleans()), indent=indent).encode("utf-8", "surrogatepass") for value in values]
    stream = b"\n".join(texts)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=6)))
    pieces = [stream[start:end] for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True)]
    assert frames(*pieces) == texts


@given(st.lists(st.binary(max_size=30), max_size=8))
def test_where_bytes_are_cut_changes_nothing(pieces: list[bytes]) -> None:
    assert frames(*pieces, ended=True) == frames(b"".join(pieces), ended=True)
