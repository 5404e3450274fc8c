"""The messages of carriers, as their documents show them, and what no carrier should send."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calls.lines.carriers import TELNYX, TWILIO, CarrierMessage, Digit, Marked, Sound, Started, Stopped

TWILIO_START = {
    "event": "start", "sequenceNumber": "1", "streamSid": "MZ18ad3ab5a668481ce02b83e7395059f0",
    "start": {
        "accountSid": "AC1", "streamSid": "MZ18ad3ab5a668481ce02b83e7395059f0", "callSid": "CA9", "tracks": ["inbound"],
        "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1}, "customParameters": {"token": "abc"},
    },
}  # fmt: skip
TELNYX_START = {
    "event": "start", "sequence_number": "1", "stream_id": "32DE0DEA",
    "start": {
        "user_id": "3E6F995F", "call_control_id": "v2:T02", "from": "+13122010094", "custom_parameters": {"token": "abc"},
        "media_format": {"encoding": "PCMU", "sample_rate": 8000, "channels": 1},
    },
}  # fmt: skip
MEDIA = {"event": "media", "sequenceNumber": "4", "media": {"track": "inbound", "chunk": "2", "timestamp": "5", "payload": "/38="}}


@pytest.mark.parametrize(
    ("message", "means"),
    [
        ({"event": "connected", "protocol": "Call", "version": "1.0.0"}, None),
        (TWILIO_START, Started("MZ18ad3ab5a668481ce02b83e7395059f0", "CA9", {"token": "abc"})),
        (MEDIA, Sound(2, b"\xff\x7f")),
        ({"event": "dtmf", "streamSid": "MZ1", "dtmf": {"track": "inbound_track", "digit": "#"}}, Digit("#")),
        ({"event": "mark", "streamSid": "MZ1", "mark": {"name": "my label"}}, Marked("my label")),
        ({"event": "stop", "stop": {"accountSid": "AC1", "callSid": "CA9"}}, Stopped()),
    ],
)
def test_twilio(message: dict[str, Any], means: CarrierMessage | None) -> None:
    assert TWILIO.read(json.dumps(message)) == means


def test_telnyx() -> None:
    assert TELNYX.read(json.dumps(TELNYX_START)) == Started("32DE0DEA", "v2:T02", {"token": "abc"})
    assert TELNYX.read(json.dumps(MEDIA)) == Sound(2, b"\xff\x7f")
    assert json.loads(TELNYX.clear("32DE0DEA")) == {"event": "clear"}


def test_what_twilio_is_sent() -> None:
    assert json.loads(TWILIO.sound("MZ1", b"\xff\x7f")) == {"event": "media", "streamSid": "MZ1", "media": {"payload": "/38="}}
    assert json.loads(TWILIO.mark_after("MZ1", "7")) == {"event": "mark", "streamSid": "MZ1", "mark": {"name": "7"}}
    assert json.loads(TWILIO.clear("MZ1")) == {"event": "clear", "streamSid": "MZ1"}


def media(**parts: Any) -> str:
    return json.dumps({"event": "media", "media": parts})


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "7", "null", "[" * 60_000, '{"event": 7}', '{"event": "media"}', '{"event": "media", "media": 1}']
)
def test_nonsense_means_nothing(text: str) -> None:
    assert TWILIO.read(text) is None


@pytest.mark.parametrize(
    "parts",
    [{"chunk": "1"}, {"chunk": "1", "payload": "not base64!"}, {"chunk": "1", "payload": "A" * 70_000}]
    + [{"chunk": number, "payload": "/w=="} for number in ("", "-1", "²", "1e3", "9" * 20, None, 1.5)],
)
def test_sound_that_cannot_be_placed_or_read_is_passed_over(parts: dict[str, Any]) -> None:
    assert TWILIO.read(media(**parts)) is None


@pytest.mark.parametrize("message", [{"event": "start", "start": {}}, {"event": "dtmf", "dtmf": {"digit": "12"}}, {"event": "mark"}])
def test_what_lacks_its_part_is_passed_over(message: dict[str, Any]) -> None:
    assert TWILIO.read(json.dumps(message)) is None


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)
PARTS = ("chunk", "payload", "name", "digit", "streamSid", "callSid", "customParameters")


@given(event=st.sampled_from(["start", "media", "mark", "dtmf", "stop"]), one=ANYTHING, other=ANYTHING)
def test_no_message_breaks_the_reader(event: str, one: Any, other: Any) -> None:
    TWILIO.read(json.dumps(one))
    TWILIO.read(json.dumps({"event": event, event: one}))
    TWILIO.read(json.dumps({"event": event, event: {part: (one, other)[place % 2] for place, part in enumerate(PARTS)}}))
