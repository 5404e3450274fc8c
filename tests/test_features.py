"""docs/features.md names, for every promise, the tests that show it: every promise is there, and so are its tests."""

from __future__ import annotations

import ast
import re
from collections import Counter
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final, TypeGuard

import pytest

ROOT: Final = Path(__file__).parent.parent
PAGE: Final = ROOT / "docs" / "features.md"
PROMISES: Final = [
    *(f"A{number}" for number in (*range(24, 57), 86, *range(93, 96), *range(124, 133))),
    *(f"A.17.{number}" for number in range(1, 16)),
]
_ID: Final = re.compile(r"A\.17\.\d+|[AFKN]\d+")
_TESTS: Final = re.compile(r"`([^`]*)`")


@dataclass(frozen=True)
class Row:
    promise: str
    tests: tuple[str, ...]


def rows(page: str) -> dict[str, Row]:
    """The rows of all tables, by their ids."""
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in page.splitlines() if line.startswith("|")]
    return {first: Row(promise, tuple(_TESTS.findall(tests))) for first, promise, tests, _remark in cells if _ID.fullmatch(first)}


@cache
def names_in(path: Path) -> frozenset[str]:
    """The names of the tests of a file, those in classes as ``Class::test_name``."""
    if not path.is_file():
        return frozenset()
    names: set[str] = set()
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.ClassDef):
            names |= {f"{node.name}::{inner.name}" for inner in node.body if _is_test(inner)}
        elif _is_test(node):
            names.add(node.name)
    return frozenset(names)


def _is_test(node: ast.stmt) -> TypeGuard[ast.FunctionDef | ast.AsyncFunctionDef]:
    return isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_")


def exists(test: str) -> bool:
    """``path::test_name`` is a test; what stands in brackets behind it is not looked at."""
    path, _, name = test.partition("::")
    return name.partition("[")[0] in names_in(ROOT / path)


TABLE: Final = rows(PAGE.read_text(encoding="utf-8"))


@pytest.mark.parametrize("promise", PROMISES)
def test_every_promise_is_in_the_table(promise: str) -> None:
    assert promise in TABLE
    assert TABLE[promise].promise


@pytest.mark.parametrize("promise", TABLE)
def test_every_promise_has_tests_and_they_exist(promise: str) -> None:
    assert TABLE[promise].tests, f"{promise} has no test"
    assert [test for test in TABLE[promise].tests if not exists(test)] == []


def test_no_promise_is_there_twice() -> None:
    first_cells = [line.split("|")[1].strip() for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("| ")]
    assert {cell for cell, times in Counter(first_cells).items() if times > 1} <= {"Id"}


def test_a_test_that_is_not_there_and_a_row_without_tests_are_found() -> None:
    assert exists("tests/test_features.py::test_no_promise_is_there_twice")
    assert exists("tests/test_features.py::test_every_promise_is_in_the_table[A24]")
    assert not exists("tests/test_features.py::test_of_nothing")
    assert not exists("tests/test_nothing.py::test_no_promise_is_there_twice")
    assert not exists("tests/test_features.py")
    assert rows("| A1 | Something | none | |\n") == {"A1": Row("Something", ())}
