"""Signatures as Twilio's own libraries test them."""

from __future__ import annotations

import pytest

from calls.telephony.signature import is_signed, signature

TOKEN = "12345"
URL = "https://mycompany.com/myapp.php?foo=1&bar=2"
FORM = {"CallSid": ["CA1234567890ABCDE"], "Caller": ["+14158675309"], "Digits": ["1234"], "From": ["+14158675309"], "To": ["+18005551212"]}


def test_the_documented_example() -> None:
    assert signature(TOKEN, URL, FORM) == "RSOYDt4T1cUTdK1PDd93/VVr8B8="


def test_a_value_that_is_sent_twice_counts_once_and_in_order() -> None:
    form = {"Sid": ["CA123"], "SidAccount": ["AC123"], "Digits": ["5678", "1234", "1234"]}
    assert signature(TOKEN, URL, form) == "IK+Dwps556ElfBT0I3Rgjkr1wJU="


@pytest.mark.parametrize("signed_for", ["wss://parley.example.org/twilio/media", "wss://parley.example.org:443/twilio/media"])
@pytest.mark.parametrize("known_as", ["wss://parley.example.org/twilio/media", "wss://parley.example.org:443/twilio/media"])
def test_the_usual_port_may_be_named_or_not(signed_for: str, known_as: str) -> None:
    assert is_signed(TOKEN, known_as, {}, signature(TOKEN, signed_for, {}))


@pytest.mark.parametrize("shown", ["", "RSOYDt4T1cUTdK1PDd93/VVr8B9=", "ü", "\udcff"])
def test_anything_else_is_no_signature(shown: str) -> None:
    assert not is_signed(TOKEN, URL, FORM, shown)
    assert not is_signed(TOKEN, URL.replace("https", "http"), FORM, signature(TOKEN, URL, FORM))
