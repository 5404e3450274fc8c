"""What the callers heard, in words: the recording of each answer and the voice notes are transcribed after the call."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from audio.codecs import SoundFileError, decode
from audio.pcm import as_floats, from_floats
from audio.stt.engine import SpeechToText
from audio.stt.splitting import split_where_quiet
from loopback.people.ear import Ear
from loopback.rehearsal.expecting import ExpectedNote
from loopback.rehearsal.measure import Turn
from loopback.rehearsal.patterns import pattern_of

LONGEST_S: Final = 29.0
"""An engine takes up to 30 s at once."""
BEFORE_S: Final = 0.15


async def transcribe_replies(turns: Sequence[Turn], ears: Mapping[str, Ear], hearing: SpeechToText) -> None:
    """Fill in ``reply_as_heard_by_caller`` of each answered turn.

    :raises errors.EngineError: the engine failed.
    """
    for turn in turns:
        if turn.reply_window_s is not None:
            begin_s, end_s = turn.reply_window_s
            turn.reply_as_heard_by_caller = await _words(ears[turn.speaker].between(begin_s - BEFORE_S, end_s), hearing)


async def wrong_words(note: ExpectedNote, hearing: SpeechToText) -> str | None:
    """How a voice note does not say what it should; ``None`` for one that does.

    :raises errors.EngineError: the engine failed.
    """
    try:
        words = await _words(decode(note.message.voice_note), hearing)
    except SoundFileError as unreadable:
        return f"step {note.step}: the voice note of the bot can't be played: {unreadable}"
    if pattern_of(note.pattern).search(words):
        return None
    return f"step {note.step}: expected a voice note that says {note.pattern!r}, but it says {words!r}"


async def _words(pcm: bytes, hearing: SpeechToText) -> str:
    pieces = split_where_quiet(as_floats(pcm), LONGEST_S)
    words = [(await hearing.transcribe(from_floats(piece), "en")).text.strip() for piece in pieces]
    return " ".join(word for word in words if word)
