"""The methods about telephone calls."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from pydantic import Field

from brain.speakable import MAX_REPLY_CHARS
from calls.telephony.phone_call import PhoneCall, PhoneWishes
from calls.telephony.phone_calls import PhoneCalls
from control.jsonrpc import Caller, Method, Params, Result
from control.methods import ChatId, NoParams
from control.rpc_errors import Code, RpcError
from control.services import ControlServices

Language = Annotated[str, Field(pattern=r"^[a-z]{2}$")]


class Dial(Params):
    """Whom to call, and what about."""

    number: str = Field(min_length=7, max_length=40, description="With the country code, such as +34612345678.")
    opening: str | None = Field(
        None,
        max_length=MAX_REPLY_CHARS,
        description="Said first, after the notice that an AI speaks; else whether they have a moment.",
    )
    purpose: str = Field("", max_length=2000, description="What the call is about, for whoever thinks.")
    chat_id: ChatId | None = Field(None, description="The chat whose persona and voice are used; those of the settings if left out.")
    language: Language | None = Field(None, description="The language of the call, such as ca; that of the settings if left out.")
    longest_s: float | None = Field(None, ge=10, le=14_400, description="The longest the call may last; PHONE_LONGEST_S at most.")
    wait: bool = Field(True, description="Answer when somebody has answered; else as soon as the carrier has been asked.")


class OfCall(Params):
    """Which telephone call; the newest if left out."""

    call_id: str | None = Field(None, max_length=64)


class Telephoned(Result):
    """A telephone call. Times are seconds since the epoch; of the number only the end is told."""

    call_id: str
    number: str
    direction: str = Field(description="incoming or outgoing")
    stage: str = Field(description="queued, ringing, answered, talking, completed, busy, no-answer, failed or canceled.")
    since: float
    answered_at: float | None
    chat_id: int | None = Field(description="Under which its events are told, once one can talk.")
    error: str | None = Field(description="Why nobody could be talked with.")
    keys: str = Field(description="Which keys were pressed.")


class AllTelephoned(Result):
    """Those that have not ended."""

    calls: list[Telephoned]


def shown(call: PhoneCall) -> Telephoned:
    """A call as programs are told of it."""
    return Telephoned(
        call_id=call.call_id,
        number=call.shown,
        direction=call.direction.value,
        stage=call.stage.value,
        since=call.since,
        answered_at=call.answered_at,
        chat_id=call.guest.chat_id if call.guest else None,
        error=str(call.error) if call.error else None,
        keys=call.digits,
    )


async def dial(phone: PhoneCalls, asked: Dial) -> PhoneCall:
    """Call as a program asks for it.

    :raises errors.ParleyError: see :meth:`calls.telephony.phone_calls.PhoneCalls.call`.
    """
    wishes = PhoneWishes(
        opening=asked.opening, purpose=asked.purpose, chat_id=asked.chat_id, language=asked.language, longest_s=asked.longest_s
    )
    return await (phone.call if asked.wait else phone.place)(asked.number, wishes)


class PhoneMethods:
    """``phone.call``, ``phone.hangup`` and ``phone.list``."""

    def __init__(self, services: ControlServices) -> None:
        self._services = services

    def methods(self) -> Iterator[Method]:
        """Their declarations."""
        yield Method(
            name="phone.call",
            params=Dial,
            result=Telephoned,
            answer=self.call,
            summary="Call a telephone number; answered when somebody has answered.",
            errors=(Code.FORBIDDEN, Code.BUSY, Code.TIMED_OUT, Code.FAILED, Code.DRAINING),
        )
        yield Method(
            name="phone.hangup",
            params=OfCall,
            result=Telephoned,
            answer=self.hang_up,
            summary="End a telephone call, or stop calling.",
            errors=(Code.NO_ACTIVE_CALL,),
        )
        yield Method(name="phone.list", params=NoParams, result=AllTelephoned, answer=self.calls, summary="The telephone calls there are.")

    async def call(self, params: Dial, _caller: Caller) -> Telephoned:
        """Call."""
        return shown(await dial(self._phone, params))

    async def hang_up(self, params: OfCall, _caller: Caller) -> Telephoned:
        """Hang up."""
        return shown(await self._phone.hang_up(params.call_id))

    async def calls(self, _params: NoParams, _caller: Caller) -> AllTelephoned:
        """Those there are."""
        return AllTelephoned(calls=[shown(call) for call in self._phone.calls])

    @property
    def _phone(self) -> PhoneCalls:
        if self._services.phone_calls is None:
            raise RpcError(Code.FAILED, "Telephone calls are not available in this Parley.")
        return self._services.phone_calls
