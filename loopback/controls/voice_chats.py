"""Voice chats: starting, scheduling and ending them, and the people in them who have no client."""

from __future__ import annotations

import secrets

from loopback.media_seam import MediaServer
from loopback.world.accounts import Account
from loopback.world.chats import Chat, Role
from loopback.world.group_call import GroupCall
from loopback.world.group_calls import Entry
from loopback.world.world import World


class VoiceChatControls:
    """The part of :class:`~loopback.telegram.LoopbackTelegram` that deals with voice chats."""

    world: World
    media: MediaServer

    # --- the voice chat ---------------------------------------------------------------------------------------
    def start_voice_chat(
        self, chat: Chat, by: Account, title: str | None = None, *, rtmp: bool = False, join_muted: bool = False
    ) -> GroupCall:
        """Start one (and end the one that runs). ``rtmp``: a livestream fed by streaming software."""
        call = self.world.calls.create(chat, by, title, rtmp=rtmp)
        call.join_muted = join_muted
        return call

    def schedule_voice_chat(self, chat: Chat, by: Account, in_s: int, title: str | None = None) -> GroupCall:
        """Announce one; it does not start by itself."""
        return self.world.calls.create(chat, by, title, starts_at=int(self.world.server.now()) + in_s)

    def start_scheduled_voice_chat(self, chat: Chat, by: Account) -> GroupCall:
        """Start the one that was announced.

        :raises ValueError: there is none.
        """
        call = self.voice_chat(chat)
        if call.starts_at is None:
            raise ValueError(f"the voice chat of {chat.title} has started already")
        self.world.calls.start(call, by)
        return call

    def end_voice_chat(self, chat: Chat, by: Account) -> None:
        """End the one that runs.

        :raises ValueError: there is none.
        """
        self.world.calls.end(self.voice_chat(chat), by)

    def voice_chat(self, chat: Chat) -> GroupCall:
        """The one that runs, or is scheduled.

        :raises ValueError: there is none.
        """
        if chat.call is None:
            raise ValueError(f"{chat.title} has no voice chat")
        return chat.call

    def in_voice_chat(self, chat: Chat) -> list[Account]:
        """Who is in it; nobody when there is none."""
        return [participant.account for participant in chat.call.participants.values()] if chat.call else []

    # --- people without a client ------------------------------------------------------------------------------
    def enter_voice_chat(self, chat: Chat, account: Account, *, as_chat: Chat | None = None, muted: bool = False) -> None:
        """Somebody comes in without a client: counted and shown as everybody else, never heard, and never timed out."""
        payload = {"ssrc": secrets.randbelow(2**31 - 1) + 1}
        self.world.calls.join(self.voice_chat(chat), account, None, Entry(payload=payload, muted=muted, as_chat=as_chat, is_extra=True))

    def exit_voice_chat(self, chat: Chat, account: Account) -> None:
        """Somebody leaves the voice chat.

        :raises ValueError: there is none, or the person is not in it.
        """
        self._check_inside(chat, account)
        self.world.calls.leave(self.voice_chat(chat), account)

    def crowd(self, chat: Chat, size: int) -> None:
        """Let exactly ``size`` such extras be in the voice chat; people are made up as needed, and are members of the chat."""
        call = self.voice_chat(chat)
        inside = [p.account for p in call.participants.values() if p.is_extra]
        for account in inside[size:]:
            self.world.calls.leave(call, account)
        for _ in range(size - len(inside)):
            guest = self.world.accounts.add(Account(id=self.world.accounts.fresh_id(), first_name="Guest"))
            chat.place(guest, Role.MEMBER, int(self.world.server.now()))
            self.enter_voice_chat(chat, guest)

    # --- what happens to those in it --------------------------------------------------------------------------
    def mute_by_admin(self, chat: Chat, account: Account, muted: bool = True) -> None:
        """As an admin would; False only allows the person to unmute.

        :raises ValueError: the person is not in it.
        """
        self._check_inside(chat, account)
        call = self.voice_chat(chat)
        self.world.calls.mute_by_admin(call, call.participants[account.id], muted)
        self.world.calls.changed(call, call.participants[account.id])

    def drop_media(self, chat: Chat, account: Account) -> None:
        """As if the media of a participant had timed out: the server takes it out of the voice chat, and says so.

        :raises ValueError: the person is not in it.
        """
        self.exit_voice_chat(chat, account)

    def lose_media(self, chat: Chat, account: Account, on: bool = True) -> None:
        """Swallow all media of and to a participant, so that the connection times out by and by; or no longer."""
        self.media.black_hole(self.voice_chat(chat).id, account.id, on)

    def skip_call_version(self, chat: Chat) -> None:
        """Leave a gap in the versions of the voice chat's updates."""
        self.world.calls.skip_versions(self.voice_chat(chat))

    def _check_inside(self, chat: Chat, account: Account) -> None:
        if account.id not in self.voice_chat(chat).participants:
            raise ValueError(f"{account.first_name} is not in the voice chat")
