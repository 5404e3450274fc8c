"""Calls from web pages: created, connected, shown as captions, come back to, ended. What carries the page's messages is not known here."""

from __future__ import annotations

import asyncio
import json
import logging
import secrets
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from types import TracebackType
from typing import Any, Final

from calls import ending
from calls.captions import Message, caption
from calls.ending import End, Ending
from calls.errors import CallError
from calls.events import CallEvent, EventBus
from calls.guest_calls import RESUME_WITHIN_S, GuestCall, GuestCalls, GuestWishes
from calls.ice import IceServers
from calls.lines.allowance import Allowance
from calls.lines.browser import BrowserLine
from calls.lines.line import Participant
from calls.lines.pacer import Pacer
from calls.unspoken import Unspoken
from errors import LineError

log = logging.getLogger(__name__)

CALLER_ID: Final = -1
"""No user of Telegram has this id."""
MOST_WAITING: Final = 100
"""Sessions created and not connected yet."""
MOST_ENDED: Final = 1_000
TEXTS_PER_S: Final = 0.5
TEXTS_AT_ONCE: Final = 10
MESSAGES_PER_S: Final = 20.0
MESSAGES_AT_ONCE: Final = 100
MOST_TYPED_EARLY: Final = 5
"""What is written before the call stands is answered when it does."""
KEPT_MESSAGES: Final = 300
"""What a page that was away can have again."""
CONNECT_WITHIN_S: Final = 60.0
NO_SERVERS: Final = IceServers()
HANGING_UP: Final = {
    ending.End.SENT_AWAY: ("Parley has hung up.", "browser.sent_away"),
    ending.End.TOO_LONG: ("The call has lasted as long as one may.", "browser.too_long"),
}
HUNG_UP: Final = ("You have hung up.", "browser.hung_up")

Send = Callable[[str], None]


@dataclass(slots=True, eq=False)
class BrowserSession:
    """One page's call. ``session_id`` is a secret of the page: with it the page comes back.

    ``holder`` is whoever was let in, as the door knows them; it is handed on to a call that goes on with this one.
    """

    session_id: str
    wishes: GuestWishes
    created_s: float
    _calls: BrowserCalls
    holder: object = None
    on_over: Callable[[], None] = lambda: None
    """Called when the session can be used no more; perhaps more than once."""
    _line: BrowserLine | None = None
    _guest: GuestCall | None = None
    _unspoken: Unspoken | None = None
    _task: asyncio.Task[None] | None = None
    _send: Send | None = None
    _unwanted: bool = False
    _sent_away: bool = False
    _texts: Allowance = field(default_factory=lambda: Allowance(TEXTS_PER_S, TEXTS_AT_ONCE))
    _messages: Allowance = field(default_factory=lambda: Allowance(MESSAGES_PER_S, MESSAGES_AT_ONCE))
    _numbered: int = 0
    _typed_early: list[str] = field(default_factory=list)
    _kept: deque[tuple[int, Message]] = field(default_factory=lambda: deque(maxlen=KEPT_MESSAGES))

    # ---- what the page wants

    def attach(self, send: Send, seen: int = 0) -> None:
        """From now on messages that cannot go by the call's own channel go to ``send``, beginning with those after number ``seen``."""
        self._send = send
        for number, message in self._kept:
            if number > seen:
                send(json.dumps({**message, "n": number, "again": True}, ensure_ascii=False))

    def detach(self, send: Send) -> None:
        """``send`` can be used no more."""
        if self._send is send:
            self._send = None

    async def offer(self, sdp: str) -> str:
        """The answer to the page's offer: of a call that begins, or of a new connection for one that goes on.

        :raises calls.lines.browser_peer.OfferRefused: it makes no sense.
        :raises errors.LineError: the call is over.
        """
        if self._line is not None:
            return await self._line.answer(sdp)
        if self._unwanted:
            raise CallError("The call is over.", key="browser.hung_up")
        line = self._line = self._calls.new_line(self)
        try:
            answer = await line.answer(sdp)
        except BaseException:
            self._line = None
            await line.close()
            raise
        self._task = asyncio.create_task(self._converse(line), name=f"browser session of {self.wishes.title}")
        return answer

    async def add_candidate(self, candidate: dict[str, Any] | None) -> None:
        """An address at which the page may be reached; ``None``: it knows no more."""
        if self._line is not None:
            await self._line.add_candidate(candidate)

    def type(self, text: str) -> None:
        """The caller writes something that is to be answered; what comes too fast is not, and the page is told."""
        if not self._texts.spend(1, self._calls.now_s()):
            self.tell({"type": "too_fast"})
            return
        if self._guest is not None and self._line is not None:
            self._guest.call.typed(self._line.caller, text)
        elif len(self._typed_early) < MOST_TYPED_EARLY:
            self._typed_early.append(text)

    def hang_up(self) -> None:
        """The caller wants no more."""
        self._unwanted = True
        if self._line is not None:
            self._line.hang_up()
        else:
            self._calls.forget(self)

    def send_away(self, reason: str, key: str) -> None:
        """End the call for good, and tell the page why."""
        self._sent_away = self._unwanted = True
        if self._line is not None:
            self._line.hang_up(reason, key)
        else:
            self.tell({"type": "ended", "end": End.HUNG_UP.value, "reason": reason, "key": key})
            self._calls.forget(self)

    def take(self, text: str) -> None:
        """A message of the page that came by the call's own channel; what makes no sense, or too much, is passed over."""
        if not self._messages.spend(1, self._calls.now_s()):
            return
        try:
            message = json.loads(text)
        except ValueError:
            return
        match message:
            case {"type": "text", "text": str(typed)}:
                self.type(typed)
            case {"type": "spoken", "n": int(number), "characters": int(characters)} if self._unspoken is not None:
                self._unspoken.spoken(number, characters)
            case {"type": "end"}:
                self.hang_up()
            case _:
                pass

    # ---- what the page is told

    @property
    def call_id(self) -> str | None:
        """That of the call, once it has begun."""
        return self._guest.call_id if self._guest is not None else None

    @property
    def resumable(self) -> bool:
        """There was a call, which may be gone on with after its end."""
        return self._guest is not None and not self._sent_away

    @property
    def over(self) -> bool:
        """The call has ended, or has not come about."""
        return self._task is not None and self._task.done()

    def tell(self, message: Message) -> None:
        """Send a message to the page: by the call's own channel, or else by what is attached; kept for a page that is away."""
        self._numbered += 1
        self._kept.append((self._numbered, message))
        text = json.dumps({**message, "n": self._numbered}, ensure_ascii=False)
        if not (self._line is not None and self._line.present and self._line.send(text)) and self._send is not None:
            self._send(text)

    def tell_clear(self) -> None:
        """What is on its way to be heard should not be heard any more."""
        if self._line is not None:
            self._line.send('{"type": "clear"}')

    def _show(self, event: CallEvent) -> None:
        if (message := caption(event)) is None:
            return
        self.tell(message)
        if self._unspoken is not None and (words := message.get("unspoken")):
            self._unspoken.leave(self._numbered, words)

    # ---- the call itself

    async def _converse(self, line: BrowserLine) -> None:
        how: Ending | None = None
        try:
            guest = self._guest = await self._calls.guests.open(line, self.wishes)
            self._unspoken = Unspoken(guest.history)
            unsubscribe = self._calls.bus.subscribe(self._show, guest.chat_id)
            try:
                self.tell({"type": "connected", "call_id": guest.call_id, "resumed": guest.resumed, "phase": _phase_of(guest)})
                for text in self._typed_early:
                    guest.call.typed(line.caller, text)
                how = await guest.over
            finally:
                unsubscribe()
        except LineError as error:
            how = ending.failed(error)
        except Exception:
            log.exception("a browser call failed inside")
            how = ending.failed(CallError("Parley failed inside.", "Try again.", key="browser.inside"))
        finally:
            await line.close()
            self._calls.ended(self, self._guest)
        self._tell_ended(how)

    def _tell_ended(self, how: Ending) -> None:
        reason, key = HANGING_UP.get(how.end) or (how.reason, how.key)
        if not reason:
            reason, key = HUNG_UP
        self.tell({"type": "ended", "end": how.end.value, "reason": reason, "key": key})


def _phase_of(guest: GuestCall) -> str:
    phase = guest.state.phase
    return phase.value if phase is not None else "listening"


class BrowserCalls:
    """All calls from web pages; an async context manager that ends them. ``clock`` is monotonic, in seconds."""

    def __init__(
        self,
        guests: GuestCalls,
        pacer: Pacer,
        bus: EventBus,
        ice: IceServers = NO_SERVERS,
        *,
        clock: Callable[[], float] = time.monotonic,
        wall_clock: Callable[[], float] = time.time,
    ) -> None:
        self.guests = guests
        self.bus = bus
        self._pacer = pacer
        self._ice = ice
        self._clock = clock
        self._wall_clock = wall_clock
        self._sessions: dict[str, BrowserSession] = {}
        self._ended: OrderedDict[str, tuple[GuestWishes, object, float]] = OrderedDict()

    async def __aenter__(self) -> BrowserCalls:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        tasks = [session._task for session in self._sessions.values() if session._task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def create_session(self, wishes: GuestWishes, holder: object = None) -> BrowserSession:
        """A call that a page may connect to within a minute.

        :raises calls.errors.CallError: there is no room, or Parley is about to end.
        """
        if (refusal := self.guests.refusal()) is not None:
            raise refusal
        self._forget_old()
        if sum(session._line is None for session in self._sessions.values()) >= MOST_WAITING:
            raise CallError("Too many pages want to call at once.", "Try again in a minute.", key="browser.too_many")
        session = BrowserSession(secrets.token_urlsafe(16), wishes, self._clock(), self, holder)
        self._sessions[session.session_id] = session
        return session

    def now_s(self) -> float:
        """The time on the clock."""
        return self._clock()

    @property
    def sessions(self) -> Sequence[BrowserSession]:
        """Those that are not over, oldest first."""
        return tuple(self._sessions.values())

    def find(self, session_id: str) -> BrowserSession | None:
        """The session of this id, if it is not over."""
        return self._sessions.get(session_id)

    def come_back(self, session_id: str) -> BrowserSession | None:
        """A new call that goes on with the conversation of one that ended within the last minute.

        :raises calls.errors.CallError: as :meth:`create_session`.
        """
        wishes, holder, ended_s = self._ended.get(session_id, (None, None, 0.0))
        if wishes is None or self._clock() - ended_s > RESUME_WITHIN_S:
            return None
        session = self.create_session(wishes, holder)
        self._ended.pop(session_id, None)
        return session

    def ice_for_page(self) -> list[dict[str, Any]]:
        """The servers that a page should try."""
        return self._ice.for_page(self._wall_clock())

    def new_line(self, session: BrowserSession) -> BrowserLine:
        """The line of a session's call."""
        caller = Participant(CALLER_ID, session.wishes.title)
        line = BrowserLine(caller, self._ice.for_us(self._wall_clock()), self._pacer)
        line.on_message = session.take
        line.on_clear = session.tell_clear
        return line

    def ended(self, session: BrowserSession, guest: GuestCall | None) -> None:
        """The call is over; for a minute it can be gone on with."""
        self.forget(session)
        if guest is None or not session.resumable:
            return
        self._ended[session.session_id] = (replace(session.wishes, session_id=guest.session_id), session.holder, self._clock())
        while len(self._ended) > MOST_ENDED:
            self._ended.popitem(last=False)

    def forget(self, session: BrowserSession) -> None:
        """It can be connected to no more."""
        self._sessions.pop(session.session_id, None)
        session.on_over()

    def _forget_old(self) -> None:
        too_old_s = self._clock() - CONNECT_WITHIN_S
        for session in list(self._sessions.values()):
            if session._line is None and session.created_s < too_old_s:
                self.forget(session)
