"""Joining a voice chat: look up, join, and when that fails leave, wait a little and try again, all within one time limit."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any, Final

from telethon import TelegramClient
from telethon.errors import RPCError
from telethon.tl import functions, types

from calls import errors
from calls.errors import FLOODS, CallError, JoinRefused, Remedy, explain
from calls.gates import FULL_CHAT, JOIN_CALL
from calls.telegram.client import TelegramAccount
from calls.telegram.engine import CallEngine, FrameSink
from calls.telegram.participants import signed
from calls.telegram.voice_chat import VoiceChat, VoiceChatKind, look_up

log = logging.getLogger(__name__)

BACKOFF_S: Final = (0.5, 1.5)
"""Pauses after the first and the second failed try."""
RETRIES: Final = {Remedy.RETRY: 2, Remedy.RETRY_ONCE: 1}
TRY_SHARE: Final = 0.6
"""Of the whole time, one try may take this much: the native library gives a connection up after 10 s, or never tells that it connected."""
LEAVE_TIMEOUT_S: Final = 5.0


@dataclass(frozen=True, slots=True)
class Face:
    """As whom we appear: the account itself, or a channel of ours. ``peer`` is for requests, ``id`` is marked."""

    id: int
    peer: Any = field(default_factory=types.InputPeerSelf)


@dataclass(frozen=True, slots=True)
class Place:
    """Our place in a voice chat: the chat as requests want it, the voice chat, our own (unsigned) sound source, and as whom we appear."""

    chat_id: int
    peer: Any
    call: types.InputGroupCall
    ssrc: int
    face: Face


@dataclass(slots=True)
class TimeLimit:
    """What is left of the time for a join. Waiting at our own gates does not count."""

    left_s: float

    @contextlib.asynccontextmanager
    async def within(self, most_s: float) -> AsyncIterator[None]:
        """Bound a piece of the work.

        :raises TimeoutError: it took too long.
        """
        clock = asyncio.get_running_loop().time
        began_s = clock()
        try:
            async with asyncio.timeout(min(most_s, self.left_s)):
                yield
        finally:
            self.left_s = max(0.0, self.left_s - (clock() - began_s))


async def join(
    account: TelegramAccount, engine: CallEngine, chat_id: int, sink: FrameSink, timeout_s: float, join_as: int | None = None
) -> Place:
    """Join the voice chat that is active in ``chat_id`` (marked id); ``timeout_s`` bounds all tries together.

    ``join_as`` is the channel (marked id) in whose name; ``None``: in the account's own.

    :raises calls.errors.CallError: there is none, or it could not be joined. Nothing is left behind, also after a cancellation.
    """
    limit = TimeLimit(timeout_s)
    face = await _face(account, join_as)
    for tries, pause_s in enumerate((*BACKOFF_S, None), start=1):
        try:
            return await _join(account, engine, chat_id, sink, face, limit, timeout_s * TRY_SHARE)
        except CallError as error:
            if pause_s is None or tries > RETRIES.get(error.remedy, 0) or limit.left_s <= pause_s:
                raise
            log.warning("joining the voice chat of chat %s failed: %s Trying again in %g s", chat_id, error.what, pause_s)
            async with limit.within(pause_s + 1.0):
                await asyncio.sleep(pause_s)
    raise errors.of(errors.NOT_REACHED)


async def _face(account: TelegramAccount, join_as: int | None) -> Face:
    if join_as is None:
        return Face(account.id)
    try:
        return Face(join_as, await account.input_peer(join_as))
    except ValueError:
        raise errors.of(errors.NOT_AS_CHANNEL) from None
    except (RPCError, ConnectionError) as error:
        raise _told(account, FULL_CHAT, error) from error


async def _join(
    account: TelegramAccount, engine: CallEngine, chat_id: int, sink: FrameSink, face: Face, limit: TimeLimit, most_s: float
) -> Place:
    """One try."""
    peer, call = await _found(account, chat_id, limit, most_s)
    await account.gates.admit(JOIN_CALL)
    try:
        async with limit.within(most_s):
            return Place(chat_id, peer, call, await engine.join(chat_id, call, sink, face.peer), face)
    except BaseException as error:
        if not isinstance(error, RPCError | JoinRefused):
            await asyncio.shield(leave(account.client, engine, chat_id, call))
        if isinstance(error, Exception):
            raise _told(account, JOIN_CALL, error) from error
        raise


async def _found(account: TelegramAccount, chat_id: int, limit: TimeLimit, most_s: float) -> tuple[Any, types.InputGroupCall]:
    """The chat as requests want it, and the voice chat to join."""
    await account.gates.admit(FULL_CHAT)
    try:
        async with limit.within(most_s):
            peer = await account.input_peer(chat_id)
            return peer, _joinable(await look_up(account.client, peer))
    except ValueError:
        raise errors.of(errors.NO_ACCESS) from None
    except Exception as error:
        raise _told(account, FULL_CHAT, error) from error


def _joinable(voice_chat: VoiceChat) -> types.InputGroupCall:
    match voice_chat:
        case VoiceChat(VoiceChatKind.ACTIVE, call) if call is not None:
            return call
        case VoiceChat(VoiceChatKind.SCHEDULED, starts_at=starts_at) if starts_at is not None:
            raise errors.scheduled(starts_at)
        case VoiceChat(VoiceChatKind.RTMP):
            raise errors.of(errors.RTMP)
        case _:
            raise errors.of(errors.NO_VOICE_CHAT)


def _told(account: TelegramAccount, method: str, error: Exception) -> CallError:
    if isinstance(error, FLOODS):
        account.gates.close(method, error.seconds)
    account.note_dead(error)
    told = explain(error)
    if told.what == errors.UNKNOWN.what:
        log.error("joining failed", exc_info=error)
    return told


async def leave(client: TelegramClient, engine: CallEngine, chat_id: int, call: types.InputGroupCall, ssrc: int = 0) -> None:
    """Leave, whatever state the call is in. Telegram is told so even when the library has lost the call."""
    with contextlib.suppress(TimeoutError, ConnectionError, RPCError):
        async with asyncio.timeout(LEAVE_TIMEOUT_S):
            if not await engine.leave(chat_id):
                await client(functions.phone.LeaveGroupCallRequest(call, source=signed(ssrc)))
