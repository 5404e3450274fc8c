"""What people read, and where their voices come from."""

from __future__ import annotations

import asyncio
import wave
from collections.abc import AsyncGenerator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from audio.tts.engine import Voice
from loopback.people.inbox import Inbox, NoSuchMessage
from loopback.people.pacer import Pacer
from loopback.people.person import Person, PersonError
from loopback.people.speech import CachedRender, RecordingError, read_recording, with_engine


class Post:
    """Stands where a Telethon client would: hands events to the inbox."""

    def __init__(self) -> None:
        self.handlers: list[Any] = []
        self.inbox = Inbox()
        self.inbox.listen(self)

    def add_event_handler(self, handler: Any, _: Any) -> None:
        self.handlers.append(handler)

    async def deliver(self, text: str, *, sender: int = 1, chat: int = -100, number: int = 1, edited: bool = False) -> None:
        event = SimpleNamespace(chat_id=chat, sender_id=sender, id=number, raw_text=text, message=None)
        await self.handlers[edited](event)


async def test_a_message_that_came_before_the_wait_is_found() -> None:
    post = Post()
    await post.deliver("Joined the call", number=5)
    assert (await post.inbox.wait_for("^Joined", since_s=0)).message_id == 5


async def test_waiting_for_a_pattern_a_sender_and_a_chat() -> None:
    post = Post()
    waiting = asyncio.create_task(post.inbox.wait_for("call", since_s=0, sender_id=2, chat_id=-7))
    for text, sender, chat in (("call", 1, -7), ("call", 2, -8), ("other", 2, -7), ("the call", 2, -7)):
        assert not waiting.done()
        await post.deliver(text, sender=sender, chat=chat)
    assert (await waiting).text == "the call"


async def test_edits_are_read_too() -> None:
    post = Post()
    await post.deliver("Joining…")
    await post.deliver("Joined", edited=True)
    assert (await post.inbox.wait_for("Joined", since_s=0)).edited


async def test_waiting_in_vain_tells_what_came_instead() -> None:
    post = Post()
    with pytest.raises(NoSuchMessage, match=r"No message like 'x' came within 0.01 s. None came at all."):
        await post.inbox.wait_for("x", since_s=0, within_s=0.01)
    await post.deliver("Sorry")
    with pytest.raises(NoSuchMessage, match=r"These came instead: \['Sorry'\]"):
        await post.inbox.wait_for("x", since_s=0, within_s=0.01)


async def test_each_text_is_rendered_once() -> None:
    texts: list[str] = []

    async def render(text: str) -> bytes:
        texts.append(text)
        await asyncio.sleep(0)
        return text.encode()

    cached = CachedRender(render)
    assert list(await asyncio.gather(cached("a"), cached("a"), cached("b"))) == [b"a", b"a", b"b"]
    assert texts == ["a", "b"]


async def test_a_failed_rendering_is_tried_again() -> None:
    calls: list[str] = []

    async def render(text: str) -> bytes:
        calls.append(text)
        if len(calls) == 1:
            raise OSError("broken")
        return b"sound"

    cached = CachedRender(render)
    with pytest.raises(OSError, match="broken"):
        await cached("a")
    assert await cached("a") == b"sound"


class Engine:
    """A voice engine that makes two pieces."""

    name = "two pieces"

    async def load(self) -> None:
        return

    async def close(self) -> None:
        return

    async def synthesize(self, text: str, voice: Voice) -> AsyncGenerator[bytes, None]:
        yield text.encode()
        yield voice.language.encode()


async def test_any_voice_engine_will_do() -> None:
    assert await with_engine(Engine(), Voice("de"))("Hallo ") == b"Hallo de"


def test_recordings_become_24_khz_mono(tmp_path: Path) -> None:
    path = tmp_path / "stereo.wav"
    with wave.open(str(path), "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(2)
        file.setframerate(16000)
        file.writeframes(bytes(16000 * 4))
    assert abs(len(read_recording(path)) - 48000) <= 96


@pytest.mark.parametrize("content", [None, b"not sound at all"])
def test_unreadable_recordings_are_named(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "clip.wav"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(RecordingError, match=r"clip.wav cannot be read .* Give a WAV, OGG, MP3 or FLAC file."):
        read_recording(path)


async def test_a_person_without_call_or_voice_says_so() -> None:
    person = Person("Ann", "", Pacer())
    with pytest.raises(PersonError, match=r"Ann is in no call. Join one first."):
        await person.speak(b"")
    with pytest.raises(PersonError, match="Ann has no voice"):
        await person.say("hello")
    await person.leave_call()
    await person.disconnect()
