"""The private calls of an account, put together."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from calls import events
from calls.drafting import Engines
from calls.errors import CallError
from calls.history import History
from calls.lines.line import Participant
from calls.lines.pacer import Pacer
from calls.lines.telegram_private import TelegramPrivateLine
from calls.manners import Manners
from calls.private_calls import PrivateCalls
from calls.screening import screening_from
from calls.telegram.client import TelegramAccount
from calls.telegram.invitations import Invitations
from calls.telegram.person import person_finder
from calls.telegram.phone import Phone, PhoneCall
from calls.telegram.private_media import PrivateMedia
from config import Settings


def telephone(
    settings: Settings,
    account: TelegramAccount,
    phone: Phone,
    pacer: Pacer,
    engines: Engines,
    manners_for: Callable[[int], Awaitable[Manners]],
    bus: events.EventBus,
    *,
    room: Callable[[], CallError | None],
    history_of: Callable[[int], History | None],
) -> PrivateCalls:
    """The private calls, to be entered; ``phone`` was made before the call engine."""
    media = PrivateMedia()

    def new_line(person: Participant, incoming: PhoneCall | None) -> TelegramPrivateLine:
        return TelegramPrivateLine(phone, media, pacer, person, incoming, settings.call_ring_s)

    calls = PrivateCalls(
        new_line,
        person_finder(account),
        engines,
        manners_for,
        bus,
        screening_from(settings),
        longest_s=settings.max_private_call_minutes * 60.0,
        room=room,
        history_of=history_of,
    )
    phone.on_incoming = calls.incoming
    Invitations(account.client, calls.invited)
    return calls
