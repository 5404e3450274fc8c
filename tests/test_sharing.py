"""Several test processes share the tests so that real engines are never measured beside each other, and nothing is prepared twice."""

from __future__ import annotations

from tests.sharing import order_of, scope_of

REHEARSAL = "tests/e2e/test_rehearsal.py::test_the_report"
SHORT_ONE = "tests/e2e/test_rehearsals.py::test_a_short_rehearsal_goes_well[two_admins]"
SURVIVAL = "tests/e2e/test_survival.py::test_one"
UNIT = "tests/audio/test_whisper.py::test_words"


def test_rehearsals_with_real_engines_run_one_after_the_other() -> None:
    assert scope_of(REHEARSAL) == scope_of(SHORT_ONE)


def test_what_waits_can_wait_beside_others() -> None:
    assert scope_of(SURVIVAL) != scope_of("tests/e2e/test_survival.py::test_another")


def test_a_module_loads_its_engines_once() -> None:
    assert scope_of(UNIT) == scope_of("tests/audio/test_whisper.py::test_more")
    assert scope_of("tests/e2e/test_error_table.py::test_a[1]") == scope_of("tests/e2e/test_error_table.py::test_a[2]")


def test_the_longest_begin_first() -> None:
    assert sorted([UNIT, SURVIVAL, REHEARSAL], key=order_of) == [REHEARSAL, SURVIVAL, UNIT]
