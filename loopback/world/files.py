"""Uploading, keeping and downloading files."""

from __future__ import annotations

import hashlib
import os
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from telethon.tl import functions as f
from telethon.tl import types as t

from loopback.mtproto.session import HOME_DC
from loopback.mtproto.wire import RpcFailure, Tl
from loopback.world.call_access import CallAccess
from loopback.world.registry import Caller, answers
from loopback.world.streaming import Streams

MAX_PART_BYTES: Final = 512 << 10
MAX_CHUNK_BYTES: Final = 1 << 20
CHUNK_UNIT_BYTES: Final = 4096
MAX_UNFINISHED: Final = 50
MAX_KEPT: Final = 1000


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A document and its bytes."""

    document: Tl
    data: bytes


class Files:
    """Documents by id, in memory; the oldest go when there are too many."""

    def __init__(self, access: CallAccess, streams: Streams, now: Callable[[], float]) -> None:
        self._access = access
        self._streams = streams
        self._now = now
        self._unfinished: OrderedDict[tuple[int, int], dict[int, bytes]] = OrderedDict()
        self._stored: OrderedDict[int, StoredFile] = OrderedDict()

    def store(self, data: bytes, mime_type: str, attributes: list[Tl], dc: int = HOME_DC, size: int | None = None) -> Tl:
        """Keep a file; ``dc`` other than the home DC makes clients fetch it there, ``size`` is what it claims to have."""
        document = t.Document(
            id=_random_id(),
            access_hash=_random_id(),
            file_reference=os.urandom(16),
            date=int(self._now()),
            mime_type=mime_type,
            size=len(data) if size is None else size,
            dc_id=dc,
            attributes=attributes,
        )
        self._stored[document.id] = StoredFile(document, data)
        while len(self._stored) > MAX_KEPT:
            self._stored.popitem(last=False)
        return document

    def content(self, document_id: int) -> bytes | None:
        """The bytes of a document, if it is kept."""
        stored = self._stored.get(document_id)
        return stored.data if stored else None

    @answers(f.upload.SaveFilePartRequest, f.upload.SaveBigFilePartRequest)
    def save_part(self, caller: Caller, request: Tl) -> bool:
        """``upload.saveFilePart`` and ``upload.saveBigFilePart``."""
        if len(request.bytes) > MAX_PART_BYTES:
            raise RpcFailure(400, "FILE_PART_TOO_BIG")
        self._unfinished.setdefault((caller.id, request.file_id), {})[request.file_part] = request.bytes
        while len(self._unfinished) > MAX_UNFINISHED:
            self._unfinished.popitem(last=False)
        return True

    @answers(f.messages.UploadMediaRequest)
    def upload_media(self, caller: Caller, request: Tl) -> Tl:
        """``messages.uploadMedia``."""
        return self.media(caller, request.media)

    @answers(f.upload.GetFileRequest)
    def get_file(self, caller: Caller, request: Tl) -> Tl:
        """``upload.getFile``, of the DC the file is on; or the next piece of a stream."""
        location = request.location
        if isinstance(location, t.InputGroupCallStream):
            return self._streams.piece(caller, self._access.joined(caller, location.call), request)
        stored = self._stored.get(getattr(location, "id", 0))
        if stored is None or location.access_hash != stored.document.access_hash:
            raise RpcFailure(400, "LOCATION_INVALID")
        if location.file_reference != stored.document.file_reference:
            raise RpcFailure(400, "FILE_REFERENCE_EXPIRED")
        if stored.document.dc_id != caller.session.authorisation.dc:
            raise RpcFailure(303, f"FILE_MIGRATE_{stored.document.dc_id}")
        if request.limit % CHUNK_UNIT_BYTES or request.limit > MAX_CHUNK_BYTES or request.offset % CHUNK_UNIT_BYTES:
            raise RpcFailure(400, "LIMIT_INVALID")
        return t.upload.File(t.storage.FileUnknown(), int(self._now()), stored.data[request.offset : request.offset + request.limit])

    def media(self, caller: Caller, media: Tl) -> Tl:
        """What a message carries, from what a client says about it.

        :raises RpcFailure: MEDIA_INVALID, FILE_PARTS_INVALID, FILE_PART_0_MISSING, MD5_CHECKSUM_INVALID.
        """
        if isinstance(media, t.InputMediaDocument):
            stored = self._stored.get(media.id.id)
            if stored is None:
                raise RpcFailure(400, "MEDIA_INVALID")
            return as_media(stored.document)
        if not isinstance(media, t.InputMediaUploadedDocument):
            raise RpcFailure(400, "MEDIA_INVALID")
        return as_media(self.store(self._joined(caller, media.file), media.mime_type, media.attributes))

    def _joined(self, caller: Caller, file: Tl) -> bytes:
        parts = self._unfinished.pop((caller.id, file.id), {})
        if not parts:
            raise RpcFailure(400, "FILE_PARTS_INVALID")
        for number in range(file.parts):
            if number not in parts:
                raise RpcFailure(400, f"FILE_PART_{number}_MISSING")
        data = b"".join(parts[number] for number in range(file.parts))
        checksum = getattr(file, "md5_checksum", "")
        if checksum and hashlib.md5(data, usedforsecurity=False).hexdigest() != checksum:
            raise RpcFailure(400, "MD5_CHECKSUM_INVALID")
        return data


def as_media(document: Tl) -> Tl:
    """A document as a message carries it; voice and video notes are marked as such."""
    voice = any(isinstance(a, t.DocumentAttributeAudio) and a.voice for a in document.attributes)
    video = [a for a in document.attributes if isinstance(a, t.DocumentAttributeVideo)]
    return t.MessageMediaDocument(document=document, voice=voice, video=bool(video), round=any(a.round_message for a in video))


def is_note(media: Tl) -> bool:
    """A voice or video note, which stays marked as unheard until somebody plays it."""
    return bool(getattr(media, "voice", False) or getattr(media, "round", False))


def _random_id() -> int:
    return int.from_bytes(os.urandom(7), "big")
