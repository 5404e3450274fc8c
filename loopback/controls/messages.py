"""Messages and files that no client has sent, and what clients have sent."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from telethon.tl import types as t

from loopback.mtproto.session import HOME_DC
from loopback.mtproto.wire import Tl
from loopback.world.accounts import Account
from loopback.world.chats import Chat, Role
from loopback.world.conversations import Place, mailbox_of
from loopback.world.faults import concerns
from loopback.world.files import as_media, is_note
from loopback.world.mailbox import Content, Message
from loopback.world.request_log import LoggedRequest
from loopback.world.world import World

VIDEO_NOTE_PIXELS = 384


class MessageControls:
    """The part of :class:`~loopback.telegram.LoopbackTelegram` that writes and reads. Numbers of messages are the sender's."""

    world: World

    # --- writing ----------------------------------------------------------------------------------------------
    def say(
        self,
        where: Place,
        sender: Account,
        text: str,
        *,
        reply_to: int | None = None,
        forwarded_from: Account | None = None,
        via_bot: Account | None = None,
    ) -> Message:
        """A text message; an anonymous admin's comes from the chat."""
        content = self._content(where, sender, text)
        content.forwarded_from, content.via_bot = forwarded_from, via_bot
        return self.world.posting.post(where, content, reply_to)

    def send_voice_note(
        self,
        where: Place,
        sender: Account,
        data: bytes,
        duration_s: int,
        *,
        waveform: bytes = b"",
        reply_to: int | None = None,
        caption: str = "",
        size: int | None = None,
        dc: int = HOME_DC,
    ) -> Message:
        """A voice note (Ogg Opus). ``size`` is what it claims to have, ``dc`` other than 2 makes clients fetch it elsewhere."""
        sound = t.DocumentAttributeAudio(duration_s, voice=True, waveform=waveform or None)
        return self._send(where, sender, data, "audio/ogg", [sound], reply_to, caption, size, dc)

    def send_video_note(self, where: Place, sender: Account, data: bytes, duration_s: float, *, reply_to: int | None = None) -> Message:
        """A round video message (MP4)."""
        round_video = t.DocumentAttributeVideo(duration_s, VIDEO_NOTE_PIXELS, VIDEO_NOTE_PIXELS, round_message=True)
        return self._send(where, sender, data, "video/mp4", [round_video], reply_to)

    def send_document(
        self,
        where: Place,
        sender: Account,
        data: bytes,
        mime_type: str = "application/octet-stream",
        *,
        file_name: str = "",
        attributes: Sequence[Any] = (),
        reply_to: int | None = None,
        caption: str = "",
        size: int | None = None,
    ) -> Message:
        """Any other file."""
        named = [t.DocumentAttributeFilename(file_name)] if file_name else []
        return self._send(where, sender, data, mime_type, [*attributes, *named], reply_to, caption, size)

    def _send(
        self,
        where: Place,
        sender: Account,
        data: bytes,
        mime_type: str,
        attributes: list[Tl],
        reply_to: int | None = None,
        caption: str = "",
        size: int | None = None,
        dc: int = HOME_DC,
    ) -> Message:
        content = self._content(where, sender, caption)
        content.media = as_media(self.world.files.store(data, mime_type, attributes, dc, size))
        content.unheard = is_note(content.media)
        return self.world.posting.post(where, content, reply_to)

    def _content(self, where: Place, sender: Account, text: str) -> Content:
        as_chat = where if isinstance(where, Chat) and where.is_anonymous(sender.id) else None
        return Content(sender, int(self.world.server.now()), text, as_chat=as_chat)

    # --- reading ----------------------------------------------------------------------------------------------
    def messages(self, where: Place, viewer: Account | None = None) -> list[Message]:
        """What has been written in a chat (a basic group as ``viewer``, or its creator, sees it) or to a person, oldest first."""
        if viewer is None:
            viewer = self._creator(where) if isinstance(where, Chat) else where
        everything = mailbox_of(where, viewer).messages.values()
        return [message for message in everything if message.peer is where or viewer is where]

    def texts(self, where: Place, sender: Account | None = None) -> list[str]:
        """The texts of :meth:`messages`, of one sender or all; service messages have none."""
        return [m.content.text for m in self.messages(where) if m.content.text and sender in (None, m.content.sender)]

    def file_of(self, message: Message) -> bytes:
        """The file that a message carries.

        :raises ValueError: it has none, or the file is no longer kept.
        """
        document = getattr(message.content.media, "document", None)
        data = self.world.files.content(document.id) if document is not None else None
        if data is None:
            raise ValueError(f"message {message.id} carries no file")
        return data

    def actions(self, account: Account | None = None, where: Chat | None = None) -> list[str]:
        """The chat actions clients have shown, oldest first: the names of their types, such as ``SendMessageTypingAction``."""
        return [
            type(logged.request.action).__name__
            for logged in self.seen("messages.SetTyping", account)
            if where is None or concerns(logged.request, where)
        ]

    def seen(self, pattern: str = "*", account: Account | None = None) -> list[LoggedRequest]:
        """The requests whose method fits a glob such as ``phone.*``, oldest first."""
        return self.world.requests.seen(pattern, account.id if account else None)

    def _creator(self, chat: Chat) -> Account:
        return next(self.world.accounts.of_id(i) for i, place in chat.places.items() if place.role is Role.CREATOR)
