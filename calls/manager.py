"""One call per chat: who is in a call, joining, leaving, speaking into it, and nothing left behind."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Final

from calls import ending, errors, events
from calls.admission import Admission
from calls.call import Call, at_once
from calls.desires import DesiredStore, MemoryDesires, WantedCall
from calls.drafting import Engines
from calls.ending import End
from calls.errors import CallError
from calls.gate_keeper import GateKeeper, LookUp, OnWait, silently
from calls.gates import NO_JOIN_LIMITS, Gates
from calls.history import History
from calls.lines import Line
from calls.manners import Manners
from calls.occasions import USUAL, Occasion, occasion_left
from calls.reconciler import Outlook, Reconciler
from calls.speculation import Speculation
from calls.state import CallState
from errors import LineError

log = logging.getLogger(__name__)

NewLine = Callable[[int, str], Line]
"""Makes a fresh line to the voice chat of (chat id, title)."""
MannersFor = Callable[[int], Awaitable[Manners]]

FAREWELL_WITHIN_S: Final = 4.5
"""What a sentence that is being said, and a good-bye, may take when the program stops."""
LEAVING_WITHIN_S: Final = 3.0
"""What Telegram may take then to let us go."""
STAYS_AWAY: Final = frozenset({End.TAKEN_OVER, End.TOO_LONG})
"""Calls that ended so are not joined again unasked in the same voice chat."""


class CallManager:
    """Holds every call of the process; an async context manager that leaves all of them at its end and still wants them then.

    ``history_of`` gives the conversation so far of a chat, ``until_reachable`` returns when Telegram can be reached.
    """

    def __init__(
        self,
        new_line: NewLine,
        engines: Engines,
        manners_for: MannersFor,
        bus: events.EventBus,
        admission: Admission,
        store: DesiredStore | None = None,
        *,
        gates: Gates | None = None,
        history_of: Callable[[int], History | None] = lambda _chat_id: None,
        until_reachable: Callable[[], Awaitable[None]] = at_once,
        wall_clock: Callable[[], float] = time.time,
    ) -> None:
        self.known_voice_chat: Callable[[int], int | None] = lambda _chat_id: None
        """The voice chat that is known to run in a chat though Parley is not in it."""
        self._new_line = new_line
        self._engines = engines
        self._manners_for = manners_for
        self._bus = bus
        self._admission = admission
        self._store = store if store is not None else MemoryDesires()
        self._gates = gates if gates is not None else Gates(asyncio.get_running_loop().time, NO_JOIN_LIMITS)
        self._gate_keeper = GateKeeper(self._gates)
        self._history_of = history_of
        self._until_reachable = until_reachable
        self._wall_clock = wall_clock
        self._reconciler = Reconciler(
            self._open, self._store, bus, stop_account=self._gates.stop, until_reachable=until_reachable, wall_clock=wall_clock
        )
        self._joining: dict[int, asyncio.Task[None]] = {}
        self._calls: dict[int, Call] = {}
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self._last: dict[int, CallState] = {}
        self._reconciling: asyncio.Task[None] | None = None
        self._stops = False

    async def __aenter__(self) -> CallManager:
        self._reconciling = asyncio.create_task(self._reconciler.run(), name="reconciler")
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        self._stops = True
        if self._reconciling is not None:
            self._reconciling.cancel()
            await asyncio.wait({self._reconciling})
        async with asyncio.TaskGroup() as group:
            for chat_id in {*self._joining, *self._tasks}:
                group.create_task(self._end(chat_id))

    def look_first_with(self, look_up: LookUp) -> None:
        """Before a join waits for its turn, ``look_up`` tells whether there is anything to join."""
        self._gate_keeper.look_up = look_up

    # ---- what people ask

    async def join(
        self,
        chat_id: int,
        title: str,
        requested_by: int,
        auto: bool = False,
        *,
        on_wait: OnWait = silently,
        occasion: Occasion = USUAL,
    ) -> None:
        """Join the chat's voice chat; returns when Parley is in it. It is wanted from then on until somebody sends Parley away, or it ends.

        ``on_wait`` is told for how many seconds the join has to wait, if it has to, so as not to come too soon after another.

        :raises errors.LineError: it could not be joined, Parley is in it already, or there are too many calls; the text is for the chat.
            A scheduled voice chat is joined later by itself.
        """
        if chat_id in self._joining:
            await self._share(self._joining[chat_id])
            if occasion is not USUAL:
                await self.take_up(chat_id, occasion)
            return
        self._refuse(chat_id)
        wanted = occasion.kept(WantedCall(chat_id, title, requested_by, auto, self._wall_clock()))
        task = self._joining[chat_id] = asyncio.create_task(self._join(wanted, on_wait, occasion), name=f"joining {chat_id}")
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError:
            if task.cancelled():
                raise errors.of(errors.BROKEN_OFF) from None
            await self.leave(chat_id, by_hand=False)
            raise
        finally:
            self._joining.pop(chat_id, None)

    @staticmethod
    async def _share(joining: asyncio.Task[None]) -> None:
        """Wait for a join that somebody else has asked for; what becomes of it becomes of this one."""
        try:
            await asyncio.shield(joining)
        except asyncio.CancelledError:
            if joining.cancelled():
                raise errors.of(errors.BROKEN_OFF) from None
            raise

    def _refuse(self, chat_id: int) -> None:
        if self._gates.stopped:
            raise self._gates.stopped
        if self._stops:
            raise errors.of(errors.BROKEN_OFF)
        if (call := self._calls.get(chat_id)) and call.joined:
            raise CallError("I am already in this call.", "Send /leavecall to make me leave.", key="call_error.already_in")
        if chat_id not in self._calls and (refusal := self._admission.refusal(len(self._calls))):
            raise refusal

    async def _join(self, wanted: WantedCall, on_wait: OnWait, occasion: Occasion) -> None:
        chat_id, auto = wanted.chat_id, wanted.auto_joined
        self._gate_keeper.wait_s(chat_id, auto=auto)
        await self._reconciler.want(wanted)
        if not auto:
            await self._store.disable(chat_id, "")
        try:
            await self._gate_keeper.admit(chat_id, on_wait, auto=auto)
            await self._open_first(wanted, occasion)
        except LineError as error:
            await self._reconciler.not_joined(chat_id, error)
            raise
        await self._reconciler.joined(chat_id)

    async def _open_first(self, wanted: WantedCall, occasion: Occasion) -> None:
        try:
            await self._open(wanted, occasion)
        except LineError as error:
            self._gate_keeper.failed(wanted.chat_id, error, auto=wanted.auto_joined)
            raise

    async def leave(self, chat_id: int, by_hand: bool = True) -> bool:
        """Leave the chat's call, or break off joining it; false when there is nothing to leave. Returns when everything of it is gone.

        ``by_hand``: somebody asked for it, so this voice chat is not joined again unasked.
        """
        was_there = chat_id in self._joining or chat_id in self._tasks
        voice_chat_id = self._voice_chat_id(chat_id)
        was_wanted = await self._reconciler.unwant(chat_id)
        await self._end(chat_id)
        if by_hand and voice_chat_id is not None:
            await self._store.left_by_hand(chat_id, voice_chat_id, self._wall_clock())
        return was_there or was_wanted

    def _voice_chat_id(self, chat_id: int) -> int | None:
        call = self._calls.get(chat_id)
        return (call.voice_chat_id if call else None) or self.known_voice_chat(chat_id)

    async def speak(self, chat_id: int, text: str, language: str | None = None, *, first: bool = False) -> bool:
        """Say something in the chat's call; returns when it was said: whether anything of it was heard.

        ``language`` is that of the text, where it is not the chat's; ``first``: before everything that waits to be answered.
        """
        call = self._calls.get(chat_id)
        if call is None or not call.joined:
            log.warning("⚠️ Cannot stream TTS: not in voice chat", extra={"chat_id": chat_id})
            return False
        if heard := await call.speak(text, language, first=first):
            log.info("✅ TTS audio streamed to call in chat %s", chat_id)
        else:
            log.warning("❌ Failed to stream TTS to call in chat %s: nothing of it was heard", chat_id)
        return heard

    async def manners_changed(self, chat_id: int) -> None:
        """Something was set for the chat: a call there is conducted accordingly from its next turn on."""
        if call := self._calls.get(chat_id):
            wanted = self._reconciler.call(chat_id)
            call.change_manners(self._left(wanted).applied(await self._manners_for(chat_id)))

    async def take_up(self, chat_id: int, occasion: Occasion) -> None:
        """The call that Parley is in goes on with this purpose, after its opening sentence; it may last as long as before."""
        await self._reconciler.take_up(chat_id, occasion.purpose)
        await self.manners_changed(chat_id)
        if occasion.opening:
            await self.speak(chat_id, occasion.opening)

    def _left(self, wanted: WantedCall | None) -> Occasion:
        return occasion_left(wanted, self._wall_clock()) if wanted else USUAL

    # ---- calls come and go

    async def _open(self, wanted: WantedCall, occasion: Occasion | None = None) -> None:
        """``occasion`` is that of a call that begins; the others go on."""
        chat_id, title = wanted.chat_id, wanted.title
        manners = (occasion or self._left(wanted)).applied(await self._manners_for(chat_id))
        if there := self._calls.get(chat_id):
            await asyncio.shield(there.opened)
            there.change_manners(manners)
            return
        if refusal := self._admission.refusal(len(self._calls)):
            raise refusal
        call = self._calls[chat_id] = Call(
            chat_id,
            title,
            lambda: self._new_line(chat_id, title),
            self._engines,
            manners,
            self._bus,
            auto_joined=wanted.auto_joined,
            history=self._history_of(chat_id),
            until_reachable=self._until_reachable,
        )
        task = self._tasks[chat_id] = asyncio.create_task(call.run(), name=f"call {chat_id}")
        task.add_done_callback(lambda task: self._ended(chat_id, call, task))
        try:
            await asyncio.shield(call.opened)
        except asyncio.CancelledError:
            await self._end_call(chat_id)
            raise
        if self._calls.get(chat_id) is not call:
            raise call.ending.error or errors.of(errors.CONNECTION_LOST)

    def _ended(self, chat_id: int, call: Call, task: asyncio.Task[None]) -> None:
        self._last[chat_id] = call.state.when_over()
        if not task.cancelled() and (bug := task.exception()) is not None:
            log.error("a call failed inside", exc_info=bug, extra={"chat_id": chat_id})
            call.ending = ending.failed(errors.of(errors.UNKNOWN))
        if self._calls.get(chat_id) is call:
            del self._calls[chat_id]
            del self._tasks[chat_id]
        if not self._stops and call.ending.end is not End.SENT_AWAY:
            if call.ending.end in STAYS_AWAY and call.voice_chat_id is not None:
                self._stay_away(chat_id, call.voice_chat_id)
            self._reconciler.ended(chat_id, call.ending)

    def _stay_away(self, chat_id: int, voice_chat_id: int) -> None:
        self._reconciler.spawn(self._store.left_by_hand(chat_id, voice_chat_id, self._wall_clock()))

    async def _end(self, chat_id: int) -> None:
        joining = self._joining.get(chat_id)
        if joining is not None and joining is not asyncio.current_task():
            joining.cancel()
            await asyncio.wait({joining})
        await self._end_call(chat_id)

    async def _end_call(self, chat_id: int) -> None:
        if (task := self._tasks.get(chat_id)) is not None:
            task.cancel()
            await asyncio.wait({task})

    async def drain(self, within_s: float = FAREWELL_WITHIN_S) -> None:
        """Join nothing more, let each call finish its sentence and say good-bye, and leave; all of them stay wanted."""
        self._stops = True
        if self._reconciling is not None:
            self._reconciling.cancel()
        async with asyncio.TaskGroup() as group:
            for chat_id, call in self._calls.items():
                group.create_task(self._take_leave(call, self._tasks[chat_id], within_s))

    async def _take_leave(self, call: Call, task: asyncio.Task[None], within_s: float) -> None:
        await call.say_good_bye(within_s)
        call.end(ending.SENT_AWAY)
        await asyncio.wait({task}, timeout=LEAVING_WITHIN_S)

    # ---- what is known

    def call(self, chat_id: int) -> Call | None:
        """The chat's call, if Parley is in one."""
        call = self._calls.get(chat_id)
        return call if call and call.joined else None

    def state(self, chat_id: int) -> CallState:
        """What is known of the chat's call, or of the last one there was."""
        call = self._calls.get(chat_id)
        return call.state if call else self._last.get(chat_id, CallState())

    def outlook(self, chat_id: int) -> Outlook | None:
        """Of a call that is wanted though Parley is not in it just now."""
        return self._reconciler.outlook(chat_id)

    def look(self, chat_id: int) -> None:
        """A voice chat has changed: one that was waited for may have begun."""
        self._reconciler.look(chat_id)

    @property
    def active(self) -> tuple[int, ...]:
        """The chats with a call just now."""
        return tuple(self._calls)

    @property
    def wanted(self) -> tuple[int, ...]:
        """The chats whose call is wanted, whether Parley is in it or not."""
        return self._reconciler.wanted

    @property
    def speculation(self) -> Speculation:
        """How much was worked ahead of the ends of turns, over all calls."""
        return self._engines.speculation
