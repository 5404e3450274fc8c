"""The methods about private calls."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from pydantic import Field

from control.jsonrpc import Caller, Method, Params, Result
from control.private_calls import PrivateCalls
from control.rpc_errors import Code, RpcError
from control.services import ControlServices

UserId = Annotated[int, Field(gt=0, lt=2**63, description="The id of the user.")]
UserName = Annotated[str, Field(pattern=r"^@[A-Za-z]\w{3,31}$", description="The name of the user, such as @ann.")]


class Start(Params):
    """Whom to phone."""

    user_id: UserId | UserName


class OfUser(Params):
    """Whose call; it may be left out where there is only one."""

    user_id: UserId | None = None


class Call(Result):
    """Whose call it is."""

    user_id: int


class CallMethods:
    """``call.start``, ``call.accept``, ``call.reject`` and ``call.hangup``."""

    def __init__(self, services: ControlServices) -> None:
        self._services = services

    def methods(self) -> Iterator[Method]:
        """Their declarations."""
        failures = (Code.FORBIDDEN, Code.FLOOD_WAIT, Code.BUSY, Code.TIMED_OUT, Code.FAILED)
        yield Method(
            name="call.start",
            params=Start,
            result=Call,
            answer=self.start,
            summary="Phone somebody; answered when they have.",
            errors=failures,
        )
        yield Method(
            name="call.accept",
            params=OfUser,
            result=Call,
            answer=self.accept,
            summary="Answer somebody who phones.",
            errors=(Code.NO_ACTIVE_CALL, Code.BUSY, Code.TIMED_OUT),
        )
        yield Method(
            name="call.reject",
            params=OfUser,
            result=Call,
            answer=self.reject,
            summary="Decline somebody who phones.",
            errors=(Code.NO_ACTIVE_CALL,),
        )
        yield Method(
            name="call.hangup",
            params=OfUser,
            result=Call,
            answer=self.hangup,
            summary="End a private call, or stop phoning.",
            errors=(Code.NO_ACTIVE_CALL,),
        )

    async def start(self, params: Start, _caller: Caller) -> Call:
        """Phone somebody."""
        return Call(user_id=await self._private_calls.start(params.user_id))

    async def accept(self, params: OfUser, caller: Caller) -> Call:
        """Answer somebody."""
        caller.answers_calls = True
        return Call(user_id=await self._private_calls.accept(params.user_id))

    async def reject(self, params: OfUser, caller: Caller) -> Call:
        """Decline somebody."""
        caller.answers_calls = True
        return Call(user_id=await self._private_calls.reject(params.user_id))

    async def hangup(self, params: OfUser, _caller: Caller) -> Call:
        """End a call."""
        return Call(user_id=await self._private_calls.hangup(params.user_id))

    @property
    def _private_calls(self) -> PrivateCalls:
        private_calls = self._services.private_calls
        if private_calls is None:
            raise RpcError(
                Code.FAILED, "Private calls are not available: this Parley speaks in the voice chats of groups and channels only."
            )
        return private_calls
