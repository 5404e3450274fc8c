"""The methods ``phone.…`` with which one comes into a voice chat, stays in it and leaves it, with the error names of the method pages."""

from __future__ import annotations

import asyncio
import json
from typing import Any, Final

from telethon.tl import functions as f
from telethon.tl import types as t

from errors import ParleyError
from loopback.mtproto.wire import IntVector, RpcFailure, Tl
from loopback.world.call_access import CallAccess
from loopback.world.chats import Chat
from loopback.world.context import Context
from loopback.world.group_call import GroupCall
from loopback.world.group_calls import Entry, GroupCalls, signed
from loopback.world.registry import Caller, answers
from loopback.world.streaming import Streams

REPEAT_AFTER_S: Final = 0.05


class CallJoinMethods:
    """Checks, then :class:`GroupCalls`."""

    def __init__(self, context: Context, calls: GroupCalls, access: CallAccess, streams: Streams) -> None:
        self._context = context
        self._calls = calls
        self._access = access
        self._streams = streams

    # --- joining and leaving ----------------------------------------------------------------------------------
    @answers(f.phone.JoinGroupCallRequest)
    def join(self, caller: Caller, request: Tl) -> Tl:
        """``phone.joinGroupCall``; a second join of the same account takes the place of the first."""
        call = self._access.open(caller, request.call)
        if call.starts_at is not None:
            raise RpcFailure(403, "GROUPCALL_FORBIDDEN")
        as_chat = self._chosen(caller, call.chat, request.join_as)
        payload = _payload(request.params.data)
        self._check_source(call, caller, payload)
        may_speak = bool(call.speaker_hash) and request.invite_hash == call.speaker_hash
        entry = Entry(payload=payload, muted=bool(request.muted), as_chat=as_chat, may_speak=may_speak)
        try:
            offered = self._calls.join(call, caller.account, caller.session, entry)
        except ParleyError as error:
            raise RpcFailure(400, "DATA_JSON_INVALID") from error
        connection = t.UpdateGroupCallConnection(t.DataJSON(json.dumps(offered)))
        self._maybe_repeat(caller, connection)
        mine = call.participants[caller.id]
        update = self._calls.participant_update(call, mine, just_joined=True, versioned=True)
        updates = [self._calls.call_update(call, caller.account), update(caller.account, full=True), connection]
        return self._access.answer(caller, call, updates, [mine])

    def _maybe_repeat(self, caller: Caller, connection: Tl) -> None:
        if self._context.settings.repeat_connection_push:
            again = self._context.render.bundle(caller.account, [connection])
            asyncio.get_running_loop().call_later(REPEAT_AFTER_S, caller.session.push, again)

    def _check_source(self, call: GroupCall, caller: Caller, payload: dict[str, Any]) -> None:
        ssrc = payload.get("ssrc")
        taken = {p.source for p in call.participants.values() if p.account is not caller.account}
        if not isinstance(ssrc, int) or ssrc == 0 or signed(ssrc) in taken:
            raise RpcFailure(400, "GROUPCALL_SSRC_DUPLICATE_MUCH")

    @answers(f.phone.LeaveGroupCallRequest)
    def leave(self, caller: Caller, request: Tl) -> Tl:
        """``phone.leaveGroupCall``; the source is not looked at, as clients send 0."""
        call = self._access.named(caller, request.call)
        if call.ended or caller.id not in call.participants:
            raise RpcFailure(400, "GROUPCALL_INVALID")
        mine = call.participants[caller.id]
        return self._access.answer(caller, call, self._calls.leave(call, caller.account, caller.session), [mine])

    @answers(f.phone.CheckGroupCallRequest)
    def check(self, caller: Caller, request: Tl) -> Tl:
        """``phone.checkGroupCall``: which of the sources are the caller's and still in the call."""
        mine = self._access.joined(caller, request.call)
        mine.checked_at = self._context.now()
        return IntVector(source for source in request.sources if source == mine.source)

    @answers(f.phone.JoinGroupCallPresentationRequest)
    def present(self, caller: Caller, request: Tl) -> Tl:
        """``phone.joinGroupCallPresentation``: there is no screen sharing here."""
        self._access.open(caller, request.call)
        raise RpcFailure(403, "PARTICIPANT_JOIN_MISSING")

    @answers(f.phone.LeaveGroupCallPresentationRequest)
    def stop_presenting(self, caller: Caller, request: Tl) -> Tl:
        """``phone.leaveGroupCallPresentation``."""
        return self._access.answer(caller, self._access.named(caller, request.call), [])

    # --- stream mode ------------------------------------------------------------------------------------------
    @answers(f.phone.GetGroupCallStreamChannelsRequest)
    def stream_channels(self, caller: Caller, request: Tl) -> Tl:
        """``phone.getGroupCallStreamChannels``: the newest piece."""
        return self._streams.channels(self._access.joined(caller, request.call))

    # --- appearing as a chat ----------------------------------------------------------------------------------
    @answers(f.phone.GetGroupCallJoinAsRequest)
    def join_as(self, caller: Caller, request: Tl) -> Tl:
        """``phone.getGroupCallJoinAs``: oneself, the group for its anonymous admins, and one's own channels."""
        render, chats = self._context.render, self._own_chats(caller, self._chat(caller, request.peer))
        return t.phone.JoinAsPeers(
            [t.PeerUser(caller.id), *(chat.peer for chat in chats)],
            [render.chat(chat, caller.account) for chat in chats],
            [render.user(caller.account, caller.account)],
        )

    @answers(f.phone.SaveDefaultGroupCallJoinAsRequest)
    def save_join_as(self, caller: Caller, request: Tl) -> bool:
        """``phone.saveDefaultGroupCallJoinAs``: shown in the full chat from now on."""
        chat = self._chat(caller, request.peer)
        chosen = self._chosen(caller, chat, request.join_as)
        if chosen is None:
            chat.join_as.pop(caller.id, None)
        else:
            chat.join_as[caller.id] = chosen
        return True

    def _chat(self, caller: Caller, peer: Tl) -> Chat:
        chat = self._context.peers.resolve(caller, peer)
        if not isinstance(chat, Chat):
            raise RpcFailure(400, "PEER_ID_INVALID")
        return chat

    def _own_chats(self, caller: Caller, chat: Chat) -> list[Chat]:
        channels = [other for other in self._context.chats.of(caller.id) if other.is_broadcast and other.is_admin(caller.id)]
        anonymous = chat.is_anonymous(caller.id) and chat not in channels
        return [chat, *channels] if anonymous else channels

    def _chosen(self, caller: Caller, chat: Chat, join_as: Tl) -> Chat | None:
        """The chat as which the caller wants to appear; None as oneself.

        :raises RpcFailure: JOIN_AS_PEER_INVALID.
        """
        if isinstance(join_as, t.InputPeerSelf) or getattr(join_as, "user_id", None) == caller.id:
            return None
        chosen = next((own for own in self._own_chats(caller, chat) if own.id == getattr(join_as, "channel_id", None)), None)
        if chosen is None:
            raise RpcFailure(400, "JOIN_AS_PEER_INVALID")
        return chosen


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
