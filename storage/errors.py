"""What can be wrong with what is kept."""

from __future__ import annotations

from errors import EXIT_SETTINGS, ParleyError


class StorageError(ParleyError):
    """The database cannot be opened, read or written."""

    exit_code = EXIT_SETTINGS


class TooMany(ParleyError):
    """A list that people fill is full."""
