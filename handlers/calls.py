"""``/joincall``, ``/leavecall`` and ``/callinfo``."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Final, Protocol

from calls.state import CallState, PublicState
from handlers.command import Authority, Command, Request

JOINED: Final = (
    "✅ I am in the voice chat and listening. I am an AI assistant: what is said there is turned into text. "
    "Send /leavecall to send me away."
)
ALREADY_IN: Final = "I am already in the voice chat. Send /leavecall to send me away."
LEFT: Final = "👋 I have left the voice chat. Send /joincall to have me back."
NOT_IN: Final = "I am not in a voice chat here. Send /joincall to have me join one."
GROUPS_ONLY: Final = "That works in groups. Send /{name} in the group whose voice chat is meant."
NOT_CONNECTED: Final = "I am not connected to Telegram just now. I keep trying; send /joincall again in a minute."


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
        yield Command("joincall", manager, "/joincall", "I join the voice chat of this group and talk with you.", self.join, ("jc",))
        yield Command("leavecall", manager, "/leavecall", "I leave the voice chat.", self.leave, ("lc",))
        yield Command("callinfo", member, "/callinfo", "How the call is going.", self.info, ("ci",))

    async def join(self, request: Request) -> str:
        """Join the voice chat."""
        if request.is_private:
            return GROUPS_ONLY.format(name="joincall")
        state = self._manager.state(request.chat_id)
        if state.state is PublicState.JOINED:
            return ALREADY_IN
        if not self._connected():
            return NOT_CONNECTED
        await self._manager.join(request.chat_id, request.title, request.sender_id)
        return JOINED

    async def leave(self, request: Request) -> str:
        """Leave the voice chat."""
        if request.is_private:
            return GROUPS_ONLY.format(name="leavecall")
        return LEFT if await self._manager.leave(request.chat_id) else NOT_IN

    async def info(self, request: Request) -> str:
        """How the call is going."""
        if request.is_private:
            return GROUPS_ONLY.format(name="callinfo")
        return describe(self._manager.state(request.chat_id), self._connected(), self._framework, self._clock())


def describe(state: CallState, connected: bool, framework: str, now_s: float) -> str:
    """The text of ``/callinfo``."""
    in_call = state.state is PublicState.JOINED
    active = in_call or state.phase is not None
    lines = [
        "📞 Call status",
        f"Framework: ✅ {framework}",
        f"Telegram client: {'✅ Connected' if connected else '❌ Not connected'}",
        f"Call instance: {'✅ Active' if active else '❌ None'}",
        f"State: {state.state}{f' ({state.phase})' if state.phase else ''}",
        f"In Call: {'✅ Yes' if in_call else '❌ No'}",
    ]
    if in_call and state.join_time is not None:
        lines.append(f"Duration: {duration(now_s - state.join_time)}")
    if in_call and state.participants:
        lines.append(f"Participants: {', '.join(state.participants)}")
    if state.muted_by_admin:
        lines.append("Muted by an admin: nobody hears me until I may speak.")
    lines += [f"Transcript lines: {len(state.transcript)}", f"Errors: {state.error_count}"]
    if state.latency_p50_ms is not None and state.latency_p95_ms is not None:
        lines.append(f"Answers after: {state.latency_p50_ms / 1000:.1f} s (p50), {state.latency_p95_ms / 1000:.1f} s (p95)")
    return "\n".join(lines)


def duration(seconds: float) -> str:
    """A length of time as people write it, such as ``1:02:03`` or ``4:05``."""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
