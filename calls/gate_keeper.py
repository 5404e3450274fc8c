"""Lets people's joins through the gate of joins one at a time: whoever has to wait learns first whether there is anything to wait for."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable
from typing import Final

from calls import errors
from calls.autojoin import Running, Seen
from calls.errors import CallError, Remedy
from calls.gates import JOIN_CALL, Gates

MOST_JOIN_WAIT_S: Final = 12.0
"""A join that is asked for too soon after another waits for so long; for longer it is refused."""
PASSES: Final = frozenset({Remedy.WAIT, Remedy.RETRY, Remedy.RETRY_ONCE})
"""A look-up that fails so may go well some seconds later."""

LookUp = Callable[[int], Awaitable[Seen]]
"""Asks Telegram what there is to join in a chat; raises :class:`calls.errors.CallError` when it does not tell."""
OnWait = Callable[[float], Awaitable[None]]
"""Is told for how many seconds a join has to wait."""


async def not_looked_up(_chat_id: int) -> Seen:
    """Nothing is known."""
    return Seen()


async def silently(_wait_s: float) -> None:
    """Nobody is told."""


class GateKeeper:
    """``look_up`` may be set to what asks Telegram; without it nothing is known before a join."""

    def __init__(self, gates: Gates) -> None:
        self.look_up: LookUp = not_looked_up
        self._gates = gates

    def wait_s(self, chat_id: int, *, auto: bool) -> float:
        """How long a join has to wait, by Telegram's word and by our own limits.

        :raises calls.errors.CallError: for too long.
        """
        closed_s = self._gates.closed_for_s(JOIN_CALL)
        if closed_s > MOST_JOIN_WAIT_S:
            raise errors.flood(math.ceil(closed_s))
        reached = self._gates.join_wait_s(chat_id, auto=auto)
        wait_s = reached[0] if reached else 0.0
        if wait_s > MOST_JOIN_WAIT_S:
            minutes = math.ceil(wait_s / 60)
            raise CallError(
                "I have joined so many voice chats lately that Telegram might stop me.",
                f"Send /joincall again in {minutes} minutes.",
                key="call_error.too_many_joins",
                fields={"minutes": minutes},
            )
        return max(wait_s, closed_s)

    async def admit(self, chat_id: int, on_wait: OnWait, *, auto: bool) -> None:
        """Return when the chat's voice chat may be joined; the join counts from then on.

        :raises calls.errors.CallError: it would have to wait, and there is nothing to wait for, or it would wait for too long.
        """
        if self.wait_s(chat_id, auto=auto) > 0:
            await self._make_sure_that_there_is_one(chat_id)
            await self._wait(chat_id, on_wait, auto=auto)
        self._gates.joins(chat_id, auto=auto)

    async def _make_sure_that_there_is_one(self, chat_id: int) -> None:
        """What is not certain shows when it is joined."""
        try:
            seen = await self.look_up(chat_id)
        except CallError as error:
            if error.remedy in PASSES:
                return
            raise
        if nothing := _nothing_to_join(seen):
            raise nothing

    async def _wait(self, chat_id: int, on_wait: OnWait, *, auto: bool) -> None:
        clock = asyncio.get_running_loop().time
        wait_s = self.wait_s(chat_id, auto=auto)
        until_s = clock() + wait_s
        if wait_s > 0:
            await on_wait(wait_s)
        await asyncio.sleep(until_s - clock())

    def failed(self, chat_id: int, error: Exception, *, auto: bool) -> None:
        """A join that was admitted has failed: it does not count where there was nothing to join."""
        if isinstance(error, CallError) and error.key in errors.NOTHING_TO_JOIN:
            self._gates.joined_nothing(chat_id, auto=auto)


def _nothing_to_join(seen: Seen) -> CallError | None:
    """Why there is nothing to join; ``None``: there is, or nobody knows."""
    if seen.running is Running.SCHEDULED and seen.starts_at is not None:
        return errors.scheduled(seen.starts_at)
    failure = {Running.NOTHING: errors.NO_VOICE_CHAT, Running.LIVESTREAM: errors.RTMP}.get(seen.running)
    return errors.of(failure) if failure else None
