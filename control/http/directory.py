"""Every call there is, by whichever door: in groups, private, and those of guests. One list, one way to speak and to hang up."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

from calls.guest_calls import GuestCall
from calls.private_call import PrivateCall, Stage
from calls.state import PublicState
from control.http.problems import Problem
from control.http.recent import Recent, RecentCall
from control.http.services import HttpServices

GROUP: Final = "group"
PRIVATE: Final = "private"
TURNS_IN_LIST: Final = 5
PERCENTILES: Final = (50, 95)


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedCall:
    """One call. ``kind`` is ``group``, ``private``, or the door of a guest; ``since`` in seconds since the epoch.

    ``state`` is joined or idle (wanted and not there), of private calls also ringing or calling.
    """

    call_id: str
    session_id: str
    kind: str
    chat_id: int
    title: str
    state: str
    phase: str | None
    participants: tuple[str, ...]
    since: float | None
    errors: int = 0
    next_try_at: float | None = None
    why: str | None = None

    @property
    def stage(self) -> str:
        """In one word what goes on: the phase, where there is one."""
        return self.phase or self.state


class Directory:
    """Looks them up at the moment of asking; ``recent`` knows what was said in them."""

    def __init__(self, services: HttpServices, recent: Recent) -> None:
        self._services = services
        self._recent = recent

    def all(self) -> list[ListedCall]:
        """Every call, those of groups first."""
        return [*self._of_groups(), *self._private(), *(self._guest(guest) for guest in self._services.guests.calls)]

    def find(self, call_id: str) -> ListedCall:
        """The call of this id.

        :raises Problem: there is none, or none any more.
        """
        found = next((call for call in self.all() if call.call_id == call_id), None)
        if found is None:
            raise Problem(HTTPStatus.NOT_FOUND, "no_such_call", "There is no such call, or it has ended.", "GET /api/calls lists them all.")
        return found

    async def say(self, call: ListedCall, text: str, language: str | None, *, first: bool) -> bool:
        """Say something in it; whether any of it was heard.

        :raises errors.ParleyError: it cannot be said there.
        """
        services = self._services
        if call.state != PublicState.JOINED.value:
            raise Problem(HTTPStatus.CONFLICT, "not_connected", "Nothing can be said there yet.", "Wait until the call is connected.")
        if call.kind == GROUP:
            return await services.control.calls.speak(call.chat_id, text, language, first=first)
        if call.kind == PRIVATE and services.control.private_calls:
            return await services.control.private_calls.speak(call.chat_id, text, language, first=first)
        guest = services.guests.find(call.call_id)
        return await guest.call.speak(text, language, first=first) if guest else False

    async def hang_up(self, call: ListedCall) -> None:
        """End it; one that is wanted is not wanted any more.

        :raises errors.ParleyError: it had ended already.
        """
        services = self._services
        if call.kind == GROUP:
            await services.control.calls.leave(call.chat_id)
        elif call.kind == PRIVATE and services.control.private_calls:
            await services.control.private_calls.hangup(call.chat_id)
        elif (guest := services.guests.find(call.call_id)) is not None:
            guest.hang_up()

    def as_json(self, call: ListedCall, turns: int = TURNS_IN_LIST) -> dict[str, Any]:
        """The call with its last turns and how fast they were answered."""
        recent = self._recent.of(call.chat_id)
        p50, p95 = (recent.latency.percentile_ms(percent) for percent in PERCENTILES)
        return {
            "call_id": call.call_id,
            "session_id": call.session_id,
            "kind": call.kind,
            "chat_id": str(call.chat_id),
            "title": call.title,
            "state": call.state,
            "phase": call.phase,
            "participants": list(call.participants),
            "since": call.since,
            "turns_count": recent.answered,
            "errors": call.errors,
            "next_try_at": call.next_try_at,
            "why": call.why,
            "latency_p50_ms": p50,
            "latency_p95_ms": p95,
            "caption": _caption(recent),
            "turns": [turn.as_json() for turn in list(recent.turns)[-turns:]] if turns else [],
        }

    def _of_groups(self) -> Iterator[ListedCall]:
        calls = self._services.control.calls
        for chat_id in dict.fromkeys([*calls.active, *calls.wanted]):
            state, outlook = calls.state(chat_id), calls.outlook(chat_id)
            yield ListedCall(
                call_id=str(chat_id),
                session_id=str(chat_id),
                kind=GROUP,
                chat_id=chat_id,
                title=self._recent.of(chat_id).title or str(chat_id),
                state=state.state.value,
                phase=state.phase.value if state.phase else None,
                participants=tuple(state.participants),
                since=state.join_time,
                errors=state.error_count,
                next_try_at=outlook.next_try_at if outlook and math.isfinite(outlook.next_try_at) else None,
                why=str(outlook.why) if outlook and outlook.why else None,
            )

    def _private(self) -> Iterator[ListedCall]:
        private_calls = self._services.control.private_calls
        for call in private_calls.calls if private_calls else ():
            yield self._of_person(call)

    def _of_person(self, call: PrivateCall) -> ListedCall:
        connected = call.stage is Stage.CONNECTED
        return ListedCall(
            call_id=str(call.user_id),
            session_id=str(call.user_id),
            kind=PRIVATE,
            chat_id=call.user_id,
            title=call.name,
            state=PublicState.JOINED.value if connected else call.stage.value,
            phase=self._recent.of(call.user_id).phase if connected else None,
            participants=(call.name,) if connected else (),
            since=call.since,
        )

    @staticmethod
    def _guest(guest: GuestCall) -> ListedCall:
        state = guest.state
        return ListedCall(
            call_id=guest.call_id,
            session_id=guest.session_id,
            kind=guest.door.value,
            chat_id=guest.chat_id,
            title=guest.title,
            state=state.state.value,
            phase=state.phase.value if state.phase else None,
            participants=tuple(state.participants),
            since=guest.since,
            errors=state.error_count,
        )


def active_calls(services: HttpServices) -> int:
    """How many calls Parley is in just now."""
    private_calls = services.control.private_calls
    connected = sum(call.stage is Stage.CONNECTED for call in (private_calls.calls if private_calls else ()))
    return len(services.control.calls.active) + connected + len(services.guests.calls)


def _caption(recent: RecentCall) -> dict[str, str] | None:
    return None if recent.caption is None else {"speaker": recent.caption[0], "text": recent.caption[1]}
