from __future__ import annotations

import av
import numpy as np
from av.audio.frame import AudioFrame

from audio import mulaw

EVERY_SAMPLE = np.arange(-32_768, 32_768, dtype="<i2")


def test_every_sample_comes_back_within_the_step_of_its_loudness() -> None:
    back = np.frombuffer(mulaw.decode(mulaw.encode(EVERY_SAMPLE.tobytes())), "<i2").astype(int)
    error, loudness = np.abs(back - EVERY_SAMPLE), np.abs(EVERY_SAMPLE.astype(int))
    assert (error <= (loudness + 132) // 16).all()
    assert np.abs(back).max() == 32_124


def test_it_is_what_other_programs_make_of_it() -> None:
    codec = av.CodecContext.create("pcm_mulaw", "w")
    codec.sample_rate, codec.layout, codec.format = 8000, "mono", "s16"
    frame = AudioFrame.from_ndarray(EVERY_SAMPLE.reshape(1, -1), format="s16", layout="mono")
    frame.sample_rate = 8000
    theirs = np.frombuffer(b"".join(bytes(packet) for packet in codec.encode(frame)), np.uint8)
    ours = np.frombuffer(mulaw.encode(EVERY_SAMPLE.tobytes()), np.uint8)
    assert (theirs != ours).mean() < 0.02  # halfway between two steps either may be taken
    assert np.abs(theirs.astype(int) - ours).max() <= 1


def test_every_code_comes_back_as_itself() -> None:
    codes = bytes(code for code in range(256) if code != 0x7F)  # the negative zero
    assert mulaw.encode(mulaw.decode(codes)) == codes


def test_silence() -> None:
    assert mulaw.decode(mulaw.SILENCE) == bytes(2)
    assert mulaw.encode(bytes(2)) == mulaw.SILENCE
