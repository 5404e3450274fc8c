"""The telephone calls that have not ended: found by their own id, by the carrier's, and by the token of their media socket."""

from __future__ import annotations

import asyncio
import hmac
import secrets
from collections import OrderedDict, deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from calls.telephony.phone_call import PhoneCall

MOST_PAST: Final = 500
"""Of so many calls the carrier's late news are still known to be of ours."""
MOST_SHOWN: Final = 50
PLACING_S: Final = 5.0
"""News of a call may come before the carrier has answered that it places it."""


@dataclass(slots=True, eq=False)
class Ongoing:
    """A call and what it takes to conduct it.

    ``token`` opens its media socket, once; ``reserved`` is where its minutes are counted. ``connected`` is done when one can talk, and
    fails with why not; ``over`` when everything is.
    """

    call: PhoneCall
    token: str = field(default_factory=lambda: secrets.token_urlsafe(24))
    reserved: int | None = None
    used: bool = False
    news: set[tuple[str, int | None]] = field(default_factory=set)
    newest: int = -1
    sid: asyncio.Future[str] = field(default_factory=lambda: asyncio.get_running_loop().create_future())
    connected: asyncio.Future[None] = field(default_factory=lambda: asyncio.get_running_loop().create_future())
    over: asyncio.Future[None] = field(default_factory=lambda: asyncio.get_running_loop().create_future())
    guard: asyncio.Task[None] | None = None

    def is_new(self, status: str, sequence: int | None) -> bool:
        """Whether the carrier's news have not been taken yet, and are not older than those that have; they count as taken now."""
        if (status, sequence) in self.news or (sequence is not None and sequence < self.newest):
            return False
        self.news.add((status, sequence))
        self.newest = max(self.newest, -1 if sequence is None else sequence)
        return True


class Book:
    """Holds them, oldest first."""

    def __init__(self) -> None:
        self._ongoing: dict[str, Ongoing] = {}
        self._past: OrderedDict[str, None] = OrderedDict()
        self._recent: deque[PhoneCall] = deque(maxlen=MOST_SHOWN)

    def add(self, ongoing: Ongoing) -> None:
        """One more."""
        self._ongoing[ongoing.call.call_id] = ongoing

    def end(self, ongoing: Ongoing) -> None:
        """It is over."""
        self._ongoing.pop(ongoing.call.call_id, None)
        self._recent.append(ongoing.call)
        if ongoing.sid.done() and not ongoing.sid.cancelled():
            self._past[ongoing.sid.result()] = None
            if len(self._past) > MOST_PAST:
                self._past.popitem(last=False)
        else:
            ongoing.sid.cancel()

    def find(self, call_id: str) -> Ongoing | None:
        """By our id."""
        return self._ongoing.get(call_id)

    async def of_carrier(self, sid: str) -> Ongoing | None:
        """By the carrier's id; where calls are being placed just now, their ids are waited for a little."""
        if sid not in self._past and self.known(sid) is None and (placing := [each.sid for each in self.all if not each.sid.done()]):
            await asyncio.wait(placing, timeout=PLACING_S)
        return self.known(sid)

    def known(self, sid: str) -> Ongoing | None:
        """By the carrier's id, as far as it is known."""
        return next((each for each in self.all if each.sid.done() and not each.sid.cancelled() and each.sid.result() == sid), None)

    def was_ours(self, sid: str) -> bool:
        """Whether a call of this id has ended lately."""
        return sid in self._past

    def of_token(self, token: str) -> Ongoing | None:
        """The call whose media socket shows this token."""
        matching = [each for each in self.all if hmac.compare_digest(each.token.encode(), token.encode(errors="surrogatepass"))]
        return matching[0] if matching else None

    @property
    def all(self) -> Sequence[Ongoing]:
        """Those that have not ended."""
        return tuple(self._ongoing.values())

    @property
    def recent(self) -> Sequence[PhoneCall]:
        """The newest that have ended, oldest first."""
        return tuple(self._recent)
