"""Voice chats: what happens in them and who is told. https://core.telegram.org/api/group-calls."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from telethon.tl import types as t

from loopback.media_seam import MediaServer
from loopback.mtproto.session import Session
from loopback.mtproto.wire import Tl
from loopback.world import streaming
from loopback.world.accounts import Account
from loopback.world.chats import Chat
from loopback.world.context import Context
from loopback.world.delivery import UpdatesFor
from loopback.world.group_call import CallParticipant, GroupCall
from loopback.world.posting import Posting

MAX_ENDED: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """How somebody comes into a voice chat. ``may_speak`` by the link for speakers, whatever newcomers may."""

    payload: dict[str, Any]
    muted: bool = False
    as_chat: Chat | None = None
    may_speak: bool = False
    is_extra: bool = False


class GroupCalls:
    """All voice chats; of the ended ones the last.

    Joining and leaving raise a call's version; other changes are told at the version there is.
    What goes to everybody is the ``min`` form; the person who asked gets the full one in the answer.
    """

    def __init__(self, context: Context, posting: Posting, media: MediaServer) -> None:
        self._context = context
        self._posting = posting
        self._media = media
        self._calls: dict[int, GroupCall] = {}

    def __iter__(self) -> Iterator[GroupCall]:
        return iter(tuple(self._calls.values()))

    def get(self, call_id: int) -> GroupCall | None:
        """The call with this id, running or ended."""
        return self._calls.get(call_id)

    # --- the life of a call -----------------------------------------------------------------------------------
    def create(
        self,
        chat: Chat,
        starter: Account,
        title: str | None = None,
        skip: Session | None = None,
        *,
        starts_at: int | None = None,
        rtmp: bool = False,
    ) -> GroupCall:
        """Start (or schedule) a voice chat; one that runs already is ended by it."""
        if chat.call is not None:
            self.end(chat.call, starter, skip)
        call = GroupCall(_random_id(), _random_id(), chat, self._context.now(), title or None, starts_at=starts_at, rtmp=rtmp)
        self._calls[call.id] = chat.call = call
        for old in [known for known in self._calls.values() if known.ended][:-MAX_ENDED]:
            del self._calls[old.id]
        announced = t.MessageActionGroupCall(call.input())
        if starts_at is not None:
            announced = t.MessageActionGroupCallScheduled(call.input(), starts_at)
        self._posting.service(chat, starter, announced)
        self.announce(call, skip)
        return call

    def start(self, call: GroupCall, by: Account, skip: Session | None = None) -> None:
        """Start a scheduled voice chat; those who asked for it get a message of the service."""
        call.starts_at, call.started_at = None, self._context.now()
        call.version += 1
        self._posting.service(call.chat, by, t.MessageActionGroupCall(call.input()))
        self.announce(call, skip)
        for account_id in call.subscribers:
            self._posting.notify(self._context.accounts.of_id(account_id), f"The voice chat in {call.chat.title} has started.")

    def end(self, call: GroupCall, by: Account, skip: Session | None = None) -> None:
        """End a voice chat for everybody."""
        call.ended_at, call.chat.call = self._context.now(), None
        for account_id in call.participants:
            self._media.leave(call.id, account_id)
        call.participants.clear()
        self.announce(call, skip)
        action = t.MessageActionGroupCall(call.input(), duration=call.duration_s(self._context.now()))
        self._posting.service(call.chat, by, action)

    def join(self, call: GroupCall, account: Account, session: Session | None, entry: Entry) -> dict[str, Any]:
        """Let somebody in (again); gives the answer of the media server, or that of stream mode.

        :raises errors.ParleyError: the media server cannot use the payload; nothing has changed.
        """
        participant = self._newcomer(call, account, session, entry)
        participant.streams = call.rtmp or streaming.wants_stream(call, participant, self._context.settings)
        if participant.streams:
            self._media.leave(call.id, account.id)
            answer = streaming.answer(call)
        else:
            answer = {} if entry.is_extra else self._media.join(call.id, account.id, entry.payload)
        before = call.participants.get(account.id)
        if before is not None and before.as_chat is not participant.as_chat:
            self.leave(call, account, session, keep_media=True)
        self._media.set_muted(call.id, account.id, participant.muted)
        call.participants[account.id] = participant
        call.version += 1
        self._tell(call, self.participant_update(call, participant, just_joined=True, versioned=True), session)
        return answer

    def _newcomer(self, call: GroupCall, account: Account, session: Session | None, entry: Entry) -> CallParticipant:
        now = self._context.now()
        participant = CallParticipant(account, signed(entry.payload["ssrc"]), now, session, entry.muted)
        participant.as_chat, participant.is_extra = entry.as_chat, entry.is_extra
        participant.checked_at = participant.fetched_at = now
        before = call.participants.get(account.id)
        if before is not None:
            participant.may_unmute, participant.hand_rating = before.may_unmute, before.hand_rating
        elif call.join_muted or call.chat.is_broadcast or call.rtmp:
            participant.may_unmute = entry.may_speak or call.chat.is_admin(account.id)
        participant.muted = entry.muted or not participant.may_unmute
        return participant

    def leave(self, call: GroupCall, account: Account, skip: Session | None = None, *, keep_media: bool = False) -> list[Tl]:
        """Let somebody go; the updates as that person's own request is answered with them.

        Pushed to the person's own sessions (no ``skip``) it means that the server has dropped the media connection.
        """
        participant = call.participants.pop(account.id)
        if not keep_media:
            self._media.leave(call.id, account.id)
        call.version += 1
        update = self.participant_update(call, participant, left=True, versioned=True)
        self._tell(call, update, skip)
        return [update(account, full=True), self.call_update(call, account)]

    def skip_versions(self, call: GroupCall, count: int = 1) -> None:
        """Raise the version without telling: the next versioned update leaves a gap."""
        call.version += count

    # --- muting -----------------------------------------------------------------------------------------------
    def mute_self(self, call: GroupCall, participant: CallParticipant, muted: bool) -> None:
        """One's own microphone."""
        participant.muted = muted
        self._muted(call, participant)

    def mute_by_admin(self, call: GroupCall, participant: CallParticipant, muted: bool) -> None:
        """By an admin: a member cannot undo it, an admin can; lifting it only allows the person to unmute, and lowers the hand."""
        if muted:
            participant.muted, participant.may_unmute = True, call.chat.is_admin(participant.account.id)
        else:
            participant.may_unmute, participant.hand_rating = True, None
        self._muted(call, participant)

    def _muted(self, call: GroupCall, participant: CallParticipant) -> None:
        self._media.set_muted(call.id, participant.account.id, participant.muted)

    def raise_hand(self, participant: CallParticipant, raised: bool) -> None:
        """Ask to speak, or no longer."""
        participant.hand_rating = int(self._context.now() * 1000) if raised else None

    # --- telling ----------------------------------------------------------------------------------------------
    def announce(self, call: GroupCall, skip: Session | None = None) -> None:
        """Tell the chat how the call stands."""
        self._context.delivery.to_chat(call.chat, lambda viewer: [self.call_update(call, viewer, broadcast=True)], skip=skip)

    def changed(self, call: GroupCall, participant: CallParticipant, skip: Session | None = None) -> None:
        """Tell the chat of a change of one participant that raises no version."""
        update = self.participant_update(call, participant)
        self._context.delivery.to_chat(
            call.chat, lambda viewer: [update(viewer)], shown_people(participant), skip, shown_chats(participant)
        )

    def call_update(self, call: GroupCall, viewer: Account, *, broadcast: bool = False) -> Tl:
        """``updateGroupCall``."""
        return t.UpdateGroupCall(call=self._context.render.call(call, viewer, broadcast=broadcast), peer=call.chat.peer)

    def participant_update(self, call: GroupCall, participant: CallParticipant, **flags: bool) -> _ParticipantUpdate:
        """``updateGroupCallParticipants`` at the version of now."""
        return _ParticipantUpdate(self._context, call, participant, flags)

    def _tell(self, call: GroupCall, update: _ParticipantUpdate, skip: Session | None) -> None:
        updates: UpdatesFor = lambda viewer: [update(viewer), self.call_update(call, viewer, broadcast=True)]  # noqa: E731
        people, chats = shown_people(update.participant), shown_chats(update.participant)
        self._context.delivery.to_chat(call.chat, updates, people, skip, chats)


class _ParticipantUpdate:
    """One update about one participant, made for each viewer."""

    def __init__(self, context: Context, call: GroupCall, participant: CallParticipant, flags: dict[str, bool]) -> None:
        self.participant = participant
        self._context = context
        self._call = call.input()
        self._version = call.version
        self._flags = flags

    def __call__(self, viewer: Account, *, full: bool = False) -> Tl:
        shown = self._context.render.participant_update(self.participant, viewer, full=full, **self._flags)
        return t.UpdateGroupCallParticipants(self._call, [shown], self._version)


def shown_people(participant: CallParticipant) -> list[Account]:
    """The participant's account, unless it appears as a chat."""
    return [participant.account] if participant.as_chat is None else []


def shown_chats(participant: CallParticipant) -> list[Chat]:
    """The chat as which a participant appears, if any."""
    return [] if participant.as_chat is None else [participant.as_chat]


def signed(source: int) -> int:
    """An SSRC as TL carries it: a signed 32-bit number."""
    return (int(source) + 2**31) % 2**32 - 2**31


def _random_id() -> int:
    return int.from_bytes(os.urandom(7), "big")
