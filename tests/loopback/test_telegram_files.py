"""Voice notes and other files, up and down."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from telethon import errors, events, functions, types
from telethon.crypto import rsa as client_rsa

from tests.loopback.conftest import Town, until


async def test_a_voice_note_arrives_as_it_was(town: Town, tmp_path: Path) -> None:
    ann, parley = await town.client(town.ann), await town.client(town.parley)
    sound, heard = os.urandom(300_000), []

    async def download(event: events.NewMessage.Event) -> None:
        heard.append((event.voice is not None, event.text, await event.download_media(bytes)))

    parley.add_event_handler(download, events.NewMessage())
    (tmp_path / "note.ogg").write_bytes(sound)
    attributes = [types.DocumentAttributeAudio(duration=3, voice=True, waveform=bytes(63))]
    await ann.send_file(town.group.dialog_id, tmp_path / "note.ogg", voice_note=True, caption="listen", attributes=attributes)
    await until(lambda: heard)
    assert heard == [(True, "listen", sound)]


async def test_a_big_file_goes_up_in_parts_and_comes_back(town: Town, tmp_path: Path) -> None:
    ann = await town.client(town.ann)
    (tmp_path / "big.bin").write_bytes(data := os.urandom(11_000_000))
    message = await ann.send_file("bob", tmp_path / "big.bin")
    assert await ann.download_media(message, bytes) == data
    again = await ann.send_file("bob", message.media)
    assert again.document.id == message.document.id


async def test_a_file_of_another_data_centre_is_fetched_there(town: Town) -> None:
    client_rsa.add_key(town.telegram.server.public_pem, old=False)
    parley = await town.client(town.parley)
    town.telegram.send_voice_note(town.group, town.ann, b"x" * 5000, 2, dc=4)
    message = (await parley.get_messages(town.group.dialog_id, limit=1))[0]
    assert await message.download_media(bytes) == b"x" * 5000
    assert len(town.telegram.seen("auth.ImportAuthorization")) == 1


async def test_captions_and_unfinished_uploads_are_checked(town: Town) -> None:
    ann = await town.client(town.ann)
    group = await ann.get_input_entity(town.group.dialog_id)
    file = await ann.upload_file(b"data", file_name="a.bin")
    media = types.InputMediaUploadedDocument(file, "application/octet-stream", [])
    with pytest.raises(errors.MediaCaptionTooLongError):
        await ann(functions.messages.SendMediaRequest(group, media, "x" * 1025))
    media.file.parts = 2
    with pytest.raises(errors.FilePartMissingError):
        await ann(functions.messages.SendMediaRequest(group, media, ""))
    with pytest.raises(errors.FilePartsInvalidError):
        await ann(functions.messages.SendMediaRequest(group, media, ""))
