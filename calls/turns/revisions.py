"""Which work is still wanted: every piece carries (turn_id, revision), and one question decides."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, order=True)
class Revision:
    """One state of one turn: the number grows each time its speech resumes."""

    turn_id: int
    number: int


@dataclass(slots=True)
class Revisions:
    """The newest revision of each open turn."""

    _newest: dict[int, int] = field(default_factory=dict)
    _last_turn_id: int = 0

    def begin(self) -> Revision:
        """Open a new turn at revision 1."""
        self._last_turn_id += 1
        self._newest[self._last_turn_id] = 1
        return Revision(self._last_turn_id, 1)

    def advance(self, revision: Revision) -> Revision:
        """The turn has changed: all work on older revisions is unwanted from now on."""
        newer = Revision(revision.turn_id, self._newest.get(revision.turn_id, revision.number) + 1)
        self._newest[revision.turn_id] = newer.number
        return newer

    def close(self, revision: Revision) -> None:
        """The turn is over and done with: no work on it is wanted any more."""
        self._newest.pop(revision.turn_id, None)

    def is_latest(self, revision: Revision) -> bool:
        """Whether a result for ``revision`` is still wanted."""
        return self._newest.get(revision.turn_id) == revision.number
