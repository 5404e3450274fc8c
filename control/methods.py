"""The methods about Parley itself and its calls in groups."""

from __future__ import annotations

import math
from collections.abc import Iterator
from enum import StrEnum
from typing import Annotated, Final

from pydantic import Field

from brain.speakable import MAX_REPLY_CHARS
from calls.errors import BROKEN_OFF
from calls.state import CallState, PublicState
from control.events import NOTIFICATIONS
from control.jsonrpc import Caller, Method, Params, Result
from control.rpc_errors import Code, RpcError
from control.services import ControlServices
from errors import ParleyError
from storage import desired, transcripts
from storage.errors import StorageError
from version import VERSION

SERVICE: Final = "telegram-voicechat"
MOST_LINES: Final = 500
ChatId = Annotated[int, Field(ge=-(2**63), lt=2**63, description="The id of the chat, such as -1001234567890.")]


class NoParams(Params):
    """Takes none."""


class OfChat(Params):
    """Which chat."""

    chat_id: ChatId


class Status(Result):
    """How Parley is."""

    service: str = SERVICE
    version: str = VERSION
    running: bool
    active_sessions: list[int] = Field(description="The chats with a call just now.")
    pyrogram: bool = Field(description="The same as telethon, under the name that older clients ask for.")
    pytgcalls: bool
    telethon: bool = Field(description="There is a connection to Telegram.")
    account_id: int
    wanted_sessions: list[int] = Field(description="The chats whose call is wanted, whether Parley is in it or not.")
    private_calls: int
    framework: str
    hearing: str
    voice: str
    uptime_s: float


class Join(OfChat):
    """Which chat's voice chat, and what to call it in logs and lists."""

    title: str | None = Field(None, max_length=256, description="What to call the chat; asked of Telegram when it is left out.")


class Joined(Result):
    """Parley is in the call."""

    chat_id: int
    title: str
    joined: bool = True


class Left(Result):
    """Parley is in no call there any more."""

    chat_id: int
    left: bool = True


class Priority(StrEnum):
    """When something is said."""

    NORMAL = "normal"
    """After everything that was asked before."""
    HIGH = "high"
    """When what is being said now is over, before everything that waits."""


class Speak(OfChat):
    """What to say."""

    text: str = Field(min_length=1, max_length=MAX_REPLY_CHARS, pattern=r"\S")
    language: str | None = Field(
        None, pattern=r"^[a-z]{2}$", description="The language of the text, such as ca; the language of the chat when it is left out."
    )
    priority: Annotated[Priority, Field(strict=False)] = Priority.NORMAL


class Spoken(Result):
    """What became of it; ``spoken`` is false when nothing of it was heard: it was cut off, or Parley may not speak there."""

    chat_id: int
    spoken: bool


class ListedCall(Result):
    """A call that is there, or wanted. Times are seconds since the epoch."""

    chat_id: int
    kind: str = Field(description="group or private")
    title: str
    state: str = Field(description="idle, joined or left; of private calls ringing, calling or connected.")
    phase: str | None = None
    participants: list[str] = Field(default_factory=list)
    since: float | None = None
    turns: int = 0
    errors: int = 0
    next_try_at: float | None = Field(None, description="When a call that is wanted and not there is tried next.")
    why: str | None = Field(None, description="What went wrong last in such a call.")


class CallList(Result):
    """Every call."""

    calls: list[ListedCall]


class TranscriptOf(OfChat):
    """Which transcript, and how much of it."""

    limit: int = Field(100, ge=1, le=MOST_LINES, description="The newest so many lines.")


class TranscriptLine(Result):
    """What somebody said, and what of the answer was heard (null: it was not answered)."""

    at: float
    speaker: str
    speaker_id: int
    heard: str
    reply_heard: str | None


class Transcript(Result):
    """Oldest first."""

    chat_id: int
    lines: list[TranscriptLine]


class Subscribe(Params):
    """What to be told; what is left out or null means everything."""

    types: list[str] | None = Field(None, max_length=len(NOTIFICATIONS), description=f"Of: {', '.join(NOTIFICATIONS)}.")
    chat_ids: list[ChatId] | None = Field(None, max_length=1_000)


class Subscribed(Result):
    """What is told from now on."""

    types: list[str]
    chat_ids: list[int] | None


class ServiceMethods:
    """``status``, ``join``, ``leave``, ``speak``, ``calls.list``, ``transcript.get`` and ``events.subscribe``."""

    def __init__(self, services: ControlServices) -> None:
        self._services = services
        self._began_at = services.clock()

    def methods(self) -> Iterator[Method]:
        """Their declarations."""
        yield Method(name="status", params=NoParams, result=Status, answer=self.status, summary="How Parley is, and which calls it is in.")
        yield Method(
            name="join",
            params=Join,
            result=Joined,
            answer=self.join,
            summary="Join the voice chat of a group or channel; answered when Parley is in it.",
            errors=(
                *(Code.NO_ACTIVE_CALL, Code.ALREADY_IN_CALL, Code.FORBIDDEN, Code.FLOOD_WAIT, Code.BUSY, Code.TIMED_OUT, Code.DRAINING),
            ),
            in_order=True,
        )
        yield Method(
            name="leave",
            params=OfChat,
            result=Left,
            answer=self.leave,
            summary="Leave a call at once, or break off joining it, also while something is being said.",
            errors=(Code.NOT_IN_CALL,),
        )
        yield Method(
            name="speak",
            params=Speak,
            result=Spoken,
            answer=self.speak,
            summary="Say a text in a call; answered when it was said.",
            errors=(Code.NOT_IN_CALL,),
            in_order=True,
        )
        yield Method(name="calls.list", params=NoParams, result=CallList, answer=self.calls, summary="Every call there is, or should be.")
        yield Method(
            name="transcript.get",
            params=TranscriptOf,
            result=Transcript,
            answer=self.transcript,
            summary="What was said in a chat's calls, as far as it is kept (TRANSCRIPT_DAYS).",
        )
        yield Method(
            name="events.subscribe",
            params=Subscribe,
            result=Subscribed,
            answer=self.subscribe,
            summary="Choose what this connection is told; without it, everything. Each call replaces the one before.",
        )

    async def status(self, _params: NoParams, _caller: Caller) -> Status:
        """How Parley is."""
        services = self._services
        online = services.connected()
        return Status(
            running=not services.draining(),
            active_sessions=list(services.calls.active),
            pyrogram=online,
            pytgcalls=True,
            telethon=online,
            account_id=services.account_id,
            wanted_sessions=list(services.calls.wanted),
            private_calls=len(services.private_calls.calls) if services.private_calls else 0,
            framework=services.framework,
            hearing=services.hearing_name,
            voice=services.voice_name,
            uptime_s=round(services.clock() - self._began_at, 1),
        )

    async def join(self, params: Join, _caller: Caller) -> Joined:
        """Join."""
        services = self._services
        if services.draining():
            raise RpcError(Code.DRAINING, "Parley is about to end.")
        title = params.title or await services.title_of(params.chat_id)
        try:
            await services.calls.join(params.chat_id, title, services.account_id)
        except ParleyError as error:
            if error.key == BROKEN_OFF.key and services.draining():
                raise RpcError(Code.DRAINING, "Parley is about to end.") from None
            raise
        return Joined(chat_id=params.chat_id, title=title)

    async def leave(self, params: OfChat, _caller: Caller) -> Left:
        """Leave."""
        if not await self._services.calls.leave(params.chat_id):
            raise _not_in_call(params.chat_id)
        return Left(chat_id=params.chat_id)

    async def speak(self, params: Speak, _caller: Caller) -> Spoken:
        """Say it."""
        calls, private_calls = self._services.calls, self._services.private_calls
        first = params.priority is Priority.HIGH
        if private_calls and any(call.user_id == params.chat_id for call in private_calls.calls):
            heard = await private_calls.speak(params.chat_id, params.text, params.language, first=first)
        elif calls.state(params.chat_id).state is PublicState.JOINED:
            heard = await calls.speak(params.chat_id, params.text, params.language, first=first)
        else:
            raise _not_in_call(params.chat_id)
        return Spoken(chat_id=params.chat_id, spoken=heard)

    async def calls(self, _params: NoParams, _caller: Caller) -> CallList:
        """Every call."""
        group_calls, private_calls = self._services.calls, self._services.private_calls
        titles = await self._titles()
        private = [
            ListedCall(chat_id=call.user_id, kind="private", title=call.name, state=call.stage.value, since=call.since)
            for call in (private_calls.calls if private_calls else ())
        ]
        chat_ids = dict.fromkeys([*group_calls.active, *group_calls.wanted])
        return CallList(calls=[*(self._listed(chat_id, titles.get(chat_id, "")) for chat_id in chat_ids), *private])

    async def _titles(self) -> dict[int, str]:
        try:
            return {call.chat_id: call.title for call in await desired.wanted(self._services.database)}
        except StorageError:
            return {}

    def _listed(self, chat_id: int, title: str) -> ListedCall:
        state: CallState = self._services.calls.state(chat_id)
        outlook = self._services.calls.outlook(chat_id)
        return ListedCall(
            chat_id=chat_id,
            kind="group",
            title=title,
            state=state.state.value,
            phase=state.phase.value if state.phase else None,
            participants=list(state.participants),
            since=state.join_time,
            turns=state.turns,
            errors=state.error_count,
            next_try_at=outlook.next_try_at if outlook and math.isfinite(outlook.next_try_at) else None,
            why=str(outlook.why) if outlook and outlook.why else None,
        )

    async def transcript(self, params: TranscriptOf, _caller: Caller) -> Transcript:
        """What was said."""
        lines = await transcripts.of_chat(self._services.database, params.chat_id, params.limit)
        told = [
            TranscriptLine(at=line.at, speaker=line.speaker, speaker_id=line.speaker_id, heard=line.heard, reply_heard=line.reply_heard)
            for line in lines
        ]
        return Transcript(chat_id=params.chat_id, lines=told)

    async def subscribe(self, params: Subscribe, caller: Caller) -> Subscribed:
        """Choose what is told."""
        if unknown := [name for name in params.types or () if name not in NOTIFICATIONS]:
            raise RpcError(Code.INVALID_PARAMS, f"There is no event {unknown[0][:64]!r}. There are: {', '.join(NOTIFICATIONS)}.")
        types = None if params.types is None else frozenset(params.types)
        chat_ids = None if params.chat_ids is None else frozenset(params.chat_ids)
        caller.subscriber.subscribe(types, chat_ids)
        return Subscribed(types=sorted(NOTIFICATIONS if types is None else types), chat_ids=None if chat_ids is None else sorted(chat_ids))


def _not_in_call(chat_id: int) -> RpcError:
    return RpcError(Code.NOT_IN_CALL, f"Parley is not in a call in chat {chat_id}. Join it first: method join.")
