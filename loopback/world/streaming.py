"""Listening in pieces: what large voice chats and livestreams offer to those who only listen. https://core.telegram.org/api/group-calls."""

from __future__ import annotations

import functools
import io
from collections.abc import Callable
from typing import Any, Final

import av
from telethon.tl import functions as f
from telethon.tl import types as t

from loopback.mtproto.session import HOME_DC
from loopback.mtproto.wire import RpcFailure, Tl
from loopback.settings import LoopbackSettings
from loopback.world.group_call import CallParticipant, GroupCall
from loopback.world.registry import Caller

PIECE_MS: Final = 1000
BEHIND_MS: Final = 2000
"""The newest piece lies this far behind the server's time."""
SAMPLE_RATE_HZ: Final = 48_000


def wants_stream(call: GroupCall, participant: CallParticipant, settings: LoopbackSettings) -> bool:
    """Whether a newcomer is moved to stream mode: one who may not speak, in a voice chat with too many in it."""
    limit = settings.stream_above_channel if call.chat.is_broadcast else settings.stream_above_group
    return participant.muted_by_admin and len(call.participants) > limit


def answer(call: GroupCall) -> dict[str, Any]:
    """The JSON of ``updateGroupCallConnection`` for somebody in stream mode."""
    return {"stream": True, "rtmp": True} if call.rtmp else {"stream": True}


class Streams:
    """The pieces: one second of silence each."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now

    def channels(self, participant: CallParticipant) -> Tl:
        """``phone.getGroupCallStreamChannels``."""
        participant.fetched_at = self._now()
        return t.phone.GroupCallStreamChannels([t.GroupCallStreamChannel(1, 0, self._newest_ms())])

    def piece(self, caller: Caller, participant: CallParticipant, request: f.upload.GetFileRequest) -> Tl:
        """``upload.getFile`` of ``inputGroupCallStream``.

        :raises RpcFailure: TIME_TOO_BIG, TIME_TOO_SMALL, FILE_MIGRATE_X.
        """
        location = request.location
        if caller.session.authorisation.dc != HOME_DC:
            raise RpcFailure(303, f"FILE_MIGRATE_{HOME_DC}")
        participant.fetched_at = self._now()
        if location.time_ms > self._newest_ms():
            raise RpcFailure(400, "TIME_TOO_BIG")
        if location.time_ms <= 0:
            raise RpcFailure(400, "TIME_TOO_SMALL")
        return t.upload.File(t.storage.FileUnknown(), int(self._now()), silent_piece()[request.offset : request.offset + request.limit])

    def _newest_ms(self) -> int:
        newest_ms = int(self._now() * 1000) - BEHIND_MS
        return newest_ms - newest_ms % PIECE_MS


@functools.cache
def silent_piece() -> bytes:
    """One second of silence as Ogg Opus."""
    file = io.BytesIO()
    with av.open(file, "w", format="ogg") as container:
        stream = container.add_stream("libopus", rate=SAMPLE_RATE_HZ)
        frame = av.AudioFrame(format="s16", layout="stereo", samples=SAMPLE_RATE_HZ)
        frame.planes[0].update(bytes(SAMPLE_RATE_HZ * 4))
        frame.sample_rate = SAMPLE_RATE_HZ
        for packet in [*stream.encode(frame), *stream.encode(None)]:
            container.mux(packet)
    return file.getvalue()
