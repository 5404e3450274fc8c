"""Invitations to encrypted calls of several people are declined."""

from __future__ import annotations

import asyncio
import inspect
import re
from typing import Any

import pytest
from pytgcalls.methods.utilities.start import Start
from telethon.errors import RPCError
from telethon.tl import functions, types

from calls.telegram.invitations import Invitations

BOB = 42
GROUP = types.PeerChannel(7)


class Client:
    """Telegram, as far as declining needs it."""

    def __init__(self, refusal: Exception | None = None) -> None:
        self.refusal = refusal
        self.asked: list[Any] = []
        self.handler: Any = None

    def add_event_handler(self, handler: Any, _event: Any) -> None:
        self.handler = handler

    async def __call__(self, request: Any) -> None:
        self.asked.append(request)
        if self.refusal:
            raise self.refusal


def invitation(out: bool = False, peer: Any = None, **action: Any) -> Any:
    message = types.MessageService(5, peer or types.PeerUser(BOB), out=out, action=types.MessageActionConferenceCall(call_id=1, **action))
    return types.UpdateNewMessage(message, 1, 1)


async def declined(client: Client, update: Any) -> list[int]:
    """Who is told."""
    told: list[int] = []
    invitations = Invitations(client, told.append)
    await client.handler(update)
    await asyncio.gather(*invitations._declining)
    return told


async def test_an_invitation_is_declined_and_who_has_invited_is_told() -> None:
    client = Client()
    assert await declined(client, invitation()) == [BOB]
    (request,) = client.asked
    assert isinstance(request, functions.phone.DeclineConferenceCallInviteRequest)
    assert request.msg_id == 5


@pytest.mark.parametrize("refusal", [RPCError(None, "MESSAGE_ID_INVALID", 400), ConnectionError()])
async def test_who_has_invited_is_told_even_where_telegram_does_not_decline(refusal: Exception) -> None:
    assert await declined(Client(refusal), invitation()) == [BOB]


@pytest.mark.parametrize(
    "update",
    [
        invitation(out=True),
        invitation(missed=True),
        invitation(active=True),
        invitation(duration=12),
        invitation(peer=GROUP),
        types.UpdateNewMessage(types.Message(5, types.PeerUser(BOB), None, "come!"), 1, 1),
    ],
)
async def test_what_is_no_invitation_any_more_is_left_alone(update: Any) -> None:
    client = Client()
    assert await declined(client, update) == []
    assert client.asked == []


def test_the_call_library_cannot_be_told_whose_a_sound_is() -> None:
    """The reason in docs/phoning.md: the native side gives this callback the chat and what it asks. With a library that takes both, joining
    such calls can be looked at anew."""
    callback = re.search(r"on_request_participants\(\s*lambda (.*?):", inspect.getsource(Start))
    assert callback
    assert callback[1] == "chat_id"
