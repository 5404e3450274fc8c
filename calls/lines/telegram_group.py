"""The line that is a Telegram voice chat: joins an existing one, hears each person apart, and says how it ends."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any

from telethon.errors import (
    ChannelPrivateError,
    GroupcallForbiddenError,
    GroupcallInvalidError,
    GroupcallJoinMissingError,
    ParticipantJoinMissingError,
    RPCError,
)
from telethon.tl import functions, types
from telethon.utils import get_peer_id

from audio.playout import Playout
from calls.errors import FLOODS, Remedy, explain
from calls.lines.event_stream import EventStream
from calls.lines.frame_sender import FrameSender
from calls.lines.line import HearingSink, LineClosed, LineDropped, LineEvent, LineLost, LineRemoved
from calls.lines.pacer import Pacer
from calls.lines.watchdog import Ending, SoundFlow, Watchdog
from calls.telegram.attendance import Attendance, News
from calls.telegram.client import TelegramAccount
from calls.telegram.engine import CallEngine
from calls.telegram.joining import Place, join, leave
from calls.telegram.participants import Own, Roster, signed
from calls.telegram.voice_chat import VoiceChatKind, look_up

log = logging.getLogger(__name__)

JoinAs = Callable[[int], Awaitable[int | None]]
"""The channel in whose name the voice chats of a chat are joined; None: in the account's own."""
TAKEN_OVER = LineClosed("the account joined this voice chat from another device", goes_on=True)


class TelegramGroupLine:
    """One voice chat of one chat (marked id). Makes no voice chat: there must be one.

    ``join_timeout_s`` bounds the whole of :meth:`open`, all tries together; ``join_as`` tells the channel in whose name this chat's voice
    chats are joined, if any.
    """

    def __init__(
        self,
        account: TelegramAccount,
        engine: CallEngine,
        pacer: Pacer,
        chat_id: int,
        title: str = "",
        join_timeout_s: float = 20.0,
        join_as: JoinAs | None = None,
    ) -> None:
        self._account = account
        self._engine = engine
        self._pacer = pacer
        self._chat_id = chat_id
        self._title = title
        self._join_timeout_s = join_timeout_s
        self._join_as = join_as
        self._events = EventStream()
        self._sender = FrameSender(lambda frame: engine.send(chat_id, frame))
        self._watchdog = Watchdog(self._is_held, self._is_listed, self._why_over)
        self._flow = SoundFlow()
        self._place: Place | None = None
        self._attendance: Attendance | None = None
        self._playout: Playout | None = None
        self._taken_over = False
        self._closed_by_somebody = False
        self._unlisten: list[Callable[[], None]] = []
        self._runner: asyncio.Task[None] | None = None

    @property
    def description(self) -> str:
        """For people."""
        return f'voice chat of "{self._title}"' if self._title else f"voice chat of {self._chat_id}"

    @property
    def voice_chat_id(self) -> int | None:
        """Telegram's own id of it."""
        return self._place.call.id if self._place else None

    async def open(self, sink: HearingSink, playout: Playout) -> None:
        """Join, and from then on hear and be heard.

        :raises calls.errors.CallError: it could not be joined; nothing is left behind.
        """
        log.info("✅ pytgcalls instance created for chat %s", self._chat_id)
        self._playout = playout
        channel_id = await self._join_as(self._chat_id) if self._join_as else None
        self._place = await join(self._account, self._engine, self._chat_id, self._hear, self._join_timeout_s, channel_id)
        try:
            await self._attend(self._place, sink)
        except BaseException as error:
            await asyncio.shield(self.close())
            if isinstance(error, Exception):
                raise explain(error) from error
            raise
        self._runner = asyncio.create_task(self._run(), name=f"line of chat {self._chat_id}")
        self._pacer.add(self, self._pull)
        log.info("✅ Successfully joined voice chat in chat %s", self._chat_id)

    async def _attend(self, place: Place, sink: HearingSink) -> None:
        roster = Roster(place.face.id, place.ssrc)
        self._attendance = Attendance(self._account.client, place.call, roster, sink, self._on_change)
        self._unlisten = [self._account.updates.subscribe(self._on_update), self._account.connection.subscribe(self._on_connection_back)]
        async with asyncio.timeout(self._join_timeout_s):
            await self._attendance.begin()

    async def close(self) -> None:
        """Leave and free everything. Safe to call twice, and on a line that broke."""
        while self._unlisten:
            self._unlisten.pop()()
        self._pacer.remove(self)
        if self._runner is not None:
            self._runner.cancel()
            await asyncio.wait([self._runner])
            self._runner = None
        if self._place is not None:
            place, self._place = self._place, None
            if self._taken_over:
                await self._engine.drop(place.chat_id)
            else:
                await leave(self._account.client, self._engine, place.chat_id, place.call, place.ssrc)
            log.info("✅ Left voice chat in chat %s", self._chat_id)
        self._events.close()

    # ---- while it is open

    def events(self) -> AsyncIterator[LineEvent]:
        """What happens, in order; ends when the line is closed."""
        return self._events.read()

    def _pull(self) -> None:
        if self._playout is not None and self._sender.has_room:
            self._sender.offer(self._playout.read())

    def _hear(self, frames: Sequence[tuple[int, bytes]]) -> None:
        self._flow.came(asyncio.get_running_loop().time())
        if self._attendance is not None:
            self._attendance.hearing.take(frames)

    async def _run(self) -> None:
        """Everything that goes on while the line is open; its last event says how it ended."""
        assert self._attendance is not None
        helpers = [asyncio.create_task(self._send()), asyncio.create_task(self._attendance.run())]
        try:
            ending = await self._watchdog.run()
            log.info("the line to chat %s is over: %s", self._chat_id, ending)
            self._events.put(ending)
        finally:
            for helper in helpers:
                helper.cancel()
            await asyncio.gather(*helpers, return_exceptions=True)

    async def _send(self) -> None:
        try:
            await self._sender.run()
        except Exception as error:
            log.warning("no sound can be sent into chat %s: %r", self._chat_id, error)
            self._watchdog.suspect()

    # ---- what Telegram says

    def _on_update(self, update: Any) -> None:
        if self._place is None or self._attendance is None:
            return
        if isinstance(update, types.UpdateGroupCallParticipants):
            if getattr(update.call, "id", None) == self._place.call.id:
                self._attendance.on_update(update)
        elif isinstance(update, types.UpdateGroupCall):
            if isinstance(update.call, types.GroupCallDiscarded) and update.call.id == self._place.call.id:
                self._closed_by_somebody = True
                self._watchdog.suspect()
        elif _chat_of(update) == self._chat_id:
            self._watchdog.suspect()

    def _on_connection_back(self) -> None:
        """What has happened meanwhile was not told."""
        self._watchdog.suspect()
        if self._attendance is not None:
            self._attendance.read_again()

    def _on_change(self, change: News) -> None:
        match change:
            case Own.LEFT:
                self._watchdog.suspect()
            case Own.TAKEN_OVER:
                self._taken_over = True
                self._watchdog.suspect()
            case _:
                self._events.put(change)

    # ---- the watchdog's questions

    async def _is_held(self) -> bool:
        assert self._place is not None
        self._engine.keep(self._chat_id, self._place.call)
        if self._flow.has_stopped(asyncio.get_running_loop().time()):
            self._watchdog.suspect()
        return await self._engine.holds(self._chat_id) and await self._may_be_heard()

    async def _may_be_heard(self) -> bool:
        """Unmute ourselves where an admin lets us again and the library's own try has failed; false if we are no participant any more."""
        assert self._place is not None
        assert self._attendance is not None
        if not self._attendance.muted_by_itself:
            return True
        try:
            await self._account.client(
                functions.phone.EditGroupCallParticipantRequest(self._place.call, self._place.face.peer, muted=False)
            )
        except ParticipantJoinMissingError:
            return False
        return True

    async def _is_listed(self) -> bool:
        assert self._place is not None
        own = signed(self._place.ssrc)
        try:
            return own in await self._account.client(functions.phone.CheckGroupCallRequest(self._place.call, [own]))
        except (GroupcallJoinMissingError, GroupcallForbiddenError, GroupcallInvalidError, ChannelPrivateError):
            return False
        except RPCError as error:
            self._account.note_dead(error)
            raise

    async def _why_over(self) -> Ending | None:
        assert self._place is not None
        if self._closed_by_somebody:
            return LineClosed()
        if await self._is_listed():
            self._taken_over = False
            return None if await self._is_held() else LineLost("the call library no longer has the call")
        if self._taken_over:
            return TAKEN_OVER
        try:
            voice_chat = await look_up(self._account.client, self._place.peer)
        except FLOODS:
            return LineDropped()
        except Exception as error:
            if explain(error).remedy is Remedy.DISABLE_CHAT:
                return LineRemoved()
            raise
        return LineDropped() if voice_chat.kind is VoiceChatKind.ACTIVE else LineClosed()


def _chat_of(update: Any) -> int | None:
    """The marked id of the chat that a change of membership is about."""
    match update:
        case types.UpdateChannel(channel_id=channel_id):
            return int(get_peer_id(types.PeerChannel(channel_id)))
        case types.UpdateChat(chat_id=chat_id) | types.UpdateChatParticipantDelete(chat_id=chat_id):
            return int(get_peer_id(types.PeerChat(chat_id)))
        case types.UpdateChatParticipants(participants=participants):
            return int(get_peer_id(types.PeerChat(participants.chat_id)))
        case _:
            return None
