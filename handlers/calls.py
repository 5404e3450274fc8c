"""``/joincall``, ``/leavecall``, ``/callinfo`` and ``/calls``."""

from __future__ import annotations

import math
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import Final

from calls.errors import BROKEN_OFF
from calls.state import PublicState
from errors import ParleyError
from handlers.call_info import CallInfo, one_line
from handlers.command import Authority, Command, Request, WrongArguments
from handlers.join_as import JoinAs
from handlers.services import Services
from storage import desired
from storage.errors import StorageError

FAMILY: Final = "calls"
MOST_CHATS: Final = 500
MOST_LISTED: Final = 40
AS: Final = "as"
WORTH_TELLING_S: Final = 1.5
"""A join that waits for less is answered when it is done."""


@dataclass(slots=True)
class _Asked:
    """What was asked lately in one chat about one call. ``answered_s``: a join that was asked for has come to its end then."""

    left_by_message: int = 0
    answered_s: float = float("-inf")


class CallCommands:
    """Being in calls. ``steady`` is the clock of :attr:`handlers.command.Request.received_s`.

    Several who ask for the same join share its one answer, and a ``/leavecall`` also withdraws what was asked for before it was sent.
    """

    def __init__(self, services: Services, steady: Callable[[], float] = time.monotonic) -> None:
        self._services = services
        self._manager = services.manager
        self._join_as = JoinAs(services.client, services.database)
        self._steady = steady
        self._asked: OrderedDict[tuple[int, int], _Asked] = OrderedDict()

    def commands(self) -> Iterable[Command]:
        """Their declarations."""
        command = partial(Command, family=FAMILY, authority=Authority.CALL_MANAGER, elsewhere=True)
        yield command(
            name="joincall",
            usage="/joincall [@chat] [as @channel|me]",
            example="/joincall",
            answer=self.join,
            aliases=("jc",),
            cost=5,
        )
        yield command(name="leavecall", usage="/leavecall [@chat]", answer=self.leave, aliases=("lc",), cost=2, urgent=True)
        yield command(name="callinfo", usage="/callinfo [@chat]", answer=self.info, aliases=("ci",), authority=Authority.MEMBER)
        yield Command(name="calls", family=FAMILY, authority=Authority.CALL_MANAGER, usage="/calls", answer=self.calls, in_private=True)

    async def join(self, request: Request) -> str:
        """Join the voice chat."""
        await self._choose_face(request)
        asked = self._of(request)
        if 0 < _message_id(request) < asked.left_by_message:
            raise _broken_off()
        if request.received_s <= asked.answered_s:
            return ""
        if self._manager.state(request.chat_id).state is PublicState.JOINED:
            return request.say("join.already_in")
        if not self._services.connected():
            return request.say("join.not_connected")
        try:
            await self._manager.join(request.chat_id, request.title, request.sender_id, on_wait=partial(_tell_to_wait, request))
        except ParleyError as error:
            if error.key != BROKEN_OFF.key:
                asked.answered_s = self._steady()
            raise
        asked.answered_s = self._steady()
        return request.say("join.joined")

    async def _choose_face(self, request: Request) -> None:
        words = request.arguments.split()
        if not words:
            return
        if len(words) != 2 or words[0].lower() != AS:
            raise WrongArguments
        await self._join_as.choose(request, words[1])
        if self._manager.state(request.chat_id).state is PublicState.JOINED:
            raise ParleyError("From the next call on.", key="join.as_later")

    async def leave(self, request: Request) -> str:
        """Leave the voice chat, or break off joining it."""
        if request.arguments:
            raise WrongArguments
        asked = self._of(request)
        asked.left_by_message, asked.answered_s = max(asked.left_by_message, _message_id(request)), float("-inf")
        return request.say("join.left" if await self._manager.leave(request.chat_id) else "join.not_in")

    def _of(self, request: Request) -> _Asked:
        """What was asked in the chat the command was given in about the chat it means."""
        key = (request.message.chat_id if request.message else request.chat_id, request.chat_id)
        asked = self._asked.setdefault(key, _Asked())
        self._asked.move_to_end(key)
        if len(self._asked) > MOST_CHATS:
            self._asked.popitem(last=False)
        return asked

    async def info(self, request: Request) -> str:
        """How the call is going."""
        manager, services = self._manager, self._services
        return str(
            CallInfo(
                state=manager.state(request.chat_id),
                connected=services.connected(),
                framework=services.framework,
                now_s=services.clock(),
                outlook=manager.outlook(request.chat_id),
                speculation=manager.speculation,
                in_full=request.authority >= Authority.CALL_MANAGER,
                language=request.language,
            )
        )

    async def calls(self, request: Request) -> str:
        """Every call, in private to those who command everywhere; in a group its own call alone."""
        chat_ids = list(dict.fromkeys([*self._manager.active, *self._manager.wanted]))
        shown = chat_ids if request.is_private else [chat_id for chat_id in chat_ids if chat_id == request.chat_id]
        titles = await self._titles()
        lines = [self._listed(request, chat_id, titles.get(chat_id) or str(chat_id)) for chat_id in shown[:MOST_LISTED]]
        others = len(chat_ids) - len(lines)
        if request.authority >= Authority.SUDO and others:
            lines.append(request.say("calls.others" if not request.is_private else "calls.more", count=others))
        return "\n".join([request.say("calls.title"), *lines]) if lines else request.say("calls.none")

    async def _titles(self) -> dict[int, str]:
        try:
            return {call.chat_id: call.title for call in await desired.wanted(self._services.database)}
        except StorageError:
            return {}

    def _listed(self, request: Request, chat_id: int, title: str) -> str:
        manager = self._manager
        return one_line(title, manager.state(chat_id), manager.outlook(chat_id), self._services.clock(), request.language)


async def _tell_to_wait(request: Request, wait_s: float) -> None:
    if wait_s >= WORTH_TELLING_S:
        await request.tell(request.say("join.waits", seconds=math.ceil(wait_s)))


def _message_id(request: Request) -> int:
    return int(request.message.id) if request.message else 0


def _broken_off() -> ParleyError:
    return ParleyError(BROKEN_OFF.what, BROKEN_OFF.next_step, key=BROKEN_OFF.key)
