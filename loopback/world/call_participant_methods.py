"""The methods ``phone.…`` that show who is in a voice chat and change one participant, with the error names of the method pages."""

from __future__ import annotations

from typing import Final

from telethon.tl import functions as f
from telethon.tl import types as t

from loopback.mtproto.wire import RpcFailure, Tl
from loopback.world.call_access import CallAccess
from loopback.world.context import Context
from loopback.world.group_call import CallParticipant, GroupCall
from loopback.world.group_calls import GroupCalls
from loopback.world.registry import Caller, answers

FEWEST_SHOWN: Final = 3
DEFAULT_PAGE: Final = 100
VOLUMES: Final = range(1, 20_001)


class CallParticipantMethods:
    """Checks, then :class:`GroupCalls`."""

    def __init__(self, context: Context, calls: GroupCalls, access: CallAccess) -> None:
        self._context = context
        self._calls = calls
        self._access = access

    # --- looking ----------------------------------------------------------------------------------------------
    @answers(f.phone.GetGroupCallRequest)
    def get(self, caller: Caller, request: Tl) -> Tl:
        """``phone.getGroupCall``: the call and its first participants."""
        call = self._access.named(caller, request.call)
        if call.ended and not self._context.settings.ended_call_is_shown:
            raise RpcFailure(400, "GROUPCALL_INVALID")
        page, following = _page(list(call.participants.values()), 0, max(FEWEST_SHOWN, _limit(request.limit)))
        render, viewer = self._context.render, caller.account
        users, chats = render.call_people(page, viewer)
        return t.phone.GroupCall(
            render.call(call, viewer),
            [render.participant(p, viewer) for p in page],
            following,
            [render.chat(call.chat, viewer), *chats],
            users,
        )

    @answers(f.phone.GetGroupParticipantsRequest)
    def participants(self, caller: Caller, request: Tl) -> Tl:
        """``phone.getGroupParticipants``: by page, by person or by source."""
        call = self._access.named(caller, request.call)
        if call.ended:
            raise RpcFailure(400, "GROUPCALL_INVALID")
        wanted = self._wanted(caller, call, request)
        page, following = _page(wanted, int(request.offset or 0), _limit(request.limit))
        render, viewer = self._context.render, caller.account
        users, chats = render.call_people(page, viewer)
        return t.phone.GroupParticipants(
            len(call.participants),
            [render.participant(p, viewer) for p in page],
            following,
            [render.chat(call.chat, viewer), *chats],
            users,
            call.version,
        )

    def _wanted(self, caller: Caller, call: GroupCall, request: Tl) -> list[CallParticipant]:
        everybody = list(call.participants.values())
        if not request.ids and not request.sources:
            return everybody
        asked = [self._named(caller, call, peer) for peer in request.ids]
        return [p for p in everybody if p in asked or p.source in request.sources]

    def _named(self, caller: Caller, call: GroupCall, peer: Tl) -> CallParticipant | None:
        if isinstance(peer, t.InputPeerChannel):
            return call.named(t.PeerChannel(peer.channel_id))
        account = self._context.peers.user(caller, peer)
        participant = call.participants.get(account.id)
        hidden = participant is not None and participant.as_chat is not None and account is not caller.account
        return None if hidden else participant

    # --- changing ---------------------------------------------------------------------------------------------
    @answers(f.phone.EditGroupCallParticipantRequest)
    def edit(self, caller: Caller, request: Tl) -> Tl:
        """``phone.editGroupCallParticipant``: mute, volume and the raised hand. Not for RTMP streams."""
        call = self._access.open(caller, request.call)
        participant = self._named(caller, call, request.participant)
        if participant is None:
            raise RpcFailure(400, "PARTICIPANT_JOIN_MISSING")
        if call.rtmp:
            raise RpcFailure(403, "GROUPCALL_FORBIDDEN")
        told = False
        if request.volume is not None:
            told |= self._set_volume(caller, call, participant, request.volume)
        if request.muted is not None:
            told |= self._set_muted(caller, call, participant, request.muted)
        if request.raise_hand is not None:
            told |= self._set_hand(caller, call, participant, request.raise_hand)
        if told:
            self._calls.changed(call, participant, caller.session)
        update = self._calls.participant_update(call, participant)
        return self._access.answer(caller, call, [update(caller.account, full=True)], [participant])

    def _set_muted(self, caller: Caller, call: GroupCall, participant: CallParticipant, muted: bool) -> bool:
        """True when others are told."""
        if participant.account is caller.account:
            if not muted and participant.muted_by_admin:
                raise RpcFailure(403, "GROUPCALL_FORBIDDEN")
            self._calls.mute_self(call, participant, muted)
            return True
        if call.chat.may_manage_calls(caller.id):
            self._calls.mute_by_admin(call, participant, muted)
            return True
        (participant.muted_for.add if muted else participant.muted_for.discard)(caller.id)
        return False

    def _set_volume(self, caller: Caller, call: GroupCall, participant: CallParticipant, volume: int) -> bool:
        """True when others are told."""
        if volume not in VOLUMES:
            raise RpcFailure(400, "USER_VOLUME_INVALID")
        if call.chat.may_manage_calls(caller.id):
            participant.volume_by_admin = volume
            return True
        participant.volumes[caller.id] = volume
        return False

    def _set_hand(self, caller: Caller, call: GroupCall, participant: CallParticipant, raised: bool) -> bool:
        """One raises one's own hand while muted by an admin; oneself or an admin lowers it."""
        own = participant.account is caller.account
        if raised and not (own and participant.muted_by_admin):
            raise RpcFailure(400, "RAISE_HAND_FORBIDDEN")
        if not own and not call.chat.may_manage_calls(caller.id):
            raise RpcFailure(400, "RAISE_HAND_FORBIDDEN")
        self._calls.raise_hand(participant, raised)
        return True


def _limit(asked: int) -> int:
    """Nought or less means the server's own page size."""
    return asked if asked > 0 else DEFAULT_PAGE


def _page(participants: list[CallParticipant], offset: int, limit: int) -> tuple[list[CallParticipant], str]:
    """One page, and the offset of the next one ('' at the end)."""
    end = offset + limit
    return participants[offset:end], str(end) if end < len(participants) else ""
