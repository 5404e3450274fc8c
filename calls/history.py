"""What was said and heard in a chat so far: of the bot's own words only those that were played, or sent as a voice note or as text."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from brain import Message, Role
from brain.tools import ToolUse


@dataclass(frozen=True, slots=True)
class PastExchange:
    """One turn and what was heard of the reply to it (empty: nothing). ``speaker_id`` is 0 where nobody in particular spoke."""

    speaker: str
    said: str
    reply_heard: str
    interrupted: bool = False
    speaker_id: int = 0
    uses: tuple[ToolUse, ...] = ()
    """The tools used for the reply, each with its result, whole."""


@dataclass(slots=True)
class History:
    """The exchanges of one chat, oldest first; ``version`` changes whenever they do, ``shortened`` whenever some of them go."""

    exchanges: list[PastExchange] = field(default_factory=list)
    version: int = 0
    shortened: int = 0

    def add(self, exchange: PastExchange) -> None:
        """Remember one more exchange."""
        self.exchanges.append(exchange)
        self.version += 1

    def hear_more(self, exchange: PastExchange, words: str) -> None:
        """After its end ``words`` were heard of its reply as well; they may begin with what was heard before."""
        for place, known in enumerate(self.exchanges):
            if known is exchange:
                before = exchange.reply_heard
                heard = words if words.startswith(before) else f"{before} {words}"
                self.exchanges[place] = replace(exchange, reply_heard=heard)
                self.version += 1

    def clear(self) -> int:
        """Forget everything; how many exchanges that were."""
        return self._keep([])

    def forget(self, speaker_id: int) -> int:
        """Forget what somebody said, and the replies to it; how many exchanges that were."""
        return self._keep([exchange for exchange in self.exchanges if exchange.speaker_id != speaker_id])

    def keep_newest(self, most: int) -> int:
        """Forget the oldest exchanges beyond ``most``; how many that were."""
        return self._keep(self.exchanges[-most:])

    def _keep(self, exchanges: list[PastExchange]) -> int:
        gone = len(self.exchanges) - len(exchanges)
        if gone:
            self.exchanges = exchanges
            self.version += 1
            self.shortened += 1
        return gone

    def messages(self) -> Iterator[Message]:
        """The exchanges as a brain sees them."""
        for exchange in self.exchanges:
            if exchange.said:
                yield Message(Role.USER, exchange.said, exchange.speaker)
            if exchange.uses:
                yield Message(Role.ASSISTANT, "", uses=exchange.uses)
            if exchange.reply_heard:
                yield Message(Role.ASSISTANT, exchange.reply_heard)
