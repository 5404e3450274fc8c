"""What of a long conversation the model is still told: pure, in estimated tokens."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from brain.engine import Message, Role

SUMMARISE_FROM: Final = 0.75
"""The share of the budget from which on the older part is to be summarised, so that the summary is there before the budget is used up."""


FRAME_TOKENS: Final = 12
"""Of the words around a summary in a prompt."""


@dataclass(frozen=True, slots=True)
class Summary:
    """What the first ``covered`` messages of a conversation said, in short: one line of plain text."""

    text: str
    covered: int

    @property
    def tokens(self) -> int:
        """What it costs in a prompt."""
        return estimated_tokens(self.text) + FRAME_TOKENS


def estimated_tokens(text: str) -> int:
    """About how many tokens a message with ``text`` costs, rather too many than too few (UTF-8 bytes / 3, plus its frame)."""
    return len(text.encode()) // 3 + 6


def message_tokens(message: Message) -> int:
    """The same for a whole message, with the tools used in it."""
    used = (f"{use.call.name}{use.call.arguments}{use.result.text}" for use in message.uses)
    return estimated_tokens(message.text) + sum(2 * estimated_tokens("") + estimated_tokens(text) for text in used)


def first_kept(history: Sequence[Message], budget: int) -> int:
    """The index from which on ``history`` is kept. It moves in leaps, to half the budget, whenever the budget is used up."""
    costs = _costs(history)
    first, total = 0, 0
    for index, cost in enumerate(costs):
        total += cost
        while total > budget and first < index:
            first = _leap(history, costs, first, index, budget // 2)
            total = sum(costs[first : index + 1])
    return first


def to_be_covered(history: Sequence[Message], summary: Summary | None, budget: int) -> int | None:
    """Up to which index the next summary should reach, if what ``summary`` doesn't cover has come near the budget; else ``None``.

    What is left after it fills at most half of the budget and begins with an exchange.
    """
    covered = summary.covered if summary else 0
    budget -= summary.tokens if summary else 0
    rest = history[covered:]
    costs = _costs(rest)
    if len(rest) < 2 or sum(costs) <= SUMMARISE_FROM * budget:
        return None
    return covered + _leap(rest, costs, 0, len(rest) - 1, budget // 2)


def _costs(history: Sequence[Message]) -> list[int]:
    return [message_tokens(message) for message in history]


def _leap(history: Sequence[Message], costs: Sequence[int], first: int, newest: int, target: int) -> int:
    """The next beginning of an exchange from which on at most ``target`` tokens are left, or else the newest message."""
    for index in range(first + 1, newest):
        if history[index].role is Role.USER and sum(costs[index : newest + 1]) <= target:
            return index
    return newest
