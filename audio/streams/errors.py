"""What is wrong with a stream of sound."""

from __future__ import annotations

from errors import ParleyError


class StreamError(ParleyError):
    """The stream is broken, or of a kind that is not taken: nothing more of it can be heard."""
