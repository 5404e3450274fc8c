"""py-tgcalls, one engine for the whole account: joining, leaving, frames in and out.

The library is used as it is. Seven of its inner parts are touched because its public face lacks them; :func:`check_library` makes sure at
start that they are what this file expects:

* the seeded cache of voice chats: the library joins the one that was looked up, instead of asking again and swallowing the answer's errors;
* the join request: it repeats itself without limit or pause while Telegram answers "forbidden"; here it is sent once, as whom we chose;
* the call's own sound source, which is in the join request;
* the news that the account has left a chat, which the library reads into every removal of anybody by the account, on any device: whoever
  conducts the call finds out what is true;
* the end of a call without leaving it, for when another device of the account has taken it over;
* the native library below it, of which each call is asked one thing at a time (:mod:`calls.telegram.native_calls`);
* the native frame callback: two thirds of the cost of a frame are in the task per frame that the library makes of it.
"""

from __future__ import annotations

import asyncio
import importlib.metadata
import json
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final

from telethon import TelegramClient
from telethon.tl import types

from audio.pcm import HEARING_RATE_HZ, PLAYOUT_FRAME_BYTES, PLAYOUT_RATE_HZ
from calls.errors import JoinRefused
from calls.telegram.native_calls import NativeCalls
from errors import ParleyError

log = logging.getLogger(__name__)

CACHE_S: Final = 60
"""How long the library trusts what it knows of a voice chat; a running call is refreshed by its watchdog."""
FAILED: Final = "Cannot join call: pytgcalls initialization failed"
UINT32: Final = 0xFFFFFFFF

Frames = Sequence[tuple[int, bytes]]
FrameSink = Callable[[Frames], None]
"""Takes what one native callback brought, as (ssrc, 10 ms of 16 kHz mono); called on the event loop."""


def check_library() -> None:
    """Make sure that the living py-tgcalls is installed, not the dead package whose module has the same name.

    :raises errors.ParleyError: otherwise, with the commands that put it right.
    """
    repair = "Run: pip uninstall -y pytgcalls py-tgcalls && pip install -r requirements.txt"
    if _installed("pytgcalls"):
        raise ParleyError(f"{FAILED}: the abandoned package 'pytgcalls' hides py-tgcalls.", repair)
    if not _installed("py-tgcalls"):
        raise ParleyError(f"{FAILED}: py-tgcalls is not installed.", repair)


def _installed(distribution: str) -> bool:
    try:
        importlib.metadata.distribution(distribution)
    except importlib.metadata.PackageNotFoundError:
        return False
    return True


def framework() -> str:
    """The name and version of the call library, for people."""
    return f"py-tgcalls {importlib.metadata.version('py-tgcalls')}, ntgcalls {importlib.metadata.version('ntgcalls')}"


class CallEngine:
    """Everything the lines ask of py-tgcalls. Build and start it inside the running event loop, after the client has connected."""

    def __init__(self, client: TelegramClient) -> None:
        check_library()
        from pytgcalls import PyTgCalls
        from pytgcalls.pytgcalls_session import PyTgCallsSession

        PyTgCallsSession.notice_displayed = True
        self._library = PyTgCalls(client, cache_duration=CACHE_S)
        self._library._binding = NativeCalls(self._library._binding)
        self._bridge = self._library._app._bind_client
        self._loop = asyncio.get_running_loop()
        self._sinks: dict[int, FrameSink] = {}
        self._sources: dict[int, int] = {}
        self._faces: dict[int, Any] = {}
        self._voice_chats: dict[int, types.InputGroupCall] = {}
        self._joining: set[int] = set()
        self._send_join: Callable[..., Awaitable[str]] = self._bridge.join_group_call

    async def start(self) -> None:
        """Attach to the client.

        :raises errors.ParleyError: this version of the library is not the one this program was written for.
        """
        try:
            self._obey_update: Callable[[Any], Awaitable[None]] = self._library._handle_mtproto_updates
            self._library._handle_mtproto_updates = self._on_library_update
            await self._library.start()
            self._bridge.join_group_call = self._join_once
            self._library._binding.on_frames(self._on_native_frames)
            self._bridge._cache.set_cache  # noqa: B018
        except AttributeError as error:
            raise ParleyError(
                f"{FAILED}: {framework()} is not the expected version ({error}).",
                "Run: pip install -r requirements.txt",
            ) from error

    @property
    def library(self) -> Any:
        """The library's own object, ``PyTgCalls``: one for the whole account."""
        return self._library

    def close(self) -> None:
        """Let go of the library's threads. All calls must have been left."""
        self._sinks.clear()
        self._library.executor.shutdown(wait=False)

    async def _on_library_update(self, update: Any) -> None:
        from pytgcalls.types import ChatUpdate

        if isinstance(update, ChatUpdate) and update.status == ChatUpdate.Status.LEFT_GROUP:
            if call := self._voice_chats.get(update.chat_id):
                self.keep(update.chat_id, call)
            return
        await self._obey_update(update)

    # ---- joining and leaving

    async def join(self, chat_id: int, call: types.InputGroupCall, sink: FrameSink, face: Any = None) -> int:
        """Join ``call`` with a silent stream and start listening; returns our own sound source (unsigned SSRC).

        ``face`` is the channel, as requests want it, in whose name; the account's own without one.

        Has no time-out of its own. After a cancellation, and after any failure that is not Telegram's refusal, :meth:`leave` must follow.

        :raises Exception: of Telethon, py-tgcalls or ntgcalls; :func:`calls.errors.explain` knows them.
        """
        from pytgcalls.types import ExternalMedia, GroupCallConfig, MediaStream, RecordStream
        from pytgcalls.types.raw import AudioParameters

        self.keep(chat_id, call)
        self._sinks[chat_id] = sink
        self._faces[chat_id] = face or types.InputPeerSelf()
        voice = MediaStream(ExternalMedia.AUDIO, audio_parameters=AudioParameters(PLAYOUT_RATE_HZ, 1))
        only_join = GroupCallConfig(auto_start=False)  # for both: recording a call that has just ended joins it anew
        try:
            await self._library.play(chat_id, voice, only_join)
            await self._library.record(chat_id, RecordStream(True, AudioParameters(HEARING_RATE_HZ, 1)), only_join)
        except Exception:
            self._forget(chat_id)
            raise
        self._library.cache_user_peer.put(chat_id, self._own(chat_id))
        return self._sources[chat_id]

    async def _join_once(self, chat_id: int, offer: str, video_stopped: bool, join_as: Any, *rest: Any) -> str:
        """The library's clean-up of an earlier call in this chat may erase, during this join, whom to join as: it is not asked."""
        if chat_id in self._joining:
            raise JoinRefused
        self._joining.add(chat_id)
        self._sources[chat_id] = int(json.loads(offer)["ssrc"]) & UINT32
        try:
            return await self._send_join(chat_id, offer, video_stopped, self._own(chat_id), *rest)
        finally:
            self._joining.discard(chat_id)

    def _own(self, chat_id: int) -> Any:
        """As whom we are in this call."""
        face = self._faces.get(chat_id)
        return face if isinstance(face, types.InputPeerChannel) else self._library.cache_peer

    async def leave(self, chat_id: int) -> bool:
        """Leave, if we are in it; false if the library no longer held the call (Telegram may still list us)."""
        from pytgcalls.exceptions import NoActiveGroupCall, NotInCallError

        self._forget(chat_id)
        try:
            await self._library.leave_call(chat_id)
        except (NotInCallError, NoActiveGroupCall):
            return False
        return True

    async def drop(self, chat_id: int) -> None:
        """End the sound without a word to Telegram: there the account stays in the voice chat, with another device."""
        self._forget(chat_id)
        await self._library._clear_call(chat_id)

    def keep(self, chat_id: int, call: types.InputGroupCall) -> None:
        """Tell the library that ``call`` is still the voice chat of this chat; else it forgets it and ignores its updates."""
        self._voice_chats[chat_id] = call
        self._bridge._cache.set_cache(chat_id, call)

    def _forget(self, chat_id: int) -> None:
        for known in (self._sinks, self._sources, self._faces, self._voice_chats):
            known.pop(chat_id, None)

    async def holds(self, chat_id: int) -> bool:
        """The library still has this call."""
        return chat_id in await self._library.group_calls

    async def answers(self) -> None:
        """Ask the native library something; does not return while that is stuck."""
        await self._library.group_calls

    # ---- sound

    async def send(self, chat_id: int, frame: bytes) -> None:
        """Send 10 ms of 24 kHz mono. There is no pacing below this.

        :raises ValueError: the frame has not exactly 480 bytes (the native code would read past its end).
        :raises pytgcalls.exceptions.NotInCallError: the call is gone.
        """
        from pytgcalls.types import Device

        if len(frame) != PLAYOUT_FRAME_BYTES:
            raise ValueError(f"a frame must have {PLAYOUT_FRAME_BYTES} bytes, not {len(frame)}")
        await self._library.send_frame(chat_id, Device.MICROPHONE, frame)

    def _on_native_frames(self, chat_id: int, mode: Any, device: Any, frames: Sequence[Any]) -> None:
        """Called on the one native thread that serves all calls: hands over and does nothing else."""
        heard = [(frame.ssrc, frame.data) for frame in frames]
        self._loop.call_soon_threadsafe(self._on_frames, chat_id, heard)

    def _on_frames(self, chat_id: int, heard: Frames) -> None:
        sink = self._sinks.get(chat_id)
        if sink is not None:
            sink(heard)
