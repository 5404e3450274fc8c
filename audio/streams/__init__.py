"""Sound that comes in pieces from strangers: told by its first bytes, taken apart here, bounded. Only Opus packets reach native code."""

from audio.streams.errors import StreamError
from audio.streams.stream import SoundStream

__all__ = ["SoundStream", "StreamError"]
