"""The people's voices: everything they will say is made into sound before the play begins, so that speaking costs nothing in it."""

from __future__ import annotations

from typing import Final

import soxr

from audio.pcm import PLAYOUT_RATE_HZ, as_floats, from_floats
from audio.tts.engine import TextToSpeech, Voice
from loopback.people.speech import read_recording
from loopback.rehearsal.parts import VoiceSettings
from loopback.rehearsal.script import Script
from loopback.rehearsal.step import Step

VOICES: Final = (VoiceSettings(pitch=1.1), VoiceSettings(pitch=0.93), VoiceSettings(pitch=1.05, rate_percent=10), VoiceSettings(pitch=0.97))
"""Handed out in turn to people whose voice the script leaves open."""


async def render(script: Script, voice_engine: TextToSpeech) -> dict[int, bytes]:
    """The PCM (24 kHz) of each step that is heard, and of each voice note, by its index.

    :raises errors.EngineError: the voice engine failed.
    :raises loopback.people.speech.RecordingError: a file of ``play`` holds no sound.
    """
    sounds = {}
    for index, step in enumerate(script.steps):
        spoken = step.say if step.say is not None else step.voice_note
        if spoken is not None:
            sounds[index] = await _said(spoken, voice_of(script, step), voice_engine)
        elif step.play is not None:
            sounds[index] = read_recording(script.folder / step.play)
    return sounds


def voice_of(script: Script, step: Step) -> VoiceSettings:
    """How the person of ``step`` sounds."""
    assert step.who is not None
    number = list(script.people).index(step.who)
    return script.people[step.who].voice or VOICES[number % len(VOICES)]


async def _said(text: str, settings: VoiceSettings, voice_engine: TextToSpeech) -> bytes:
    voice = Voice(rate_percent=settings.rate_percent)
    pcm = b"".join([chunk async for chunk in voice_engine.synthesize(text, voice)])
    if settings.pitch == 1.0:
        return pcm
    return from_floats(soxr.resample(as_floats(pcm), PLAYOUT_RATE_HZ * settings.pitch, PLAYOUT_RATE_HZ))
