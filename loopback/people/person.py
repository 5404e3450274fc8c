"""One scripted person: a Telegram account that types, reads, joins voice chats, talks and listens."""

from __future__ import annotations

import asyncio
import contextlib
import io
import logging
import time
from collections.abc import Callable
from typing import Any, Final

from pytgcalls import PyTgCalls
from pytgcalls.exceptions import NoActiveGroupCall, NotInCallError
from pytgcalls.pytgcalls_session import PyTgCallsSession
from pytgcalls.types import (
    ChatUpdate,
    Device,
    ExternalMedia,
    GroupCallConfig,
    GroupCallParticipant,
    MediaStream,
    RecordStream,
    StreamFrames,
    UpdatedGroupCallParticipant,
)
from pytgcalls.types.raw import AudioParameters
from telethon import TelegramClient, functions, types, utils
from telethon.sessions import StringSession

from audio.pcm import HEARING_RATE_HZ, PLAYOUT_RATE_HZ
from errors import ParleyError, SessionError
from loopback.people.ear import Ear, Hearing
from loopback.people.inbox import Inbox
from loopback.people.mouth import Mouth, Spoken
from loopback.people.pacer import Pacer
from loopback.people.phone import RING_S, Phone
from loopback.people.speech import Render

log = logging.getLogger(__name__)

API_ID: Final = 1
API_HASH: Final = "0" * 32
JOIN_TIMEOUT_S: Final = 9.0
"""A connection takes half a second; the native library gives up by itself after ten, and now and then never says that it is connected."""
JOIN_ATTEMPTS: Final = 2
POLL_S: Final = 0.01
MOST_KNOWN: Final = 100


class PersonError(ParleyError):
    """A person could not do what the script asks."""


class NotHeard(PersonError):
    """Nothing (or no silence) came from somebody within the time allowed."""


class Person:
    """``session`` is a Telethon string session of the loopback Telegram. Chats are marked ids (``-100…`` for supergroups).

    ``render`` is what :meth:`say` speaks with. ``hearing`` remembers everything that was heard, ``mouth.said`` everything that was said.
    """

    def __init__(self, name: str, session: str, pacer: Pacer, render: Render | None = None) -> None:
        self.name = name
        self.user_id = 0
        self.inbox = Inbox()
        self.hearing = Hearing()
        self.mouth = Mouth()
        self._session = session
        self._pacer = pacer
        self._render = render
        self._client: Any = None
        self._calls: Any = None
        self._phone: Phone | None = None
        self._chat_id: int | None = None

    # ---- the account

    async def connect(self) -> None:
        """Go online.

        :raises errors.SessionError: the session is not logged in.
        """
        self._client = TelegramClient(StringSession(self._session), API_ID, API_HASH)
        await self._client.connect()
        if not await self._client.is_user_authorized():
            await self._client.disconnect()
            raise SessionError(f"{self.name} is not logged in.", "Give a session of an account that the loopback Telegram knows.")
        self.user_id = (await self._client.get_me()).id
        self.inbox.listen(self._client)
        await self._client.get_dialogs()
        PyTgCallsSession.notice_displayed = True
        self._calls = PyTgCalls(self._client)
        self._calls.add_handler(self._on_call_update)
        await self._calls.start()
        self._phone = Phone(self._client, self._calls, lambda: self._fall_silent("was hung up on"))

    async def disconnect(self) -> None:
        """Leave the call, if any, and go offline."""
        if self._chat_id is not None:
            await self.leave_call()
        await self.hang_up()
        if self._client is not None:
            await self._client.disconnect()

    @property
    def client(self) -> Any:
        """The Telethon client, for what has no method here."""
        return self._client

    # ---- the chat

    async def type(self, chat: int, text: str, *, reply_to: int | None = None) -> int:
        """Send a message; returns its id."""
        return int((await self._client.send_message(chat, text, reply_to=reply_to)).id)

    async def send_voice_note(self, chat: int, ogg: bytes, duration_s: float, *, caption: str = "", reply_to: int | None = None) -> int:
        """Send an Ogg Opus recording as a voice note; returns the message id."""
        attributes = [types.DocumentAttributeAudio(duration=round(duration_s), voice=True)]
        options = {"voice_note": True, "attributes": attributes, "mime_type": "audio/ogg"}
        sent = await self._client.send_file(chat, _named(ogg, "voice.ogg"), caption=caption, reply_to=reply_to, **options)
        return int(sent.id)

    async def send_file(self, chat: int, data: bytes, name: str, *, caption: str = "", reply_to: int | None = None) -> int:
        """Send a file as it is; returns the message id."""
        sent = await self._client.send_file(chat, _named(data, name), caption=caption, reply_to=reply_to, force_document=True)
        return int(sent.id)

    # ---- the call

    @property
    def in_call(self) -> bool:
        """Whether this person is in a voice chat."""
        return self._chat_id is not None

    async def start_voice_chat(self, chat: int) -> None:
        """Start the voice chat of a group, without joining it. A running one is ended by that."""
        await self._client(functions.phone.CreateGroupCallRequest(await self._client.get_input_entity(chat)))

    async def join_call(self, chat: int, timeout_s: float = JOIN_TIMEOUT_S, attempts: int = JOIN_ATTEMPTS) -> None:
        """Join the running voice chat of a group and begin to listen; silence is sent while nothing is said.

        :raises PersonError: there is none, the server refuses, or ``attempts`` times no connection came about within ``timeout_s``.
        """
        for attempt in range(attempts):
            if await self._try_to_join(chat, timeout_s):
                break
            log.warning("%s: attempt %d to join got no connection within %g s", self.name, attempt + 1, timeout_s)
        else:
            raise PersonError(f"{self.name} could not connect to the voice chat within {timeout_s:g} s.", "Is the media server alive?")
        self._chat_id = chat
        await self._learn_sources(chat)
        self._pacer.add(self.mouth, self._send_frame, lambda: self._fall_silent("lost the call"))

    async def _learn_sources(self, chat: int) -> None:
        """The library's own list lacks those who came while it did not know of the voice chat yet."""
        call = await self._calls._app.get_input_call(chat)
        request = functions.phone.GetGroupParticipantsRequest(call, ids=[], sources=[], offset="", limit=MOST_KNOWN)
        for row in (await self._client(request)).participants:
            self.hearing.belongs(row.source, utils.get_peer_id(row.peer))

    async def leave_call(self, *, end: bool = False) -> None:
        """Leave the voice chat, and ``end`` it for everybody if asked to; nothing happens when not in one."""
        chat = self._chat_id
        if chat is not None:
            self._fall_silent("left the call")
            await self._hang_up(chat, end=end)

    # ---- private calls

    @property
    def phone(self) -> Phone:
        """For calls that ring; only while connected."""
        assert self._phone is not None
        return self._phone

    async def call(self, user_id: int, ring_s: int = RING_S) -> None:
        """Phone somebody; returns when the two hear each other.

        :raises loopback.people.phone.CallFailed: they do not.
        """
        await self.phone.call(user_id, ring_s)
        self._pacer.add(self.mouth, self.phone.send, lambda: self._fall_silent("lost the call"))

    async def answer_call(self, within_s: float = 20.0) -> int:
        """Wait until somebody phones, and answer; who it is.

        :raises TimeoutError: nobody does, or no connection comes about.
        """
        user_id = await self.phone.wait_for_ring(within_s)
        await self.phone.answer(user_id)
        self._pacer.add(self.mouth, self.phone.send, lambda: self._fall_silent("lost the call"))
        return user_id

    async def hang_up(self) -> None:
        """End the private call; nothing happens when there is none."""
        if self._phone is not None and self._phone.peer_id is not None:
            self._fall_silent("hung up")
            await self._phone.hang_up()

    # ---- in a voice chat

    async def mute(self) -> None:
        """Mute the own microphone."""
        await self._calls.mute(self._chat_id)

    async def unmute(self) -> None:
        """Unmute the own microphone."""
        await self._calls.unmute(self._chat_id)

    async def _try_to_join(self, chat: int, timeout_s: float) -> bool:
        try:
            async with asyncio.timeout(timeout_s):
                await self._connect_call(chat)
        except NoActiveGroupCall:
            raise PersonError(f"{self.name} finds no voice chat to join.", "Let an admin start one first.") from None
        except TimeoutError:
            await self._hang_up(chat)
            return False
        except Exception as error:
            await self._hang_up(chat)
            raise PersonError(f"{self.name} could not join the voice chat ({error!r}).", "The server's request log tells more.") from error
        return True

    async def _connect_call(self, chat: int) -> None:
        microphone = MediaStream(ExternalMedia.AUDIO, AudioParameters(PLAYOUT_RATE_HZ, 1))
        await self._calls.play(chat, microphone, GroupCallConfig(auto_start=False))
        await self._calls.record(chat, RecordStream(True, AudioParameters(HEARING_RATE_HZ, 1)))

    async def _send_frame(self, frame: bytes) -> None:
        await self._calls.send_frame(self._chat_id, Device.MICROPHONE, frame)

    async def _hang_up(self, chat: int, *, end: bool = False) -> None:
        with contextlib.suppress(NotInCallError, NoActiveGroupCall):
            await self._calls.leave_call(chat, close=end)

    def _fall_silent(self, reason: str) -> None:
        self._chat_id = None
        self._pacer.remove(self.mouth)
        self.mouth.hush(f"{self.name} {reason}")

    # ---- talking and listening

    async def speak(self, pcm: bytes, rate_hz: int = PLAYOUT_RATE_HZ) -> Spoken:
        """Say a clip in real time; returns once its last frame has left, with the times of its first and last speech sample.

        :raises PersonError: not in a call.
        :raises NothingSaid: nothing in the clip is audible, or the call ended before it was said.
        """
        if not self.in_call and (self._phone is None or self._phone.peer_id is None):
            raise PersonError(f"{self.name} is in no call.", "Join one first.")
        return await self.mouth.say(pcm, rate_hz)

    async def say(self, text: str) -> Spoken:
        """Speak a text with the person's voice.

        :raises PersonError: the person has no voice, or is in no call.
        """
        if self._render is None:
            raise PersonError(f"{self.name} has no voice.", "Give the person a way to render text.")
        return await self.speak(await self._render(text))

    async def interrupt(self, user_id: int, after_ms: float, pcm: bytes, *, since_s: float, within_s: float = 30.0) -> Spoken:
        """Speak as soon as ``after_ms`` of audible sound of somebody have come since ``since_s``.

        :raises NotHeard: it did not come within ``within_s``.
        """
        await self.wait_until_heard(user_id, since_s=since_s, audible_ms=after_ms, within_s=within_s)
        return await self.speak(pcm)

    def ear_of(self, user_id: int) -> Ear:
        """What was heard of somebody."""
        return self.hearing.ear_of(user_id)

    async def wait_until_heard(self, user_id: int, *, since_s: float, audible_ms: float = 10, within_s: float = 30.0) -> float:
        """Wait for so much audible sound of somebody since ``since_s``; returns when the first audible sample was heard.

        :raises NotHeard: it did not come within ``within_s``.
        """
        ear = self.ear_of(user_id)
        try:
            await _until(lambda: ear.audible_ms(since_s) >= audible_ms, within_s)
        except TimeoutError:
            heard_ms = ear.audible_ms(since_s)
            raise NotHeard(f"{self.name} heard {heard_ms} ms of user {user_id} within {within_s:g} s, not {audible_ms:g}.") from None
        return ear.first_audible_after(since_s) or since_s

    async def wait_until_silent(self, user_id: int, *, hold_ms: float = 1000, within_s: float = 60.0) -> None:
        """Wait until nothing audible has come of somebody for ``hold_ms``.

        :raises NotHeard: there was no such silence within ``within_s``.
        """
        ear = self.ear_of(user_id)
        try:
            await _until(lambda: not ear.audible_now(hold_ms), within_s)
        except TimeoutError:
            raise NotHeard(f"{self.name} waited {within_s:g} s in vain for user {user_id} to fall silent.") from None

    # ---- what the call tells

    async def _on_call_update(self, _: Any, update: Any) -> None:
        now_s = time.monotonic()
        if isinstance(update, StreamFrames):
            self._hear(update, now_s)
        elif isinstance(update, UpdatedGroupCallParticipant):
            self._participant_changed(update)
        elif isinstance(update, ChatUpdate) and update.status & ChatUpdate.Status.LEFT_CALL:
            self._call_over(update)

    def _call_over(self, update: Any) -> None:
        if update.chat_id == self._chat_id:
            self._fall_silent("is out of the call, which was closed or left")
        elif self._phone is not None:
            self._phone.ended(update)

    def _hear(self, update: Any, now_s: float) -> None:
        if update.chat_id > 0:
            for frame in update.frames:
                self.hearing.ear_of(update.chat_id).add(frame.frame, now_s)
        else:
            self.hearing.receive(((frame.ssrc, frame.frame) for frame in update.frames), now_s)

    def _participant_changed(self, update: Any) -> None:
        participant, left = update.participant, update.action in (GroupCallParticipant.Action.LEFT, GroupCallParticipant.Action.KICKED)
        if not left:
            self.hearing.belongs(participant.source, participant.user_id)
        elif participant.user_id == self.user_id and self._chat_id is not None:
            self._fall_silent("was removed from the call")


def _named(data: bytes, name: str) -> io.BytesIO:
    file = io.BytesIO(data)
    file.name = name
    return file


async def _until(condition: Callable[[], bool], within_s: float) -> None:
    async with asyncio.timeout(within_s):
        while True:
            if condition():
                return
            await asyncio.sleep(POLL_S)
