"""Synthetic calls for the tests: sound at given times, and the bot's events to go with it."""

import numpy as np

from audio.pcm import HEARING_RATE_HZ, PLAYOUT_RATE_HZ
from calls.events import ExchangeEnded
from loopback.people.ear import Ear
from loopback.people.mouth import Spoken


def tone(seconds: float, rate_hz: int = PLAYOUT_RATE_HZ, peak: int = 8000) -> bytes:
    moments = np.arange(round(seconds * rate_hz)) / rate_hz
    return (peak * np.cos(2 * np.pi * 500 * moments)).astype("<i2").tobytes()


def hear(ear: Ear, begin_s: float, seconds: float, peak: int = 8000) -> None:
    """A tone of ``seconds`` comes in, 10 ms at a time."""
    sound = tone(seconds, HEARING_RATE_HZ, peak)
    for number in range(round(seconds * 100)):
        ear.add(sound[number * 320 : (number + 1) * 320], begin_s + number / 100)


def ear_with(*stretches: tuple[float, float]) -> Ear:
    """An ear that heard a tone in each stretch of (begin, seconds)."""
    ear = Ear(clock=lambda: 0.0)
    for begin_s, seconds in stretches:
        hear(ear, begin_s, seconds)
    return ear


def spoken(begin_s: float, seconds: float) -> Spoken:
    return Spoken(began_s=begin_s, pcm=tone(seconds), first_s=begin_s, last_s=begin_s + seconds)


def exchange(
    turn_id: int,
    ended_s: float,
    sound_s: float | None,
    over_s: float,
    speaker: str = "Ann",
    heard: str = "hello there",
    interrupted: bool = False,
) -> ExchangeEnded:
    """An exchange whose bot-side latency is split into two spans, 40 % pause and 60 % thinking."""
    waited_ms = 0.0 if sound_s is None else (sound_s - ended_s) * 1000
    return ExchangeEnded(
        chat_id=-1, at_s=over_s, turn_id=turn_id, revision=1, speaker=speaker, speaker_id=7, heard=heard, reply="Hello to you.",
        reply_heard="" if sound_s is None else "Hello to you.", interrupted=interrupted,
        spans_ms={} if sound_s is None else {"pause": waited_ms * 0.4, "thinking": waited_ms * 0.6},
        speech_ended_at_s=ended_s, first_sound_at_s=sound_s,
    )  # fmt: skip
