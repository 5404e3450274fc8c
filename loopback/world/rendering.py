"""What a viewer is shown of accounts, groups, messages and voice chats."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from telethon.tl import types as t

from loopback.mtproto.session import HOME_DC
from loopback.mtproto.wire import Tl
from loopback.settings import LoopbackSettings
from loopback.world.access import AccessHashes
from loopback.world.accounts import Account
from loopback.world.chats import Chat, Role
from loopback.world.group_call import CallParticipant, GroupCall
from loopback.world.mailbox import Content, Message
from loopback.world.rights import UNRESTRICTED


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
        """A chat, or what is left of it for somebody who is out."""
        return self._basic_group(chat, viewer) if chat.is_basic else self._channel(chat, viewer)

    def _basic_group(self, chat: Chat, viewer: Account) -> Tl:
        role = chat.role_of(viewer.id)
        if role is Role.BANNED:
            return t.ChatForbidden(chat.id, chat.title)
        rights = chat.rights_of(viewer.id)
        return t.Chat(
            id=chat.id,
            title=chat.title,
            photo=t.ChatPhotoEmpty(),
            participants_count=len(chat.member_ids),
            date=chat.date,
            version=chat.version,
            creator=role is Role.CREATOR,
            left=role is Role.LEFT,
            admin_rights=rights.tl() if rights and role is Role.ADMIN else None,
            default_banned_rights=t.ChatBannedRights(until_date=None),
            call_active=chat.call is not None,
            call_not_empty=bool(chat.call and chat.call.participants),
        )

    def _channel(self, chat: Chat, viewer: Account) -> Tl:
        access_hash = self._hashes.of_chat(viewer.id, chat.id)
        kind = {"megagroup": not chat.is_broadcast, "broadcast": chat.is_broadcast}
        if viewer.id not in chat.places:
            return t.Channel(chat.id, chat.title, t.ChatPhotoEmpty(), chat.date, left=True, min=True, access_hash=access_hash, **kind)
        if not chat.has(viewer.id):
            return t.ChannelForbidden(chat.id, access_hash, chat.title, **kind)
        rights, restrictions = chat.rights_of(viewer.id), chat.restrictions_of(viewer.id)
        return t.Channel(
            id=chat.id,
            title=chat.title,
            photo=t.ChatPhotoEmpty(),
            date=chat.date,
            **kind,
            username=chat.username,
            access_hash=access_hash,
            creator=chat.role_of(viewer.id) is Role.CREATOR,
            slowmode_enabled=chat.slow_mode_s > 0,
            participants_count=len(chat.member_ids),
            admin_rights=rights.tl() if rights else None,
            banned_rights=restrictions.tl() if restrictions != UNRESTRICTED else None,
            default_banned_rights=t.ChatBannedRights(until_date=None),
            call_active=chat.call is not None,
            call_not_empty=bool(chat.call and chat.call.participants),
        )

    def message(self, message: Message, viewer: Account) -> Tl:
        """A message."""
        content, peer = message.content, message.peer
        in_chat = isinstance(peer, Chat)
        head = {
            "id": message.id,
            "peer_id": peer.peer if isinstance(peer, Chat) else t.PeerUser(peer.id),
            "from_id": self._author(message),
            "date": content.date,
            "out": content.sender is viewer if in_chat else message.out,
            "post": isinstance(peer, Chat) and peer.is_broadcast,
            "media_unread": content.unheard,
            "reply_to": self.reply_header(message),
        }
        if content.action is not None:
            return t.MessageService(action=content.action, **head)
        return t.Message(
            message=content.text,
            media=content.media,
            entities=content.entities,
            edit_date=content.edit_date,
            fwd_from=self.forward_header(content),
            via_bot_id=content.via_bot.id if content.via_bot else None,
            **head,
        )

    def _author(self, message: Message) -> Tl:
        """Who a message is from; None in channels, and by setting for those who write as the group."""
        content, peer = message.content, message.peer
        if isinstance(peer, Chat) and peer.is_broadcast:
            return None
        if content.as_chat is None:
            return t.PeerUser(content.sender.id)
        return content.as_chat.peer if content.as_chat is not peer or self._settings.anonymous_sender_named else None

    def reply_header(self, message: Message) -> Tl:
        """What a message answers to, or None."""
        return t.MessageReplyHeader(reply_to_msg_id=message.reply_to) if message.reply_to else None

    def forward_header(self, content: Content) -> Tl:
        """Where a message was forwarded from, or None."""
        if content.forwarded_from is None:
            return None
        return t.MessageFwdHeader(date=content.date, from_id=t.PeerUser(content.forwarded_from.id))

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
            "rtmp_stream": call.rtmp,
            "record_start_date": call.recorded_since,
            "schedule_date": call.starts_at,
        }
        if broadcast:
            return t.GroupCall(min=True, **common)
        return t.GroupCall(
            can_change_join_muted=call.chat.may_manage_calls(viewer.id),
            schedule_start_subscribed=viewer.id in call.subscribers,
            stream_dc_id=HOME_DC if call.streams else None,
            **common,
        )

    def call_people(self, participants: Iterable[CallParticipant], viewer: Account) -> tuple[list[Tl], list[Tl]]:
        """The users and the chats as which people are in a voice chat."""
        listed = list(participants)
        users = [self.passer_by(p.account, viewer) for p in listed if p.as_chat is None]
        return users, [self.chat(chat, viewer) for chat in dict.fromkeys(p.as_chat for p in listed if p.as_chat is not None)]

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
            peer=participant.peer,
            date=int(participant.joined_at),
            source=participant.source,
            muted=participant.muted,
            can_self_unmute=participant.muted and participant.may_unmute,
            active_date=participant.active_at,
            raise_hand_rating=participant.hand_rating,
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
