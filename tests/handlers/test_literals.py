"""Every text that a chat can see comes from the catalogues: none is written into the code."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import handlers

FILES = sorted(Path(handlers.__file__).parent.rglob("*.py"))
SENTENCE = re.compile(r"[A-Za-z]{2,}[,:;]? [A-Za-z]{2,}")
SEEN_BY_NO_CHAT = {
    "told to wait": "what the audit keeps",
    "wrong arguments": "what the audit keeps",
    "I could not get that file from Telegram.": "the English of an error with a key",
}
NAMES_OF_TASKS_AND_USAGE = {"name", "usage", "example"}


def sentences(source: str) -> Iterator[str]:
    """String literals that read like something said; without docstrings, log lines, and errors that carry the key of their text."""
    tree = ast.parse(source)
    passed = {id(node) for part in ast.walk(tree) for node in _not_for_chats(part)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in passed and SENTENCE.search(node.value):
            yield node.value


def _not_for_chats(node: ast.AST) -> Iterator[ast.AST]:
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
        yield node.value
    if not isinstance(node, ast.Call):
        return
    is_logged = isinstance(node.func, ast.Attribute) and isinstance(node.func.value, ast.Name) and node.func.value.id == "log"
    is_bug = isinstance(node.func, ast.Name) and node.func.id == "ValueError"
    if is_logged or is_bug or any(keyword.arg == "key" for keyword in node.keywords):
        yield from ast.walk(node)
    for keyword in node.keywords:
        if keyword.arg in NAMES_OF_TASKS_AND_USAGE:
            yield from ast.walk(keyword)


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.name))
def test_no_text_is_written_into_the_code(file: Path) -> None:
    assert [text for text in sentences(file.read_text(encoding="utf-8")) if text not in SEEN_BY_NO_CHAT] == []


def test_a_text_in_the_code_would_be_found() -> None:
    code = '"""Doc string here."""\nasync def f(s):\n    log.info("not this one")\n    await s.send(1, f"Hello {s} my friend")'
    assert list(sentences(code)) == [" my friend"]
    assert list(sentences('def f():\n    return "I have left the call."')) == ["I have left the call."]
