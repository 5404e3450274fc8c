"""Joining a voice chat: look up, join, and when that fails leave, wait a little and try again, all within one time limit."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from dataclasses import dataclass
from typing import Any, Final

from telethon import TelegramClient
from telethon.errors import RPCError
from telethon.tl import functions, types

from calls import errors
from calls.errors import CallError, JoinRefused, Remedy, explain
from calls.telegram.client import TelegramAccount
from calls.telegram.engine import CallEngine, FrameSink
from calls.telegram.participants import signed
from calls.telegram.voice_chat import VoiceChat, VoiceChatKind, look_up

log = logging.getLogger(__name__)

MOST_TRIES: Final = 3
BACKOFF_S: Final = (0.5, 1.5)
"""Pauses after the first and the second failed try."""
TRY_SHARE: Final = 0.6
"""Of the whole time, one try may take this much: the native library gives a connection up after 10 s, or never tells that it connected."""
LEAVE_TIMEOUT_S: Final = 5.0


@dataclass(frozen=True, slots=True)
class Place:
    """Our place in a voice chat: the chat as requests want it, the voice chat, and our own (unsigned) sound source."""

    chat_id: int
    peer: Any
    call: types.InputGroupCall
    ssrc: int


async def join(account: TelegramAccount, engine: CallEngine, chat_id: int, sink: FrameSink, timeout_s: float) -> Place:
    """Join the voice chat that is active in ``chat_id`` (marked id); ``timeout_s`` bounds all tries together.

    :raises calls.errors.CallError: there is none, or it could not be joined. Nothing is left behind, also after a cancellation.
    """
    try:
        async with asyncio.timeout(timeout_s):
            return await _join_with_retries(account, engine, chat_id, sink, timeout_s)
    except TimeoutError:
        raise errors.of(errors.NOT_REACHED) from None


async def _join_with_retries(account: TelegramAccount, engine: CallEngine, chat_id: int, sink: FrameSink, timeout_s: float) -> Place:
    for pause_s in BACKOFF_S:
        try:
            return await _join(account, engine, chat_id, sink, timeout_s * TRY_SHARE)
        except CallError as error:
            if error.remedy is not Remedy.RETRY:
                raise
            log.warning("joining the voice chat of chat %s failed: %s Trying again in %g s", chat_id, error.what, pause_s)
        await asyncio.sleep(pause_s)
    return await _join(account, engine, chat_id, sink, timeout_s * TRY_SHARE)


async def _join(account: TelegramAccount, engine: CallEngine, chat_id: int, sink: FrameSink, timeout_s: float) -> Place:
    """One try."""
    try:
        peer = await account.input_peer(chat_id)
    except ValueError:
        raise errors.of(errors.NO_ACCESS) from None
    except Exception as error:
        raise _told(error) from error
    call: types.InputGroupCall | None = None
    try:
        async with asyncio.timeout(timeout_s):
            call = _joinable(await look_up(account.client, peer))
            return Place(chat_id, peer, call, await engine.join(chat_id, call, sink))
    except BaseException as error:
        if call is not None and not isinstance(error, RPCError | JoinRefused):
            await asyncio.shield(leave(account.client, engine, chat_id, call))
        if isinstance(error, Exception):
            raise _told(error) from error
        raise


def _joinable(voice_chat: VoiceChat) -> types.InputGroupCall:
    match voice_chat:
        case VoiceChat(VoiceChatKind.ACTIVE, call) if call is not None:
            return call
        case VoiceChat(VoiceChatKind.SCHEDULED, starts_at=starts_at) if starts_at is not None:
            when = f"{starts_at:%Y-%m-%d %H:%M} UTC"
            raise CallError(f"The voice chat is scheduled for {when} and has not started yet.", "Send /joincall when it has started.")
        case VoiceChat(VoiceChatKind.RTMP):
            raise errors.of(errors.RTMP)
        case _:
            raise errors.of(errors.NO_VOICE_CHAT)


def _told(error: Exception) -> CallError:
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
