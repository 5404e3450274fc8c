"""What a viewer is shown of accounts, groups, messages and voice chats."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from telethon.tl import types as t

from loopback.mtproto.wire import Tl
from loopback.settings import LoopbackSettings
from loopback.world.access import AccessHashes
from loopback.world.accounts import Account
from loopback.world.chats import Chat, Role
from loopback.world.group_call import CallParticipant, GroupCall
from loopback.world.mailbox import Message


class Renderer:
    """Turns what there is into TL objects for one viewer."""

    def __init__(self, hashes: AccessHashes, settings: LoopbackSettings, now: Callable[[], float]) -> None:
        self._hashes = hashes
        self._settings = settings
        self._now = now

    def user(self, account: Account, viewer: Account) -> Tl:
        """An account in full."""
        return t.User(
            id=account.id,
            is_self=account is viewer,
            access_hash=self._hashes.of_user(viewer.id, account.id),
            first_name=account.first_name,
            last_name=account.last_name,
            username=account.username,
            phone=account.phone if account is viewer or account.id in viewer.contacts else None,
            status=t.UserStatusRecently(),
            contact=account.id in viewer.contacts,
        )

    def passer_by(self, account: Account, viewer: Account) -> Tl:
        """An account met in a group: in full if the viewer knows it, else ``min``."""
        if viewer.knows(account) or not self._settings.min_senders:
            return self.user(account, viewer)
        return t.User(
            id=account.id,
            min=True,
            access_hash=self._hashes.of_stranger(viewer.id, account.id),
            first_name=account.first_name,
            last_name=account.last_name,
            username=account.username,
        )

    def chat(self, chat: Chat, viewer: Account) -> Tl:
        """A group, or what is left of it for somebody who is out."""
        access_hash = self._hashes.of_chat(viewer.id, chat.id)
        if not chat.has(viewer.id):
            return t.ChannelForbidden(chat.id, access_hash, chat.title, megagroup=True)
        rights = chat.rights_of(viewer.id)
        return t.Channel(
            id=chat.id,
            title=chat.title,
            photo=t.ChatPhotoEmpty(),
            date=chat.date,
            megagroup=True,
            username=chat.username,
            access_hash=access_hash,
            creator=chat.role_of(viewer.id) is Role.CREATOR,
            participants_count=len(chat.member_ids),
            admin_rights=rights.tl() if rights else None,
            default_banned_rights=t.ChatBannedRights(until_date=0),
            call_active=chat.call is not None,
            call_not_empty=bool(chat.call and chat.call.participants),
        )

    def message(self, message: Message, viewer: Account) -> Tl:
        """A message."""
        content = message.content
        in_group = isinstance(message.peer, Chat)
        head = {
            "id": message.id,
            "peer_id": t.PeerChannel(message.peer.id) if in_group else t.PeerUser(message.peer.id),
            "from_id": t.PeerUser(content.sender.id),
            "date": content.date,
            "out": content.sender is viewer if in_group else message.out,
            "reply_to": self.reply_header(message),
        }
        if content.action is not None:
            return t.MessageService(action=content.action, **head)
        return t.Message(message=content.text, media=content.media, entities=content.entities, edit_date=content.edit_date, **head)

    def reply_header(self, message: Message) -> Tl:
        """What a message answers to, or None."""
        return t.MessageReplyHeader(reply_to_msg_id=message.reply_to) if message.reply_to else None

    def call(self, call: GroupCall, viewer: Account, *, broadcast: bool = False) -> Tl:
        """A voice chat; ``broadcast`` gives the ``min`` form that goes to everybody alike."""
        if call.ended:
            return t.GroupCallDiscarded(call.id, call.access_hash, call.duration_s(self._now()))
        common = {
            "id": call.id,
            "access_hash": call.access_hash,
            "participants_count": len(call.participants),
            "unmuted_video_limit": 30,
            "version": call.version,
            "join_muted": call.join_muted,
            "can_start_video": True,
            "title": call.title,
        }
        if broadcast:
            return t.GroupCall(min=True, **common)
        return t.GroupCall(can_change_join_muted=call.chat.may_manage_calls(viewer.id), **common)

    def participant(self, participant: CallParticipant, viewer: Account) -> Tl:
        """Somebody in a voice chat, as an answer to the viewer's own request shows it."""
        own_volume = participant.volumes.get(viewer.id)
        return self._participant(
            participant,
            is_self=participant.account is viewer,
            muted_by_you=viewer.id in participant.muted_for,
            volume=own_volume or participant.volume_by_admin,
            volume_by_admin=own_volume is None and participant.volume_by_admin is not None,
        )

    def participant_update(self, participant: CallParticipant, viewer: Account, *, full: bool, **flags: bool) -> Tl:
        """The same inside an update: ``min`` when it goes to everybody alike."""
        if full:
            shown = self.participant(participant, viewer)
        else:
            by_admin = participant.volume_by_admin
            shown = self._participant(participant, min=True, volume=by_admin, volume_by_admin=by_admin is not None)
        for name, value in flags.items():
            setattr(shown, name, value)
        return shown

    def _participant(self, participant: CallParticipant, **more: Tl) -> Tl:
        return t.GroupCallParticipant(
            peer=t.PeerUser(participant.account.id),
            date=int(participant.joined_at),
            source=participant.source,
            muted=participant.muted,
            can_self_unmute=participant.muted and participant.may_unmute,
            **more,
        )

    def bundle(self, viewer: Account, updates: list[Tl], users: Iterable[Account] = (), chats: Iterable[Chat] = ()) -> Tl:
        """Updates with everybody they speak of; people of a group are passers-by."""
        show = self.passer_by if (chats := list(chats)) else self.user
        return t.Updates(
            updates=updates,
            users=[show(account, viewer) for account in dict.fromkeys(users)],
            chats=[self.chat(chat, viewer) for chat in dict.fromkeys(chats)],
            date=int(self._now()),
            seq=0,
        )
