"""Messages that carry sound: what they say of it, and how to fetch it without trusting that."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import tempfile
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any, BinaryIO, Final

from telethon import TelegramClient
from telethon.errors import FileReferenceExpiredError, RPCError
from telethon.tl import functions, types

from audio.decode_process import check_duration, check_size
from errors import ParleyError

log = logging.getLogger(__name__)

FETCHED_WITHIN_S: Final = 120.0
MARKED_WITHIN_S: Final = 1.0
"""What marking a message may take longer than the work on it."""
REQUEST_BYTES: Final = 512 << 10
SOUND_WITHOUT_A_DURATION: Final = ("audio/", "application/ogg")


class NotFetched(ParleyError):
    """Telegram did not hand the file over."""


@dataclass(frozen=True, slots=True)
class Sound:
    """What a message says of the sound it carries; ``duration_s`` ``None``: nothing of how long it is.

    ``spoken``: it was recorded as a message (a voice note, a round video), so it is no music.
    """

    size: int
    duration_s: float | None
    spoken: bool

    def check(self) -> None:
        """Whether it is worth fetching.

        :raises audio.codecs.SoundFileError: it is empty, too large or too long.
        """
        check_size(self.size)
        check_duration(self.duration_s)


def sound_of(message: Any) -> Sound | None:
    """The sound of a voice note, a round video or an audio file; ``None`` for every other message."""
    document = getattr(message, "document", None)
    if not isinstance(document, types.Document):
        return None
    for attribute in document.attributes:
        match attribute:
            case types.DocumentAttributeAudio(duration=duration, voice=voice):
                return Sound(document.size, duration, bool(voice))
            case types.DocumentAttributeVideo(duration=duration, round_message=True):
                return Sound(document.size, duration, spoken=True)
    is_sound = (document.mime_type or "").startswith(SOUND_WITHOUT_A_DURATION)
    return Sound(document.size, None, spoken=False) if is_sound else None


@contextlib.asynccontextmanager
async def fetched(client: TelegramClient, message: Any) -> AsyncIterator[BinaryIO]:
    """The file of a message, on disk without a name for as long as the block lasts.

    :raises audio.codecs.SoundFileError: it is larger than any we take.
    :raises NotFetched: it could not be had, or there is no room for it.
    """
    with contextlib.ExitStack() as stack:
        try:
            file = stack.enter_context(tempfile.TemporaryFile(prefix="parley-"))
            async with asyncio.timeout(FETCHED_WITHIN_S):
                await _fetch(client, message, file)
        except (RPCError, OSError, TimeoutError, ValueError) as error:
            log.warning("a file was not fetched: %r", error, extra={"chat_id": message.chat_id})
            what = "I could not get that file from Telegram."
            raise NotFetched(what, "Please send it once more.", key="voice_message.not_fetched") from None
        yield file


async def _fetch(client: TelegramClient, message: Any, file: BinaryIO) -> None:
    try:
        await _write(client, message, file)
    except FileReferenceExpiredError:
        file.seek(0)
        file.truncate()
        await _write(client, await client.get_messages(await message.get_input_chat(), ids=message.id), file)


async def _write(client: TelegramClient, message: Any, file: BinaryIO) -> None:
    async for piece in client.iter_download(message, request_size=REQUEST_BYTES):
        check_size(file.tell() + len(piece))
        file.write(piece)
    file.flush()


@contextlib.asynccontextmanager
async def marked_as_listened(client: TelegramClient, message: Any) -> AsyncIterator[None]:
    """Take the dot off a voice note, so that its sender sees that it was listened to, while the block goes on. Best effort."""
    marking = asyncio.create_task(_mark_as_listened(client, message), name="marking as listened")
    try:
        yield
    finally:
        await asyncio.wait({marking}, timeout=MARKED_WITHIN_S)
        marking.cancel()


async def _mark_as_listened(client: TelegramClient, message: Any) -> None:
    try:
        chat = await message.get_input_chat()
        if isinstance(chat, types.InputPeerChannel):
            channel = types.InputChannel(chat.channel_id, chat.access_hash)
            await client(functions.channels.ReadMessageContentsRequest(channel, [message.id]))
        else:
            await client(functions.messages.ReadMessageContentsRequest([message.id]))
    except (RPCError, ConnectionError, TimeoutError, ValueError) as error:
        log.debug("not marked as listened: %r", error)
