"""What the callers heard, in words: the recording of each answer is transcribed after the call."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from audio.pcm import as_floats, from_floats
from audio.stt.engine import SpeechToText
from audio.stt.splitting import split_where_quiet
from loopback.people.ear import Ear
from loopback.rehearsal.measure import Turn

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
            sound = as_floats(ears[turn.speaker].between(begin_s - BEFORE_S, end_s))
            words = [(await hearing.transcribe(from_floats(piece), "en")).text.strip() for piece in split_where_quiet(sound, LONGEST_S)]
            turn.reply_as_heard_by_caller = " ".join(word for word in words if word)
