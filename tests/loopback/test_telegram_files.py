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


async def test_the_bots_voice_note_keeps_its_waveform_and_stays_unheard_until_it_is_played(town: Town) -> None:
    bob, parley = await town.client(town.bob), await town.client(town.parley)
    heard, played = [], []

    async def keep(event: events.NewMessage.Event) -> None:
        heard.append(event)

    async def note(update: types.UpdateChannelReadMessagesContents) -> None:
        played.append(update)

    bob.add_event_handler(keep, events.NewMessage(incoming=True))
    parley.add_event_handler(note, events.Raw(types.UpdateChannelReadMessagesContents))
    asked = town.telegram.send_voice_note(town.group, town.bob, b"question", 5)
    async with parley.action(town.group.dialog_id, "record-audio"):
        sound = types.DocumentAttributeAudio(duration=4, voice=True, waveform=bytes(range(63)))
        await parley.send_file(
            town.group.dialog_id, b"OggS answer", voice_note=True, attributes=[sound], mime_type="audio/ogg", reply_to=asked.id
        )
    await until(lambda: heard)
    answer = heard[0].message
    assert (answer.reply_to_msg_id, answer.voice.mime_type) == (asked.id, "audio/ogg")
    assert [a.waveform for a in answer.voice.attributes if isinstance(a, types.DocumentAttributeAudio)] == [bytes(range(63))]
    assert (answer.media_unread, answer.voice.size) == (True, 11)
    assert town.telegram.file_of(town.telegram.messages(town.group)[-1]) == b"OggS answer"
    assert town.telegram.actions(town.parley)[0] == "SendMessageRecordAudioAction"
    await bob(functions.channels.ReadMessageContentsRequest(await bob.get_input_entity(town.group.dialog_id), [answer.id]))
    await until(lambda: played)
    assert played[0].messages == [answer.id]
    assert not (await bob.get_messages(town.group.dialog_id, ids=answer.id)).media_unread


async def test_a_private_voice_note_that_was_played_is_told_to_its_sender(town: Town) -> None:
    town.telegram.say(town.bob, town.parley, "hi")
    bob, parley = await town.client(town.bob), await town.client(town.parley)
    played = []

    async def note(update: types.UpdateReadMessagesContents) -> None:
        played.append(update)

    parley.add_event_handler(note, events.Raw(types.UpdateReadMessagesContents))
    sent = await parley.send_file("bob", b"OggS", voice_note=True)
    mine = (await bob.get_messages("parley", limit=1))[0]
    await bob(functions.messages.ReadMessageContentsRequest([mine.id]))
    await until(lambda: played)
    assert played[0].messages == [sent.id]


async def test_what_people_send_is_of_many_kinds(town: Town) -> None:
    parley = await town.client(town.parley)
    round_video = town.telegram.send_video_note(town.group, town.ann, b"mp4", 3.0)
    lie = town.telegram.send_voice_note(town.group, town.ann, b"x", 7200, size=90_000_000, waveform=bytes(63), caption="two hours")
    song = [types.DocumentAttributeAudio(180, title="Song", performer="Ann")]
    audio = town.telegram.send_document(town.group, town.ann, b"mp3", "audio/mpeg", file_name="song.mp3", attributes=song)
    text = town.telegram.send_document(town.group, town.ann, b"words", "text/plain", file_name="notes.ogg", reply_to=audio.id)
    seen = await parley.get_messages(town.group.dialog_id, ids=[m.id for m in (round_video, lie, audio, text)])
    assert seen[0].video_note is not None
    assert (seen[1].voice.size, seen[1].voice.attributes[0].duration, seen[1].text) == (90_000_000, 7200, "two hours")
    assert (seen[2].audio is not None, seen[2].voice, seen[2].file.name) == (True, None, "song.mp3")
    assert (seen[3].file.name, seen[3].reply_to_msg_id, seen[3].media_unread) == ("notes.ogg", audio.id, False)
    with pytest.raises(ValueError, match="carries no file"):
        town.telegram.file_of(town.telegram.say(town.group, town.ann, "words"))


async def test_voice_notes_may_be_forbidden_to_a_member(town: Town) -> None:
    bob = await town.client(town.bob)
    town.telegram.restrict(town.group, town.bob, voice_notes=False)
    with pytest.raises(errors.ChatSendVoicesForbiddenError):
        await bob.send_file(town.group.dialog_id, b"OggS", voice_note=True)
    assert await bob.send_message(town.group.dialog_id, "words")
