"""Is a voice message the bot's to answer? Asked before anything of it is fetched, so its words play no part, only its caption does."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import Final

from calls.manners import Manners
from calls.turns.addressing import Addressing, Heard, Verdict
from calls.turns.naming import is_named

MOST_CHATS: Final = 500
ALONE: Final = 1
SEVERAL: Final = 2


@dataclass(frozen=True, slots=True)
class Arrived:
    """A voice message as it arrived. ``to_us``: in private, as a reply to the bot, or with the bot mentioned in its caption.

    ``spoken``: recorded as a message; other sound files, such as music, are only answered when they are sent to the bot.
    """

    chat_id: int
    sender_id: int
    caption: str
    to_us: bool
    spoken: bool
    by_bot: bool = False


class NoteAddressing:
    """The manners of calls (mode, names, follow-ups, cooldown, other bots) applied to voice messages, each chat by itself."""

    def __init__(self) -> None:
        self._chats: OrderedDict[int, Addressing] = OrderedDict()

    def decide(self, arrived: Arrived, manners: Manners, now_s: float, chance: float) -> Verdict:
        """Whether to answer, and why. ``chance`` is from 0 up to 1, drawn anew each time."""
        language = manners.language or "en"
        if not arrived.spoken and not arrived.to_us and not is_named(arrived.caption, manners.addressing.names, language):
            return Verdict.NOT_ADDRESSED
        others = ALONE if arrived.to_us else SEVERAL
        heard = Heard(arrived.caption, arrived.sender_id, others, language, by_bot=arrived.by_bot)
        return self._of(arrived.chat_id, manners).decide(heard, now_s, chance)

    def answered(self, arrived: Arrived, manners: Manners, reply: str, now_s: float) -> None:
        """The answer has been sent: for a little while, its receiver need not name the bot again."""
        self._of(arrived.chat_id, manners).replied(arrived.sender_id, now_s, reply)

    def _of(self, chat_id: int, manners: Manners) -> Addressing:
        addressing = self._chats.setdefault(chat_id, Addressing())
        addressing.rules = manners.addressing
        self._chats.move_to_end(chat_id)
        if len(self._chats) > MOST_CHATS:
            self._chats.popitem(last=False)
        return addressing
