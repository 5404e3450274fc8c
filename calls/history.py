"""What was said and heard in a call so far: of the bot's own words only those that were played."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from brain import Message, Role


@dataclass(frozen=True, slots=True)
class PastExchange:
    """One turn and what was heard of the reply to it (empty: nothing)."""

    speaker: str
    said: str
    reply_heard: str
    interrupted: bool = False


@dataclass(slots=True)
class History:
    """The exchanges of one call, oldest first; ``version`` changes whenever they do."""

    exchanges: list[PastExchange] = field(default_factory=list)
    version: int = 0

    def add(self, exchange: PastExchange) -> None:
        """Remember one more exchange."""
        self.exchanges.append(exchange)
        self.version += 1

    def messages(self) -> Iterator[Message]:
        """The exchanges as a brain sees them."""
        for exchange in self.exchanges:
            if exchange.said:
                yield Message(Role.USER, exchange.said, exchange.speaker)
            if exchange.reply_heard:
                yield Message(Role.ASSISTANT, exchange.reply_heard)
