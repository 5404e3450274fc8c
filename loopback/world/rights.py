"""What admins may do in a chat, and what members may not."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Final

from telethon.tl import types as t

from loopback.mtproto.wire import Tl


@dataclass(frozen=True, slots=True, kw_only=True)
class AdminRights:
    """What one admin may do; by default everything but making other admins. ``anonymous`` ones write as the chat itself."""

    change_info: bool = True
    post_messages: bool = True
    delete_messages: bool = True
    ban_users: bool = True
    invite_users: bool = True
    pin_messages: bool = True
    add_admins: bool = False
    anonymous: bool = False
    manage_call: bool = True

    def tl(self) -> Tl:
        """As clients see them."""
        return t.ChatAdminRights(**dataclasses.asdict(self), other=True)

    @classmethod
    def from_tl(cls, rights: Tl) -> AdminRights:
        """As an admin has set them."""
        return cls(**{field.name: bool(getattr(rights, field.name)) for field in dataclasses.fields(cls)})


ALL_RIGHTS: Final = AdminRights(add_admins=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Restrictions:
    """What one member may not do although it is in the chat."""

    send_messages: bool = False
    send_voices: bool = False

    def tl(self) -> Tl:
        """As clients see them; for ever."""
        return t.ChatBannedRights(until_date=None, send_messages=self.send_messages, send_voices=self.send_voices or self.send_messages)

    @classmethod
    def from_tl(cls, rights: Tl) -> Restrictions:
        """As an admin has set them."""
        return cls(send_messages=bool(rights.send_messages), send_voices=bool(rights.send_voices or rights.send_media))


UNRESTRICTED: Final = Restrictions()
