"""A voice as Opus packets and back."""

from __future__ import annotations

import numpy as np

from audio.pcm import HEARING_FRAME_BYTES, PLAYOUT_RATE_HZ, loudness
from calls.lines.opus_voice import PLAYOUT_PACKET_BYTES, SETTLING_PACKETS, SILENCE, OpusDecoder, OpusEncoder


def tone(packets: int) -> list[bytes]:
    samples = np.arange(packets * PLAYOUT_PACKET_BYTES // 2)
    pcm = (np.sin(2 * np.pi * 300 * samples / PLAYOUT_RATE_HZ) * 9000).astype("<i2").tobytes()
    return [pcm[at : at + PLAYOUT_PACKET_BYTES] for at in range(0, len(pcm), PLAYOUT_PACKET_BYTES)]


def test_what_is_encoded_is_heard_at_the_same_loudness() -> None:
    encoder, decoder = OpusEncoder(), OpusDecoder()
    frames = [frame for pcm in tone(50) for frame in decoder.decode(encoder.encode(pcm))]
    assert {len(frame) for frame in frames} == {HEARING_FRAME_BYTES}
    assert 97 <= len(frames) <= 100
    assert 0.8 < loudness(b"".join(frames[20:])) / loudness(b"".join(tone(50))) < 1.2


def test_silence_comes_to_rest_in_one_and_the_same_packet_and_speech_comes_back() -> None:
    encoder, decoder = OpusEncoder(), OpusDecoder()
    for pcm in tone(10):
        decoder.decode(encoder.encode(pcm))
    silent = [encoder.encode(SILENCE) for _ in range(20)]
    assert len({*silent[SETTLING_PACKETS:]}) == 1
    heard = b"".join(frame for packet in silent for frame in decoder.decode(packet))
    assert loudness(heard[len(heard) // 2 :]) < 10
    again = b"".join(frame for pcm in tone(20) for frame in decoder.decode(encoder.encode(pcm)))
    assert loudness(again[len(again) // 2 :]) > 4000


def test_lost_and_damaged_packets_are_silence_of_their_length() -> None:
    encoder, decoder = OpusEncoder(), OpusDecoder()
    packets: list[bytes | None] = [encoder.encode(pcm) for pcm in tone(30)]
    packets[5:10] = [None, b"\xff\xff\xff", b"", None, None]
    frames = [frame for packet in packets for frame in decoder.decode(packet)]
    assert 57 <= len(frames) <= 60
    assert decoder.damaged == 1
