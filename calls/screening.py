"""Whose calls are answered. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from config import Settings

CONTACTS: Final = "contacts"
NOBODY: Final = "nobody"


@dataclass(frozen=True, slots=True)
class Screening:
    """The allow-list of private calls. Not ``on``: calls that ring are left alone, for the account's other devices."""

    on: bool = False
    delay_s: float = 1.0
    ids: frozenset[int] = frozenset()
    contacts: bool = False

    def allows(self, user_id: int, *, is_contact: bool) -> bool:
        """Whether somebody's call is answered by itself."""
        return self.on and (user_id in self.ids or (self.contacts and is_contact))


def screening_from(settings: Settings) -> Screening:
    """What the settings ask for; the owner is on every list."""
    names = [name.strip() for name in settings.auto_answer_from.lower().split(",")]
    ids = {int(name) for name in names if name.isdigit()} | ({settings.owner_id} if settings.owner_id else set())
    return Screening(settings.auto_answer, settings.auto_answer_delay_ms / 1000, frozenset(ids), CONTACTS in names)
