"""Several test processes share the tests so that nothing is prepared twice, and what waits begins first."""

from __future__ import annotations

from tests.sharing import order_of, scope_of

SURVIVAL = "tests/e2e/test_survival.py::test_one"
UNIT = "tests/audio/test_whisper.py::test_words"


def test_what_waits_can_wait_beside_others() -> None:
    assert scope_of(SURVIVAL) != scope_of("tests/e2e/test_survival.py::test_another")


def test_a_module_loads_its_engines_once() -> None:
    assert scope_of(UNIT) == scope_of("tests/audio/test_whisper.py::test_more")
    assert scope_of("tests/e2e/test_error_table.py::test_a[1]") == scope_of("tests/e2e/test_error_table.py::test_a[2]")


def test_the_longest_begin_first() -> None:
    assert sorted([UNIT, SURVIVAL], key=order_of) == [SURVIVAL, UNIT]
