"""What clients offer and what they are answered."""

from __future__ import annotations

from typing import Any

import pytest

from loopback.media import answer
from loopback.media.payload import JoinPayload, JoinPayloadError

OFFER: dict[str, Any] = {
    "ufrag": "kXVw",
    "pwd": "secret",
    "fingerprints": [{"hash": "sha-256", "setup": "passive", "fingerprint": "68:2a"}],
    "ssrc": -5,
}


def an_answer() -> dict[str, Any]:
    return answer.build(ufrag=answer.new_ufrag(), pwd=answer.new_pwd(), fingerprint="AA", host="127.0.0.1", port=32000, endpoint="1")


def test_offer_is_read() -> None:
    assert JoinPayload.parse(OFFER) == JoinPayload("kXVw", "secret", "68:2A", 0xFFFFFFFB)


@pytest.mark.parametrize(
    "change",
    [
        {"ufrag": None, "pwd": None, "fingerprints": None},
        {"fingerprints": []},
        {"fingerprints": [{"hash": "sha-1", "fingerprint": "68"}]},
        {"fingerprints": [{}]},
        {"fingerprints": "x"},
        {"ssrc": "many"},
        {"ssrc": None},
    ],
)
def test_incomplete_offer_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(JoinPayloadError, match=r"incomplete or malformed .* It needs ufrag, pwd, ssrc and a sha-256 entry"):
        JoinPayload.parse({**OFFER, **change})


def test_offer_without_fields_is_refused() -> None:
    with pytest.raises(JoinPayloadError):
        JoinPayload.parse({})


def test_candidates_are_an_ipv6_one_that_leads_nowhere_and_an_ipv4_one_on_the_same_port() -> None:
    candidates = an_answer()["transport"]["candidates"]
    assert [(candidate["ip"], candidate["port"]) for candidate in candidates] == [("::1", "32000"), ("127.0.0.1", "32000")]
    assert all(isinstance(value, str) for candidate in candidates for value in candidate.values())


def test_credentials_are_as_long_as_the_real_ones_and_new_each_time() -> None:
    first, second = an_answer()["transport"], an_answer()["transport"]
    assert (len(first["ufrag"]), len(first["pwd"])) == (14, 26)
    assert first["ufrag"] != second["ufrag"]
    assert first["pwd"] != second["pwd"]


def test_audio_and_video_sections() -> None:
    audio, video = an_answer()["audio"], an_answer()["video"]
    assert [(payload["id"], payload["name"]) for payload in audio["payload-types"]] == [(111, "opus"), (126, "telephone-event")]
    assert [extension["id"] for extension in audio["rtp-hdrexts"]] == [1, 2, 3]
    assert video["payload-types"][0]["name"] == "VP8"
