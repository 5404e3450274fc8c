"""What a private call is: who phones whom, from which devices, and how far it has come."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto

from loopback.mtproto.session import Authorisation
from loopback.mtproto.wire import Tl
from loopback.world.accounts import Account


class Stage(Enum):
    """How far a call has come; it never goes back."""

    REQUESTED = auto()
    """All devices of the callee have been told."""
    ACCEPTED = auto()
    """One of them has answered."""
    ACTIVE = auto()
    """The caller has confirmed: the two exchange what their media needs."""
    OVER = auto()


@dataclass(slots=True, eq=False)
class PrivateCall:
    """``caller_key`` and ``callee_key`` are the devices in it. Times are of the server; ``received_at``: a device of the callee rings.

    What is exchanged for the common key (``g_a_hash``, ``g_b``) is passed on and never looked at.
    """

    id: int
    access_hash: int
    caller: Account
    callee: Account
    caller_key: Authorisation
    requested_at: float
    g_a_hash: bytes
    protocol: Tl
    video: bool = False
    stage: Stage = Stage.REQUESTED
    callee_key: Authorisation | None = None
    g_b: bytes = b""
    received_at: float | None = None
    started_at: float | None = None

    def concerns(self, account_id: int) -> bool:
        """Whether somebody is one of the two."""
        return account_id in (self.caller.id, self.callee.id)

    def other(self, account: Account) -> Account:
        """The one at the other end."""
        return self.callee if account is self.caller else self.caller

    def device_of(self, account: Account) -> Authorisation | None:
        """The device with which somebody takes part; None while it only rings."""
        return self.caller_key if account is self.caller else self.callee_key

    @property
    def occupies_callee(self) -> bool:
        """A further call to the callee is answered with busy: a device has said that it rings, or the call is on."""
        return self.stage is not Stage.OVER and (self.received_at is not None or self.stage is not Stage.REQUESTED)


def given_up(call: PrivateCall, now: float, receive_timeout_s: float, ring_timeout_s: float) -> bool:
    """Whether the caller's app would give up by now: no device has said that it rings, or it has rung for too long."""
    if call.stage is not Stage.REQUESTED:
        return False
    if call.received_at is None:
        return now - call.requested_at >= receive_timeout_s
    return now - call.received_at >= ring_timeout_s
