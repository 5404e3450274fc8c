"""Who is dropped from a voice chat because no media comes from them.

Users of the real service see a participant whose media never connects disappear 16 to 20 s after the join; for a connection that
breaks later no figure is published.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from loopback.media_seam import MediaServer
from loopback.settings import LoopbackSettings
from loopback.world.accounts import Account
from loopback.world.group_call import CallParticipant, GroupCall
from loopback.world.group_calls import GroupCalls

log = logging.getLogger(__name__)


def timed_out(in_call_s: float, silent_for_s: float | None, settings: LoopbackSettings, unchecked_s: float = 0.0) -> bool:
    """The decision. ``silent_for_s`` None means that media has never connected."""
    if settings.check_timeout_s is not None and unchecked_s >= settings.check_timeout_s:
        return True
    if silent_for_s is None:
        return in_call_s >= settings.media_connect_timeout_s
    return silent_for_s >= settings.media_silence_timeout_s


class CallMediaWatch:
    """Looks at all participants now and then."""

    def __init__(self, calls: GroupCalls, media: MediaServer, settings: LoopbackSettings, now: Callable[[], float]) -> None:
        self._calls = calls
        self._media = media
        self._settings = settings
        self._now = now

    def sweep(self) -> list[Account]:
        """Drop those whose time is up; who they were."""
        dropped = [(call, account) for call in self._calls if not call.ended for account in self._silent(call)]
        for call, account in dropped:
            log.info("%s is dropped from a voice chat: no media", account.first_name)
            self._calls.leave(call, account)
        return [account for _, account in dropped]

    async def run(self) -> None:
        """Sweep for ever."""
        while True:
            await asyncio.sleep(self._settings.media_check_interval_s)
            self.sweep()

    def _silent(self, call: GroupCall) -> list[Account]:
        now = self._now()
        return [p.account for p in call.participants.values() if not p.is_extra and self._gone(call, p, now)]

    def _gone(self, call: GroupCall, participant: CallParticipant, now: float) -> bool:
        if participant.streams:
            return now - participant.fetched_at >= self._settings.stream_silence_timeout_s
        silent_for_s = self._media.silent_for_s(call.id, participant.account.id)
        return timed_out(now - participant.joined_at, silent_for_s, self._settings, now - participant.checked_at)
