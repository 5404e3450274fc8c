"""The methods ``phone.…GroupCall…``: who may do what, with the error names of the method pages."""

from __future__ import annotations

import asyncio
import json
from typing import Any, Final

from telethon.tl import functions as f
from telethon.tl import types as t

from errors import ParleyError
from loopback.mtproto.wire import IntVector, RpcFailure, Tl
from loopback.world.chats import Chat
from loopback.world.context import Context
from loopback.world.group_call import CallParticipant, GroupCall
from loopback.world.group_calls import GroupCalls, signed
from loopback.world.registry import Caller, answers

FEWEST_SHOWN: Final = 3
DEFAULT_PAGE: Final = 100
VOLUMES: Final = range(1, 20_001)
REPEAT_AFTER_S: Final = 0.05


class GroupCallMethods:
    """Checks, then :class:`GroupCalls`."""

    def __init__(self, context: Context, calls: GroupCalls) -> None:
        self._context = context
        self._calls = calls

    # --- starting and ending ----------------------------------------------------------------------------------
    @answers(f.phone.CreateGroupCallRequest)
    def create(self, caller: Caller, request: Tl) -> Tl:
        """``phone.createGroupCall``: ends the call that runs, if any."""
        chat = self._context.peers.resolve(caller, request.peer)
        if not isinstance(chat, Chat):
            raise RpcFailure(400, "PEER_ID_INVALID")
        if not chat.may_manage_calls(caller.id):
            raise RpcFailure(400, "CHAT_ADMIN_REQUIRED")
        if request.schedule_date is not None:
            raise RpcFailure(400, "SCHEDULE_DATE_INVALID")
        before = chat.call
        call = self._calls.create(chat, caller.account, request.title, caller.session)
        calls = [before, call] if before else [call]
        return self._answer(caller, call, [self._calls.call_update(each, caller.account) for each in calls])

    @answers(f.phone.DiscardGroupCallRequest)
    def discard(self, caller: Caller, request: Tl) -> Tl:
        """``phone.discardGroupCall``."""
        call = self._named(caller, request.call)
        if not call.chat.may_manage_calls(caller.id):
            raise RpcFailure(403, "GROUPCALL_FORBIDDEN")
        if call.ended:
            raise RpcFailure(400, "GROUPCALL_ALREADY_DISCARDED")
        self._calls.end(call, caller.account, caller.session)
        return self._answer(caller, call, [self._calls.call_update(call, caller.account)])

    @answers(f.phone.ToggleGroupCallSettingsRequest)
    def settings(self, caller: Caller, request: Tl) -> Tl:
        """``phone.toggleGroupCallSettings``: ``join_muted`` only."""
        call = self._open(caller, request.call)
        if not call.chat.may_manage_calls(caller.id):
            raise RpcFailure(403, "GROUPCALL_FORBIDDEN")
        if request.join_muted is None or request.join_muted == call.join_muted:
            raise RpcFailure(400, "GROUPCALL_NOT_MODIFIED")
        call.join_muted = request.join_muted
        self._calls.announce(call, caller.session)
        return self._answer(caller, call, [self._calls.call_update(call, caller.account)])

    # --- joining and leaving ----------------------------------------------------------------------------------
    @answers(f.phone.JoinGroupCallRequest)
    def join(self, caller: Caller, request: Tl) -> Tl:
        """``phone.joinGroupCall``; a second join of the same account takes the place of the first."""
        call = self._open(caller, request.call)
        self._check_join_as(caller, request.join_as)
        payload = _payload(request.params.data)
        self._check_source(call, caller, payload)
        try:
            offered = self._calls.join(call, caller.account, caller.session, payload, bool(request.muted))
        except ParleyError as error:
            raise RpcFailure(400, "DATA_JSON_INVALID") from error
        answer = t.UpdateGroupCallConnection(t.DataJSON(json.dumps(offered)))
        if self._context.settings.repeat_connection_push:
            again = self._context.render.bundle(caller.account, [answer])
            asyncio.get_running_loop().call_later(REPEAT_AFTER_S, caller.session.push, again)
        update = self._calls.participant_update(call, call.participants[caller.id], just_joined=True, versioned=True)
        updates = [self._calls.call_update(call, caller.account), update(caller.account, full=True), answer]
        return self._answer(caller, call, updates)

    def _check_join_as(self, caller: Caller, join_as: Tl) -> None:
        if isinstance(join_as, t.InputPeerSelf):
            return
        if not isinstance(join_as, t.InputPeerUser) or join_as.user_id != caller.id:
            raise RpcFailure(400, "JOIN_AS_PEER_INVALID")

    def _check_source(self, call: GroupCall, caller: Caller, payload: dict[str, Any]) -> None:
        ssrc = payload.get("ssrc")
        taken = {p.source for p in call.participants.values() if p.account is not caller.account}
        if not isinstance(ssrc, int) or ssrc == 0 or signed(ssrc) in taken:
            raise RpcFailure(400, "GROUPCALL_SSRC_DUPLICATE_MUCH")

    @answers(f.phone.LeaveGroupCallRequest)
    def leave(self, caller: Caller, request: Tl) -> Tl:
        """``phone.leaveGroupCall``; the source is not looked at, as clients send 0."""
        call = self._named(caller, request.call)
        if call.ended or caller.id not in call.participants:
            raise RpcFailure(400, "GROUPCALL_INVALID")
        return self._answer(caller, call, self._calls.leave(call, caller.account, caller.session))

    @answers(f.phone.CheckGroupCallRequest)
    def check(self, caller: Caller, request: Tl) -> Tl:
        """``phone.checkGroupCall``: which of the sources are the caller's and still in the call."""
        call = self._named(caller, request.call)
        if call.ended:
            raise RpcFailure(400, "GROUPCALL_INVALID")
        mine = call.participants.get(caller.id)
        if mine is None:
            raise RpcFailure(400, "GROUPCALL_JOIN_MISSING")
        return IntVector(source for source in request.sources if source == mine.source)

    @answers(f.phone.JoinGroupCallPresentationRequest)
    def present(self, caller: Caller, request: Tl) -> Tl:
        """``phone.joinGroupCallPresentation``: there is no screen sharing here."""
        self._open(caller, request.call)
        raise RpcFailure(403, "PARTICIPANT_JOIN_MISSING")

    @answers(f.phone.LeaveGroupCallPresentationRequest)
    def stop_presenting(self, caller: Caller, request: Tl) -> Tl:
        """``phone.leaveGroupCallPresentation``."""
        call = self._named(caller, request.call)
        return self._answer(caller, call, [])

    # --- looking ----------------------------------------------------------------------------------------------
    @answers(f.phone.GetGroupCallRequest)
    def get(self, caller: Caller, request: Tl) -> Tl:
        """``phone.getGroupCall``: the call and its first participants."""
        call = self._named(caller, request.call)
        if call.ended and not self._context.settings.ended_call_is_shown:
            raise RpcFailure(400, "GROUPCALL_INVALID")
        page, following = _page(list(call.participants.values()), 0, max(FEWEST_SHOWN, _limit(request.limit)))
        render, viewer = self._context.render, caller.account
        return t.phone.GroupCall(
            render.call(call, viewer),
            [render.participant(p, viewer) for p in page],
            following,
            [render.chat(call.chat, viewer)],
            [render.passer_by(p.account, viewer) for p in page],
        )

    @answers(f.phone.GetGroupParticipantsRequest)
    def participants(self, caller: Caller, request: Tl) -> Tl:
        """``phone.getGroupParticipants``: by page, by person or by source."""
        call = self._named(caller, request.call)
        if call.ended:
            raise RpcFailure(400, "GROUPCALL_INVALID")
        wanted = self._wanted(caller, call, request)
        page, following = _page(wanted, int(request.offset or 0), _limit(request.limit))
        render, viewer = self._context.render, caller.account
        return t.phone.GroupParticipants(
            len(call.participants),
            [render.participant(p, viewer) for p in page],
            following,
            [render.chat(call.chat, viewer)],
            [render.passer_by(p.account, viewer) for p in page],
            call.version,
        )

    def _wanted(self, caller: Caller, call: GroupCall, request: Tl) -> list[CallParticipant]:
        everybody = list(call.participants.values())
        if not request.ids and not request.sources:
            return everybody
        people = [self._context.peers.user(caller, peer) for peer in request.ids]
        return [p for p in everybody if p.account in people or p.source in request.sources]

    @answers(f.phone.GetGroupCallJoinAsRequest)
    def join_as(self, caller: Caller, request: Tl) -> Tl:
        """``phone.getGroupCallJoinAs``: oneself only."""
        me = self._context.render.user(caller.account, caller.account)
        return t.phone.JoinAsPeers([t.PeerUser(caller.id)], [], [me])

    # --- participants -----------------------------------------------------------------------------------------
    @answers(f.phone.EditGroupCallParticipantRequest)
    def edit_participant(self, caller: Caller, request: Tl) -> Tl:
        """``phone.editGroupCallParticipant``: mute and volume."""
        call = self._open(caller, request.call)
        account = self._context.peers.user(caller, request.participant)
        participant = call.participants.get(account.id)
        if participant is None:
            raise RpcFailure(400, "PARTICIPANT_JOIN_MISSING")
        told = False
        if request.volume is not None:
            told |= self._set_volume(caller, call, participant, request.volume)
        if request.muted is not None:
            told |= self._set_muted(caller, call, participant, request.muted)
        if told:
            self._calls.changed(call, participant, caller.session)
        update = self._calls.participant_update(call, participant)
        return self._answer(caller, call, [update(caller.account, full=True)], participant)

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

    # --- what they share --------------------------------------------------------------------------------------
    def _named(self, caller: Caller, named: Tl) -> GroupCall:
        """The call, running or ended, of a group the caller is in."""
        call = self._calls.get(getattr(named, "id", 0))
        if call is None or named.access_hash != call.access_hash:
            raise RpcFailure(400, "GROUPCALL_INVALID")
        if not call.chat.has(caller.id):
            raise RpcFailure(403, "GROUPCALL_FORBIDDEN")
        return call

    def _open(self, caller: Caller, named: Tl) -> GroupCall:
        """The call, if it runs."""
        call = self._named(caller, named)
        if call.ended:
            raise RpcFailure(403, "GROUPCALL_FORBIDDEN")
        return call

    def _answer(self, caller: Caller, call: GroupCall, updates: list[Tl], about: CallParticipant | None = None) -> Tl:
        people = [caller.account] if about is None else [caller.account, about.account]
        return self._context.render.bundle(caller.account, updates, people, [call.chat])


def _payload(data: str) -> dict[str, Any]:
    try:
        payload = json.loads(data)
    except ValueError:
        raise RpcFailure(400, "DATA_JSON_INVALID") from None
    if not isinstance(payload, dict):
        raise RpcFailure(400, "DATA_JSON_INVALID")
    if not isinstance(payload.get("ufrag"), str) or not isinstance(payload.get("pwd"), str) or not payload.get("fingerprints"):
        raise RpcFailure(400, "DATA_JSON_INVALID")
    return payload


def _limit(asked: int) -> int:
    """Nought or less means the server's own page size."""
    return asked if asked > 0 else DEFAULT_PAGE


def _page(participants: list[CallParticipant], offset: int, limit: int) -> tuple[list[CallParticipant], str]:
    """One page, and the offset of the next one ('' at the end)."""
    end = offset + limit
    return participants[offset:end], str(end) if end < len(participants) else ""
