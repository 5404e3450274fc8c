"""Whose calls are answered."""

from __future__ import annotations

import pytest

from calls.screening import screening_from
from config import load_settings
from errors import SettingsError


@pytest.mark.parametrize(
    ("wanted", "user_id", "is_contact", "expected"),
    [
        ({}, 7, True, False),
        ({"auto_answer_from": "contacts"}, 7, True, True),
        ({"auto_answer_from": "contacts"}, 7, False, False),
        ({"auto_answer_from": "8, 7"}, 7, False, True),
        ({"auto_answer_from": "8"}, 7, True, False),
        ({"auto_answer_from": "contacts,7"}, 7, False, True),
        ({"auto_answer_from": "nobody"}, 7, True, False),
        ({"owner_id": 7}, 7, False, True),
        ({"auto_answer_from": "contacts", "auto_answer": False}, 7, True, False),
    ],
)
def test_the_list(wanted: dict[str, object], user_id: int, is_contact: bool, expected: bool) -> None:
    assert screening_from(load_settings(None, **wanted)).allows(user_id, is_contact=is_contact) is expected


def test_the_delay() -> None:
    assert screening_from(load_settings(None)).delay_s == 1.0
    assert screening_from(load_settings(None, auto_answer_delay_ms=0)).delay_s == 0.0


def test_a_list_that_makes_no_sense_is_refused() -> None:
    with pytest.raises(SettingsError, match=r"AUTO_ANSWER_FROM.*nobody, contacts, or user ids"):
        load_settings(None, auto_answer_from="@ann")
