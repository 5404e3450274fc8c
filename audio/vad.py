"""Is somebody speaking? A speech probability for each hop of one participant's sound.

Silence is the common case in a call, so a cheap gate (WebRTC's detector) stands before the accurate one (Silero v6, the ONNX file that
faster-whisper carries). On one server core a frame of digital silence costs 1.4 µs, and a frame while the gate is open 33 µs on average:
Silero takes 100 µs for each hop of 32 ms.
"""

from __future__ import annotations

import functools
from collections import deque
from importlib.util import find_spec
from pathlib import Path
from typing import Final, Protocol

import numpy as np
import onnxruntime
import webrtcvad

from audio.pcm import BYTES_PER_SAMPLE, FRAME_MS, FRAME_S, HEARING_FRAME_BYTES, HEARING_RATE_HZ, Floats, as_floats, loudness
from errors import ModelMissing

HOP_SAMPLES: Final = 512
"""Silero's window at 16 kHz, 32 ms."""
CONTEXT_SAMPLES: Final = 64
"""The model wants the end of the window before in front of each window; without it, it raises nothing and detects nothing."""
STATE_SHAPE: Final = (1, 1, 128)
REPLAYED_HOPS: Final = 8
"""256 ms: what Silero is shown of the past when the gate opens, so that it has heard the onset that the gate was too coarse for."""
HANGOVER_FRAMES: Final = 400 // FRAME_MS
"""The gate stays open this long after the last frame that it took for speech, so that Silero itself judges the end of each word."""
ENERGY_FLOOR: Final = 0.01
"""Root mean square, full scale 1, above which :class:`EnergyActivity` takes sound for speech."""
SILENCE: Final = bytes(HEARING_FRAME_BYTES)

SileroState = tuple[Floats, Floats]


class VoiceActivity(Protocol):
    """The ear of one participant. Not shared between participants: it remembers what it heard."""

    @property
    def hop_s(self) -> float:
        """The seconds of sound that each probability stands for."""

    def feed(self, frame: bytes) -> float | None:
        """Take 10 ms (320 bytes, 16 kHz mono); the speech probability of the hop that this frame completes, else ``None``.

        :raises ValueError: the frame is not exactly 10 ms long.
        """


class Silero:
    """The model itself, without memory of its own, so that all participants share one: a single thread, no spinning."""

    def __init__(self, path: Path) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.log_severity_level = 4
        self._session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])

    def probabilities(self, windows: Floats, state: SileroState) -> tuple[Floats, SileroState]:
        """The speech probability of each of the consecutive ``windows`` (rows of 64 + 512 samples), and the state after the last."""
        probabilities, hidden, cell = self._session.run(None, {"input": windows, "h": state[0], "c": state[1]})
        return probabilities, (hidden, cell)


def silero_path() -> Path:
    """Where faster-whisper keeps its Silero model; faster-whisper itself is not imported.

    :raises errors.ModelMissing: faster-whisper is not installed, or carries no such file.
    """
    spec = find_spec("faster_whisper")
    found = sorted((Path(spec.origin).parent / "assets").glob("silero_vad*.onnx")) if spec and spec.origin else []
    if not found:
        raise ModelMissing(
            "The voice activity model is missing: faster-whisper, which carries it, is not installed.",
            "Run scripts/run, or pip install -r requirements.txt.",
        )
    return found[-1]


@functools.cache
def shared_silero() -> Silero:
    """The one model of this process (about 20 MB); loaded at the first call."""
    return Silero(silero_path())


class GatedSilero:
    """Silero behind WebRTC's detector: hops are 32 ms, and 0.0 without running Silero while the gate is shut.

    ``aggressiveness`` is WebRTC's, 0 to 3: the higher, the fewer sounds open the gate.
    """

    hop_s: Final = HOP_SAMPLES / HEARING_RATE_HZ

    def __init__(self, silero: Silero | None = None, aggressiveness: int = 2) -> None:
        self._silero = silero or shared_silero()
        self._gate = webrtcvad.Vad(aggressiveness)
        self._open_frames = 0
        self._state: SileroState = (np.zeros(STATE_SHAPE, np.float32), np.zeros(STATE_SHAPE, np.float32))
        self._pending = bytearray()
        self._context = bytes(CONTEXT_SAMPLES * BYTES_PER_SAMPLE)
        self._unseen: deque[bytes] = deque(maxlen=REPLAYED_HOPS)

    def feed(self, frame: bytes) -> float | None:
        """See :meth:`VoiceActivity.feed`."""
        _check(frame)
        if self._gate.is_speech(frame, HEARING_RATE_HZ):
            self._open_frames = HANGOVER_FRAMES
        elif self._open_frames:
            self._open_frames -= 1
        self._pending += frame
        if len(self._pending) < HOP_SAMPLES * BYTES_PER_SAMPLE:
            return None
        return self._hop()

    def _hop(self) -> float:
        hop = bytes(self._pending[: HOP_SAMPLES * BYTES_PER_SAMPLE])
        del self._pending[: HOP_SAMPLES * BYTES_PER_SAMPLE]
        self._unseen.append(self._context + hop)
        self._context = hop[-CONTEXT_SAMPLES * BYTES_PER_SAMPLE :]
        if not self._open_frames:
            return 0.0
        return self._judged()

    def _judged(self) -> float:
        """Silero goes on from its state of before the silence: measured, that follows an ungated Silero more closely than a fresh state."""
        windows = as_floats(b"".join(self._unseen)).reshape(len(self._unseen), CONTEXT_SAMPLES + HOP_SAMPLES)
        self._unseen.clear()
        probabilities, self._state = self._silero.probabilities(windows, self._state)
        return float(probabilities[-1])


class EnergyActivity:
    """Loudness alone, for where no model can run: 1.0 above a floor, else 0.0; hops are 10 ms."""

    hop_s: Final = FRAME_S

    def __init__(self, floor: float = ENERGY_FLOOR) -> None:
        self._floor = floor

    def feed(self, frame: bytes) -> float | None:
        """See :meth:`VoiceActivity.feed`."""
        _check(frame)
        return float(loudness(frame) / 32768 >= self._floor)


class AboveFloor:
    """Another ear, which is given silence in place of what is quieter than a floor (root mean square, full scale 1)."""

    def __init__(self, activity: VoiceActivity, floor: float) -> None:
        self._activity = activity
        self._floor = floor * 32768
        self.hop_s = activity.hop_s

    def feed(self, frame: bytes) -> float | None:
        """See :meth:`VoiceActivity.feed`."""
        return self._activity.feed(frame if loudness(frame) >= self._floor else SILENCE)


def _check(frame: bytes) -> None:
    if len(frame) != HEARING_FRAME_BYTES:
        raise ValueError(f"A frame is {HEARING_FRAME_BYTES} bytes (10 ms at 16 kHz), not {len(frame)}.")
