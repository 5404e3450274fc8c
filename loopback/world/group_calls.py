"""Voice chats: what happens in them and who is told. https://core.telegram.org/api/group-calls."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any, Final

from telethon.tl import types as t

from loopback.media_seam import MediaServer
from loopback.mtproto.session import Session
from loopback.mtproto.wire import Tl
from loopback.world.accounts import Account
from loopback.world.chats import Chat
from loopback.world.context import Context
from loopback.world.delivery import UpdatesFor
from loopback.world.group_call import CallParticipant, GroupCall
from loopback.world.messages import Messages

MAX_ENDED: Final = 200


class GroupCalls:
    """All voice chats; of the ended ones the last.

    Joining and leaving raise a call's version; other changes are told at the version there is.
    What goes to everybody is the ``min`` form; the person who asked gets the full one in the answer.
    """

    def __init__(self, context: Context, messages: Messages, media: MediaServer) -> None:
        self._context = context
        self._messages = messages
        self._media = media
        self._calls: dict[int, GroupCall] = {}

    def __iter__(self) -> Iterator[GroupCall]:
        return iter(tuple(self._calls.values()))

    def get(self, call_id: int) -> GroupCall | None:
        """The call with this id, running or ended."""
        return self._calls.get(call_id)

    # --- the life of a call -----------------------------------------------------------------------------------
    def create(self, chat: Chat, starter: Account, title: str | None = None, skip: Session | None = None) -> GroupCall:
        """Start a voice chat; one that runs already is ended by it."""
        if chat.call is not None:
            self.end(chat.call, starter, skip)
        call = GroupCall(_random_id(), _random_id(), chat, self._context.now(), title or None)
        self._calls[call.id] = chat.call = call
        for old in [known for known in self._calls.values() if known.ended][:-MAX_ENDED]:
            del self._calls[old.id]
        self._messages.post(chat, starter, action=t.MessageActionGroupCall(call.input()))
        self.announce(call, skip)
        return call

    def end(self, call: GroupCall, by: Account, skip: Session | None = None) -> None:
        """End a voice chat for everybody."""
        call.ended_at, call.chat.call = self._context.now(), None
        for account_id in call.participants:
            self._media.leave(call.id, account_id)
        call.participants.clear()
        self.announce(call, skip)
        action = t.MessageActionGroupCall(call.input(), duration=call.duration_s(self._context.now()))
        self._messages.post(call.chat, by, action=action)

    def join(self, call: GroupCall, account: Account, session: Session | None, payload: dict[str, Any], muted: bool) -> dict[str, Any]:
        """Let somebody in (again); gives the answer of the media server.

        :raises errors.ParleyError: the media server cannot use the payload; nothing has changed.
        """
        answer = self._media.join(call.id, account.id, payload)
        participant = CallParticipant(account, signed(payload["ssrc"]), self._context.now(), session, muted)
        if call.join_muted and not call.chat.is_admin(account.id):
            participant.muted, participant.may_unmute = True, False
        self._media.set_muted(call.id, account.id, participant.muted)
        call.participants[account.id] = participant
        call.version += 1
        self._tell(call, self.participant_update(call, participant, just_joined=True, versioned=True), [account], session)
        return answer

    def leave(self, call: GroupCall, account: Account, skip: Session | None = None) -> list[Tl]:
        """Let somebody go; the updates as that person's own request is answered with them.

        Pushed to the person's own sessions (no ``skip``) it means that the server has dropped the media connection.
        """
        participant = call.participants.pop(account.id)
        self._media.leave(call.id, account.id)
        call.version += 1
        update = self.participant_update(call, participant, left=True, versioned=True)
        self._tell(call, update, [account], skip)
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
        """By an admin: a member cannot undo it, an admin can; lifting it only allows the person to unmute."""
        if muted:
            participant.muted, participant.may_unmute = True, call.chat.is_admin(participant.account.id)
        else:
            participant.may_unmute = True
        self._muted(call, participant)

    def _muted(self, call: GroupCall, participant: CallParticipant) -> None:
        self._media.set_muted(call.id, participant.account.id, participant.muted)

    # --- telling ----------------------------------------------------------------------------------------------
    def announce(self, call: GroupCall, skip: Session | None = None) -> None:
        """Tell the group how the call stands."""
        self._context.delivery.to_chat(call.chat, lambda viewer: [self.call_update(call, viewer, broadcast=True)], skip=skip)

    def changed(self, call: GroupCall, participant: CallParticipant, skip: Session | None = None) -> None:
        """Tell the group of a change of one participant that raises no version."""
        update = self.participant_update(call, participant)
        self._context.delivery.to_chat(call.chat, lambda viewer: [update(viewer)], [participant.account], skip)

    def call_update(self, call: GroupCall, viewer: Account, *, broadcast: bool = False) -> Tl:
        """``updateGroupCall``."""
        return t.UpdateGroupCall(call=self._context.render.call(call, viewer, broadcast=broadcast), peer=t.PeerChannel(call.chat.id))

    def participant_update(self, call: GroupCall, participant: CallParticipant, **flags: bool) -> _ParticipantUpdate:
        """``updateGroupCallParticipants`` at the version of now."""
        return _ParticipantUpdate(self._context, call, participant, flags)

    def _tell(self, call: GroupCall, update: _ParticipantUpdate, people: list[Account], skip: Session | None) -> None:
        updates: UpdatesFor = lambda viewer: [update(viewer), self.call_update(call, viewer, broadcast=True)]  # noqa: E731
        self._context.delivery.to_chat(call.chat, updates, people, skip)


class _ParticipantUpdate:
    """One update about one participant, made for each viewer."""

    def __init__(self, context: Context, call: GroupCall, participant: CallParticipant, flags: dict[str, bool]) -> None:
        self._context = context
        self._call = call.input()
        self._version = call.version
        self._participant = participant
        self._flags = flags

    def __call__(self, viewer: Account, *, full: bool = False) -> Tl:
        shown = self._context.render.participant_update(self._participant, viewer, full=full, **self._flags)
        return t.UpdateGroupCallParticipants(self._call, [shown], self._version)


def signed(source: int) -> int:
    """An SSRC as TL carries it: a signed 32-bit number."""
    return (int(source) + 2**31) % 2**32 - 2**31


def _random_id() -> int:
    return int.from_bytes(os.urandom(7), "big")
