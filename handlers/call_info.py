"""What ``/callinfo`` and ``/calls`` tell of calls: everybody how a call goes, those who manage calls also who is in it and what it does."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from calls.reconciler import Outlook
from calls.speculation import Speculation
from calls.state import CallState, PublicState
from handlers.wording import ENGLISH, of_error, say

MOST_NAMES: Final = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class CallInfo:
    """One chat's call at ``now_s`` (seconds since the epoch); ``in_full``: for somebody who manages calls there."""

    state: CallState
    connected: bool
    framework: str
    now_s: float
    outlook: Outlook | None = None
    speculation: Speculation | None = None
    in_full: bool = False
    language: str = ENGLISH

    def __str__(self) -> str:
        """The text of ``/callinfo``."""
        state, in_call = self.state, self.state.state is PublicState.JOINED
        lines = [
            self._line("title"),
            self._line("framework", framework=self.framework),
            self._line("client", state=self._line("connected" if self.connected else "not_connected")),
            self._line("instance", state=self._line("active" if in_call or state.phase is not None else "none")),
            self._line("state", state=f"{state.state}{f' ({state.phase})' if state.phase else ''}"),
            self._line("in_call", state=self._line("yes" if in_call else "no")),
            *(self._of_the_call() if in_call else ()),
            *((self._line("muted"),) if state.muted_by_admin else ()),
            self._line("transcript", count=len(state.transcript)),
            self._line("errors", count=state.error_count),
            *self._latency(),
            *(self._work_ahead() if self.in_full else ()),
            *self._what_comes(),
        ]
        return "\n".join(lines)

    def _of_the_call(self) -> Iterator[str]:
        state = self.state
        if state.join_time is not None:
            yield self._line("duration", duration=duration(self.now_s - state.join_time))
        if not self.in_full:
            yield self._line("people", count=len(state.participants))
            return
        if state.participants:
            more = f" +{len(state.participants) - MOST_NAMES}" if len(state.participants) > MOST_NAMES else ""
            yield self._line("participants", names=", ".join(state.participants[:MOST_NAMES]) + more)
        yield self._line("auto_joined" if state.auto_joined else "asked_for")
        if state.last_response_time is not None:
            yield self._line("last_answer", duration=duration(self.now_s - state.last_response_time))

    def _latency(self) -> Iterator[str]:
        state = self.state
        if state.latency_p50_ms is not None and state.latency_p95_ms is not None:
            yield self._line("latency", p50=f"{state.latency_p50_ms / 1000:.1f}", p95=f"{state.latency_p95_ms / 1000:.1f}")

    def _work_ahead(self) -> Iterator[str]:
        ahead = self.speculation
        if ahead is not None and ahead.hit_rate is not None:
            yield self._line("ahead", begun=ahead.begun, used=ahead.used, percent=round(100 * ahead.hit_rate), shed=ahead.shed)

    def _what_comes(self) -> Iterator[str]:
        outlook = self.outlook
        if outlook is None or self.state.state is PublicState.JOINED:
            return
        seconds = max(1, math.ceil(outlook.next_try_at - self.now_s)) if math.isfinite(outlook.next_try_at) else None
        if seconds is not None:
            yield self._line("next_try", duration=duration(seconds), failures=outlook.failures)
        if outlook.why is not None:
            yield self._line("why", why=of_error(self.language, outlook.why))

    def _line(self, key: str, **fields: object) -> str:
        return say(self.language, f"callinfo.{key}", **fields)


def one_line(title: str, state: CallState, outlook: Outlook | None, now_s: float, language: str = ENGLISH) -> str:
    """A call in the list of ``/calls``."""
    if state.state is PublicState.JOINED:
        lasted = duration(now_s - state.join_time) if state.join_time is not None else "?"
        return say(language, "calls.in_call", chat=title, phase=state.phase or "", duration=lasted, people=len(state.participants))
    if outlook is not None and math.isfinite(outlook.next_try_at):
        return say(language, "calls.waiting", chat=title, duration=duration(max(0.0, outlook.next_try_at - now_s)))
    return say(language, "calls.joining", chat=title)


def duration(seconds: float) -> str:
    """A length of time as people write it, such as ``1:02:03`` or ``4:05``."""
    minutes, rest = divmod(max(0, int(seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
