"""Calls for other Python programs: one coroutine for each thing that can be done, with plain answers instead of exceptions.

Inside a running Parley they act on its own account and calls. In a program of your own::

    from calls.facade import initialize_telethon_client, join_voice_chat, stream_tts_to_call, shutdown_telethon_client

    await initialize_telethon_client()
    if await join_voice_chat(-1001234567890):
        await stream_tts_to_call(-1001234567890, "Good morning.")
    await shutdown_telethon_client()

Chats are named by their marked id (``-100…`` for supergroups and channels). What goes wrong is logged with the next step, and the answer
is ``False`` or ``None``.
"""

from __future__ import annotations

import asyncio
import logging
import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO, Final

from telethon import TelegramClient
from telethon.errors import RPCError
from telethon.tl.types import DocumentAttributeAudio

from audio.decode_process import decode_untrusted
from audio.pcm import PLAYOUT_RATE_HZ
from audio.tts import Voice
from calls.call import Call
from calls.capture import captured
from calls.framework import Framework, opened
from calls.state import CallState
from config import Settings, load_settings
from errors import ParleyError

log = logging.getLogger(__name__)

LONGEST_CAPTURE_S: Final = 600
A_SOUND: Final = "a recording"
"""What the history says of a sound that was played."""
NO_FRAMEWORK: Final = "❌ Cannot join call: pytgcalls initialization failed"

_framework: Framework | None = None


def use(framework: Framework) -> Callable[[], None]:
    """Have all functions act on ``framework``; calling what is returned ends that."""
    global _framework
    _framework = framework
    return _forget


def _forget() -> None:
    global _framework
    _framework = None


# ---- the account and the call library


async def initialize_telethon_client(settings: Settings | None = None) -> TelegramClient | None:
    """The connected client of the account, or ``None``. Call it once at the start; it makes everything that calls need.

    ``settings`` are read from the environment and ``.env`` where none are given.
    """
    if _framework is None:
        try:
            use(await opened(settings or load_settings()))
        except (ParleyError, ExceptionGroup) as error:
            log.error("❌ Failed to initialize Telethon client: %s", error)
            return None
    return _framework.account.client if _framework else None


async def shutdown_telethon_client() -> None:
    """Leave all calls and disconnect. Inside a running Parley, which does that by itself, nothing happens."""
    if _framework is not None and _framework.close is not None:
        framework, close = _framework, _framework.close
        _forget()
        for chat_id in framework.manager.active:
            await framework.manager.leave(chat_id)
        await close()


async def initialize_pytgcalls(chat_id: int) -> Any | None:
    """The ``PyTgCalls`` instance that makes the calls of ``chat_id``, or ``None``: one for the whole account, always the same."""
    if _framework is None or _framework.engine is None:
        log.error("%s in chat %s", NO_FRAMEWORK, chat_id)
        return None
    return _framework.engine.library


# ---- being in calls


async def join_voice_chat(chat_id: int, auto_join: bool = False) -> bool:
    """Join the voice chat that runs in the chat, silently at first; whether Parley is in it now.

    ``auto_join``: nobody has asked for it; such joins are limited more strictly.
    """
    if await initialize_pytgcalls(chat_id) is None or _framework is None:
        return False
    if _framework.manager.call(chat_id) is not None:
        return True
    try:
        await _framework.load()
        await _framework.manager.join(chat_id, "", 0, auto=auto_join)
    except (ParleyError, ExceptionGroup) as error:
        log.error("❌ Cannot join call in chat %s: %s", chat_id, error)
        return False
    return True


async def leave_voice_chat(chat_id: int) -> bool:
    """Leave the chat's call; false when there is none. What was said has been kept before it is forgotten here."""
    return _framework is not None and await _framework.manager.leave(chat_id)


async def get_call_state(chat_id: int) -> dict[str, Any]:
    """How the chat's call stands: ``state`` (idle, joined, left), ``participants``, ``transcript`` (a deque of the last 20 lines),
    ``last_response_time``, ``error_count``, ``join_time`` and ``auto_joined``; times are seconds since the epoch or ``None``."""
    state = _framework.manager.state(chat_id) if _framework else CallState()
    return state.as_dict()


async def is_in_call(chat_id: int) -> bool:
    """Whether Parley is in the chat's voice chat."""
    return call_of(chat_id) is not None


def call_of(chat_id: int) -> Call | None:
    """The chat's call, if Parley is in it."""
    return _framework.manager.call(chat_id) if _framework else None


# ---- sound


async def stream_tts_to_call(chat_id: int, text: str, voice: str | None = None, rate: str | None = None) -> bool:
    """Say ``text`` in the chat's call when what people asked is answered; returns when it was said: whether any of it was heard.

    ``voice`` is the name of a voice of the engine, ``rate`` such as ``"+10%"`` (-50% to +100%); the chat's own where not given.
    """
    if _framework is None:
        log.warning("⚠️ Cannot stream TTS: not in voice chat", extra={"chat_id": chat_id})
        return False
    try:
        spoken = await _voice(_framework, chat_id, voice, rate)
    except ValueError as error:
        log.error("❌ Failed to stream TTS to call: %s", error, extra={"chat_id": chat_id})
        return False
    if spoken is None:
        return await _framework.manager.speak(chat_id, text)
    return await _say(_framework, chat_id, text, voice=spoken)


async def play_audio_to_call(chat_id: int, audio_path: str | Path) -> bool:
    """Play a sound file in the chat's call; returns when it was played: whether any of it was heard. Who speaks silences it.

    Only files inside the folder ``AUDIO_DIR`` are played; ``audio_path`` may be relative to it.
    """
    if _framework is None or _framework.manager.call(chat_id) is None:
        log.warning("⚠️ Cannot play audio: not in voice chat", extra={"chat_id": chat_id})
        return False
    try:
        pcm = await _decoded(_framework.settings.audio_dir, Path(audio_path))
    except (ParleyError, OSError) as error:
        log.error("❌ Cannot play audio: %s", error, extra={"chat_id": chat_id})
        return False
    return await _say(_framework, chat_id, A_SOUND, sound=pcm)


async def capture_call_audio(chat_id: int, duration: float = 5) -> bytes | None:
    """All that people say in the chat's call for ``duration`` seconds from now on, or ``None`` when Parley is not in it.

    16-bit mono PCM at 16 kHz, ready for speech-to-text. Who has opted out is not in it.
    """
    call = call_of(chat_id)
    if call is None:
        return None
    return await captured(call, min(max(duration, 0.0), LONGEST_CAPTURE_S))


async def send_voice_message(chat_id: int, response: str) -> bool:
    """Send ``response`` as a voice message into the chat, for when there is no call; whether it was sent."""
    if _framework is None:
        return False
    try:
        await _framework.load()
        note = await _framework.voice_note(chat_id, response)
        picture = DocumentAttributeAudio(max(1, round(note.duration_s)), voice=True, waveform=note.waveform)
        chat = await _framework.account.input_peer(chat_id)
        client = _framework.account.client
        await client.send_file(chat, note.ogg, voice_note=True, mime_type="audio/ogg", attributes=[picture])
    except (ParleyError, ExceptionGroup, RPCError, ConnectionError, ValueError) as error:
        log.error("❌ Failed to send a voice message: %s", error, extra={"chat_id": chat_id})
        return False
    return True


async def _say(framework: Framework, chat_id: int, text: str, voice: Voice | None = None, sound: bytes | None = None) -> bool:
    call = framework.manager.call(chat_id)
    if call is None:
        log.warning("⚠️ Cannot stream TTS: not in voice chat", extra={"chat_id": chat_id})
        return False
    if heard := await call.speak_with(text, voice, sound):
        log.info("✅ TTS audio streamed to call in chat %s", chat_id)
    else:
        log.warning("❌ Failed to stream TTS to call in chat %s: nothing of it was heard", chat_id)
    return heard


async def _voice(framework: Framework, chat_id: int, name: str | None, rate: str | None) -> Voice | None:
    if name is None and rate is None:
        return None
    usual = (await framework.manners_for(chat_id)).voice
    percent = usual.rate_percent if rate is None else int(rate.strip().removesuffix("%"))
    if not -50 <= percent <= 100:
        raise ValueError(f"the rate {rate} is not between -50% and +100%")
    return Voice(usual.language, name or usual.name, percent)


async def _decoded(folder: Path, path: Path) -> bytes:
    with await asyncio.to_thread(_opened, folder, path) as file:
        return bytes(await decode_untrusted(file, rate_hz=PLAYOUT_RATE_HZ))


def _opened(folder: Path, path: Path) -> BinaryIO:
    """A regular file inside ``folder``, wherever links lead."""
    resolved = (folder / path).resolve(strict=True)
    if not resolved.is_relative_to(folder.resolve()):
        raise ParleyError(f"{path} is not inside {folder}.", "Put it there, or set AUDIO_DIR.")
    file = os.fdopen(os.open(resolved, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb")
    if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        file.close()
        raise ParleyError(f"{path} is no regular file.")
    return file
