"""The sockets over which the carrier brings the sound of calls: each shows which call it is of, once, and then carries it."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import logging
from typing import Final

from calls import errors, events
from calls.ending import End
from calls.errors import CallError
from calls.guest_calls import GUEST_IDS_BELOW, Door, GuestCall, GuestCalls, GuestWishes
from calls.lines.carriers import TWILIO, MediaSocket, Started
from calls.lines.line import Participant
from calls.lines.pacer import Pacer
from calls.lines.phone import PhoneLine
from calls.private_call import Direction
from calls.telephony import failures, notice
from calls.telephony.insisting import Insisting
from calls.telephony.ongoing import Ongoing
from calls.telephony.phone_call import PhoneCall, Stage
from calls.telephony.switchboard import Switchboard
from errors import ParleyError

log = logging.getLogger(__name__)

TOKEN: Final = "token"
"""The parameter of a media socket that shows which call it is of."""
ANNOUNCED_WITHIN_S: Final = 5.0
MOST_BEFORE_START: Final = 5
MOST_DIGITS: Final = 64


class MediaSockets:
    """Conducts calls in ``language``, unless they ask for another, by an assistant called ``name``."""

    def __init__(self, board: Switchboard, guests: GuestCalls, pacer: Pacer, bus: events.EventBus, *, language: str, name: str) -> None:
        self._board = board
        self._guests = guests
        self._pacer = pacer
        self._bus = bus
        self._language = language
        self._name = name

    async def serve(self, socket: MediaSocket) -> None:
        """Conduct the call whose media socket this is, to its end. A socket that shows no call, or one shown before, is closed."""
        ongoing = None
        try:
            stream = await self._announced(socket)
            ongoing = await self._admitted(stream) if stream else None
            if stream and ongoing:
                await self._converse(ongoing, stream, socket)
        finally:
            await socket.close()
            if ongoing is not None:
                self._board.end(ongoing, Stage.COMPLETED, None)

    async def _announced(self, socket: MediaSocket) -> Started | None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(ANNOUNCED_WITHIN_S):
                for _ in range(MOST_BEFORE_START):
                    if (text := await socket.receive()) is None:
                        break
                    if isinstance(message := TWILIO.read(text), Started):
                        return message
        log.warning("a media socket has not told which call it is of, and was closed")
        return None

    async def _admitted(self, stream: Started) -> Ongoing | None:
        ongoing = self._board.book.of_token(stream.parameters.get(TOKEN, ""))
        if ongoing is None:
            log.warning("a media socket shows no token of a call, and was closed")
            return None
        if ongoing.used or await self._board.book.of_carrier(stream.call_id) is not ongoing or ongoing.used:
            log.warning("a media socket shows a token that was used before, or is of another call, and was closed")
            return None
        ongoing.used = True
        return ongoing

    async def _converse(self, ongoing: Ongoing, stream: Started, socket: MediaSocket) -> None:
        call = ongoing.call
        call.answered_at = call.answered_at or self._board.now()
        peer = Participant(_speaker_id(call.number), f"telephone {call.shown}")
        line = PhoneLine(socket, TWILIO, stream, peer, self._pacer, lambda digit: self._pressed(call, digit))
        try:
            guest = await self._guests.open(line, self._guest_wishes(call))
        except ParleyError as refusal:
            log.warning("a telephone call could not be conducted: %s", refusal)
            self._board.end(ongoing, Stage.FAILED, refusal if isinstance(refusal, CallError) else errors.of(failures.NO_SOUND))
            return
        if call.over:
            guest.hang_up()
        else:
            self._talks(ongoing, guest)
        insisting = Insisting(guest, notice.that_an_ai_speaks(self._language_of(call), self._name), self._bus)
        try:
            how = await asyncio.shield(guest.over)
        finally:
            insisting.stop()
            guest.hang_up()
        self._board.end(ongoing, Stage.COMPLETED, None, tell_carrier=how.end is not End.HUNG_UP)

    def _talks(self, ongoing: Ongoing, guest: GuestCall) -> None:
        ongoing.call.guest = guest
        self._board.to(ongoing.call, Stage.TALKING)
        ongoing.connected.set_result(None)
        if ongoing.guard is not None:
            ongoing.guard.cancel()

    def _guest_wishes(self, call: PhoneCall) -> GuestWishes:
        wishes, language, name = call.wishes, self._language_of(call), self._name
        outgoing = call.direction is Direction.OUTGOING
        return GuestWishes(
            door=Door.PHONE,
            title=f"telephone {call.shown}",
            chat_id=wishes.chat_id,
            language=wishes.language,
            opening=notice.to_the_called(language, name, wishes.opening) if outgoing else notice.to_a_caller(language, name),
            purpose=notice.purpose(wishes.purpose) if outgoing else notice.PURPOSE_OF_CALLER,
            longest_s=self._board.longest_s(wishes),
        )

    def _pressed(self, call: PhoneCall, digit: str) -> None:
        call.digits = (call.digits + digit)[-MOST_DIGITS:]
        if call.guest is not None:
            self._bus.publish(events.KeyPressed(chat_id=call.guest.chat_id, at_s=asyncio.get_running_loop().time(), key=digit))

    def _language_of(self, call: PhoneCall) -> str:
        return call.wishes.language or self._language


def _speaker_id(number: str) -> int:
    """The same for the same number, and no id of Telegram."""
    return GUEST_IDS_BELOW - 1 - int.from_bytes(hashlib.sha256(number.encode()).digest()[:7])
