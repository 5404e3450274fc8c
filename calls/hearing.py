"""One participant's speech on its way into turns: frames to hops, hops to edges and barge-in steps."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from audio.pcm import BYTES_PER_SAMPLE, FRAME_S, HEARING_FRAME_BYTES, HEARING_RATE_HZ, loudness
from audio.vad import VoiceActivity
from calls.lines import Participant
from calls.turns.barge_in import BargeIn, BargeInStep
from calls.turns.endpointing import Edge, Endpointing
from calls.turns.lulls import LullEdge, Lulls

PRE_ROLL_S = 0.4
"""Sound kept from before a turn begins, because speech is noticed only after it has begun."""
PRE_ROLL_BYTES = int(PRE_ROLL_S * HEARING_RATE_HZ) * BYTES_PER_SAMPLE
MISSING_AFTER_S = 0.1
"""A participant whose frames are this late is taken to be silent (Telegram sends nothing for a muted one)."""
LONGEST_BURST_S = 0.3
"""Frames that come at once stand for the time to come: the next ones are not due before they have had the time to sound."""
BACKGROUND_BYTES = 8 * HEARING_FRAME_BYTES
"""While there is no turn, every eighth frame is looked at, to know how loud the background is."""
SILENT_FRAME = bytes(HEARING_FRAME_BYTES)


class HearingListener(Protocol):
    """Who is told what a participant's speech does."""

    def on_edge(self, hearing: Hearing, edge: Edge) -> None:
        """A turn began, paused, resumed, ended or was nothing."""

    def on_lull(self, hearing: Hearing, edge: LullEdge) -> None:
        """In the middle of a turn the voice has fallen, has become quiet, or is loud again before that was a pause."""

    def on_barge_in(self, hearing: Hearing, step: BargeInStep) -> None:
        """The bot's voice should duck, hold, stop or come back."""

    def bot_audible(self) -> bool:
        """Whether the bot's voice sounds just now."""


class Hearing:
    """Follows one participant; ``clock`` is the event loop's. Costs one cheap check per frame while there is silence."""

    def __init__(
        self,
        participant: Participant,
        activity: VoiceActivity,
        endpointing: Endpointing,
        barge_in: BargeIn,
        clock: Callable[[], float],
        listener: HearingListener,
    ) -> None:
        self.participant = participant
        self._activity = activity
        self._endpointing = endpointing
        self._barge_in = barge_in
        self._lulls = Lulls()
        self._clock = clock
        self._listener = listener
        self._pcm = bytearray()
        self._next_due_s = clock()

    def hear(self, frame: bytes) -> None:
        """Take the next 10 ms of this participant (16 kHz mono)."""
        now_s = self._clock()
        due_s = self._next_due_s
        self._next_due_s = min(due_s if due_s > now_s else now_s, now_s + LONGEST_BURST_S) + FRAME_S
        self._take(frame)

    def fill_gap(self) -> None:
        """Hear silence in place of frames that stopped coming in the middle of a turn."""
        missing_s = self._clock() - self._next_due_s + FRAME_S
        if not self._endpointing.in_turn or missing_s < MISSING_AFTER_S:
            return
        for _ in range(int(missing_s / FRAME_S)):
            self._take(SILENT_FRAME)
        self._next_due_s = self._clock() + FRAME_S

    def _take(self, frame: bytes) -> None:
        self._pcm += frame
        lull = self._lull(frame)
        probability = self._activity.feed(frame)
        if probability is not None:
            self._judge(probability)
        if lull and self._endpointing.speaking:
            self._listener.on_lull(self, lull)
        if not self._endpointing.in_turn and len(self._pcm) > 2 * PRE_ROLL_BYTES:
            del self._pcm[:-PRE_ROLL_BYTES]

    def _lull(self, frame: bytes) -> LullEdge | None:
        if self._endpointing.in_turn:
            return self._lulls.hear(FRAME_S, loudness(frame))
        if len(self._pcm) % BACKGROUND_BYTES == 0:
            self._lulls.background(loudness(frame))
        return None

    def _judge(self, probability: float) -> None:
        hop_s = self._activity.hop_s
        edges = self._endpointing.hear(hop_s, probability, self._lulls.quiet_s)
        step = self._barge_in.hear(hop_s, probability, self._listener.bot_audible())
        for edge in edges:
            self._listener.on_edge(self, edge)
        if step:
            self._listener.on_barge_in(self, step)
        if edges and not self._endpointing.in_turn:
            self._pcm.clear()
            self._lulls.start_over()

    def start_over(self) -> None:
        """The bot's voice comes back, or is cut off for good: speech over it counts anew."""
        self._barge_in.start_over()

    def holds_back(self) -> bool:
        """They speak while the bot's voice is about to begin again in the middle of a reply."""
        return self._barge_in.holds_back()

    def end_after(self, silence_s: float) -> None:
        """From now on this much silence ends the turn."""
        self._endpointing.end_s = silence_s

    @property
    def silence_s(self) -> float:
        """Audio time since the last speech."""
        return self._endpointing.silence_s

    @property
    def last_pause_s(self) -> float:
        """The silence before the newest stretch of speech, in audio time."""
        return self._endpointing.last_pause_s

    @property
    def spoken_s(self) -> float:
        """From the beginning of the turn (of its newest part) to its last speech."""
        return self._endpointing.spoken_s

    @property
    def speaking(self) -> bool:
        """In a turn and not in a pause."""
        return self._endpointing.speaking

    @property
    def paused(self) -> bool:
        """In a turn, in a pause of it."""
        return self._endpointing.in_turn and not self._endpointing.speaking

    @property
    def voiced(self) -> bool:
        """Their voice sounds, in a turn or before it is one."""
        return self._endpointing.voiced

    @property
    def in_turn(self) -> bool:
        """A turn of this participant is open."""
        return self._endpointing.in_turn

    @property
    def speech_ended_at_s(self) -> float:
        """When the last speech arrived, on the clock."""
        return self._clock() - self._endpointing.silence_s

    @property
    def has_fallen_silent(self) -> bool:
        """It is quiet, and has been for a little while."""
        return self._lulls.lasts

    @property
    def sounding_bytes(self) -> int:
        """How much of :meth:`pcm` there is up to where it last became quiet."""
        return max(0, len(self._pcm) - round(self._lulls.quiet_s / FRAME_S) * HEARING_FRAME_BYTES)

    def pcm(self) -> bytes:
        """The sound of the turn so far, with what came just before it (16 kHz mono)."""
        return bytes(self._pcm)
