"""What can happen in a conversation, one short name each; a schedule is a line of such names."""

from __future__ import annotations

from typing import Final

from audio.pcm import FRAME_S
from tests.calls.interleavings.engines import Result

HOP_S: Final = 0.05
"""The sound that is heard at once, and the unit of the audio time of a schedule."""
FRAMES_IN_HOP: Final = round(HOP_S / FRAME_S)
LONG_HOPS: Final = 4

SPEAKING: Final = {"A": 0, "B": 1}
"""Ann, or Bob, begins to speak or stops; then one hop passes."""
MURMURS: Final = {"a": 0, "b": 1}
"""One hop in which Ann, or Bob, makes a sound that may be speech or not."""
MUTES: Final = {"Am": 0, "Bm": 1}
"""From now on no frames come from Ann, or Bob; or they come again."""
FALLS: Final = {"Al": 0, "Bl": 1}
"""The voice of Ann, or Bob, falls a step further: it dips, is quiet, is quiet for a little while. Speech ends that."""
LEAVES: Final = {"Ax": 0, "Bx": 1}
"""Ann, or Bob, leaves the call; who speaks after that has come back."""
ANNOUNCE: Final = "n"
WORDS_IN_ANNOUNCEMENT: Final = 2
"""The bot is told to say so many words that nobody asked for."""
HOP: Final = "h"
LONG: Final = "H"
"""Time passes: one hop, or four."""
FRAME: Final = "f"
"""10 ms are played, before anything else can happen."""
LOOP: Final = "y"
"""The event loop does what is ready now, once."""
REST: Final = "rest"
"""The last action: everybody falls silent, every engine works, until the conversation has come to rest."""
HANG_UP: Final = "hang-up"

RESULTS: Final = {
    "+": Result.MORE, "~": Result.SOME, "0": Result.NOTHING, "!": Result.FAILURE, "?": Result.TOOL, "&": Result.TOOLS,
}  # fmt: skip
ENGINES: Final = "stvu"
"""Speech to text, thinking, voice, tools: ``s+`` is the words of the oldest open request, ``s+2`` those of the newest one of several."""
MARKS: Final = {"s": "+~0!", "t": "+~0!?&", "v": "+~0!", "u": "+!"}
COMPLETIONS: Final = {
    f"{engine}{mark}{which}": (engine, RESULTS[mark], bool(which)) for engine in ENGINES for mark in MARKS[engine] for which in ("", "2")
}

LAST: Final = (REST, HANG_UP)
RARE: Final = frozenset({
    *MURMURS, *MUTES, "Bl", *LEAVES, ANNOUNCE, "s~2", "s02", "s!2", "t~", "t~2", "t!2", "t02", "v~2", "v!2", "v0", "v02",
    "t?2", "t&", "t&2", "u!", "u+2", "u!2",
})  # fmt: skip
"""Left out where every schedule is gone through."""
EVERY: Final = (*SPEAKING, HOP, LONG, FRAME, LOOP, *MURMURS, *MUTES, *FALLS, *LEAVES, ANNOUNCE, *COMPLETIONS)


def parsed(line: str) -> list[str]:
    """A schedule from its line.

    :raises ValueError: an unknown name.
    """
    names = line.split()
    unknown = [name for name in names if name not in EVERY and name not in LAST]
    if unknown:
        raise ValueError(f"No such action: {', '.join(unknown)}.")
    return names
