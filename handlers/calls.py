"""``/joincall``, ``/leavecall`` and ``/callinfo``."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Iterator
from functools import partial
from typing import Final, Protocol

from calls.state import CallState, PublicState
from handlers.command import Authority, Command, Request
from handlers.wording import ENGLISH, say

FAMILY: Final = "calls"


class CallManager(Protocol):
    """What these commands need of the calls."""

    async def join(self, chat_id: int, title: str, requested_by: int) -> None:
        """Join the chat's voice chat.

        :raises errors.ParleyError: it could not be joined; the text is for the chat.
        """

    async def leave(self, chat_id: int) -> bool:
        """Leave; false if there was nothing to leave."""

    def state(self, chat_id: int) -> CallState:
        """Where the chat's call stands."""

    @property
    def active(self) -> Collection[int]:
        """The chats with a call just now."""


class CallCommands:
    """The three commands. ``connected`` tells whether the client is, ``framework`` names the call library, ``clock`` is the time of day."""

    def __init__(self, manager: CallManager, connected: Callable[[], bool], framework: str, clock: Callable[[], float] = time.time) -> None:
        self._manager = manager
        self._connected = connected
        self._framework = framework
        self._clock = clock

    def commands(self) -> Iterable[Command]:
        """Their declarations."""
        manager, member = Authority.CALL_MANAGER, Authority.MEMBER
        yield Command(name="joincall", family=FAMILY, authority=manager, usage="/joincall", answer=self.join, aliases=("jc",), cost=5)
        yield Command(name="leavecall", family=FAMILY, authority=manager, usage="/leavecall", answer=self.leave, aliases=("lc",), cost=2)
        yield Command(name="callinfo", family=FAMILY, authority=member, usage="/callinfo", answer=self.info, aliases=("ci",))

    async def join(self, request: Request) -> str:
        """Join the voice chat."""
        state = self._manager.state(request.chat_id)
        if state.state is PublicState.JOINED:
            return request.say("join.already_in")
        if not self._connected():
            return request.say("join.not_connected")
        await self._manager.join(request.chat_id, request.title, request.sender_id)
        return request.say("join.joined")

    async def leave(self, request: Request) -> str:
        """Leave the voice chat."""
        return request.say("join.left" if await self._manager.leave(request.chat_id) else "join.not_in")

    async def info(self, request: Request) -> str:
        """How the call is going."""
        return describe(self._manager.state(request.chat_id), self._connected(), self._framework, self._clock(), request.language)


def describe(state: CallState, connected: bool, framework: str, now_s: float, language: str = ENGLISH) -> str:
    """The text of ``/callinfo``."""
    in_call = state.state is PublicState.JOINED
    text = partial(_line, language)
    lines = [
        text("title"),
        text("framework", framework=framework),
        text("client", state=text("connected" if connected else "not_connected")),
        text("instance", state=text("active" if in_call or state.phase is not None else "none")),
        text("state", state=f"{state.state}{f' ({state.phase})' if state.phase else ''}"),
        text("in_call", state=text("yes" if in_call else "no")),
        *(_of_the_call(state, now_s, language) if in_call else ()),
        *((text("muted"),) if state.muted_by_admin else ()),
        text("transcript", count=len(state.transcript)),
        text("errors", count=state.error_count),
    ]
    if state.latency_p50_ms is not None and state.latency_p95_ms is not None:
        lines.append(text("latency", p50=f"{state.latency_p50_ms / 1000:.1f}", p95=f"{state.latency_p95_ms / 1000:.1f}"))
    return "\n".join(lines)


def _of_the_call(state: CallState, now_s: float, language: str) -> Iterator[str]:
    if state.join_time is not None:
        yield _line(language, "duration", duration=duration(now_s - state.join_time))
    if state.participants:
        yield _line(language, "participants", names=", ".join(state.participants))


def _line(language: str, key: str, **fields: object) -> str:
    return say(language, f"callinfo.{key}", **fields)


def duration(seconds: float) -> str:
    """A length of time as people write it, such as ``1:02:03`` or ``4:05``."""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
