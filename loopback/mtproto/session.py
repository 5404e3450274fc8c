"""Authorisation keys, and the sessions that clients hold with them."""

from __future__ import annotations

import asyncio
import struct
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, Protocol

from telethon.crypto import AuthKey

from loopback.mtproto.crypto import encrypt_to_client
from loopback.mtproto.wire import Tl, encode, encode_result

HOME_DC: Final = 2
REMEMBERED_REQUESTS: Final = 200
REPLY: Final = 1
PUSH: Final = 3


class Outlet(Protocol):
    """A connection that packets can be written to."""

    closing: bool

    def write(self, packet: bytes) -> None:
        """Queue one packet."""


@dataclass(slots=True, eq=False, weakref_slot=True)
class Authorisation:
    """One authorisation key and whose it is.

    ``dead`` is the error name (sent with code 406) of a key that can never be used again. ``dc`` other than the home DC marks a key
    made for fetching files, which gets no updates.
    """

    key: AuthKey
    account_id: int | None = None
    dc: int = HOME_DC
    dead: str | None = None
    senders: list[Outlet] = field(default_factory=list)

    def used_in_parallel(self, outlet: Outlet) -> bool:
        """Note that ``outlet`` carries a request of this key; True when a younger live connection has carried one already.

        A client that reconnects never goes back to its old connection, so it is not taken for two clients.
        """
        self.senders = [other for other in self.senders if not other.closing]
        if outlet not in self.senders:
            self.senders.append(outlet)
        return outlet is not self.senders[-1]


class Session:
    """What a client talks through: an authorisation key and the session id the client chose."""

    def __init__(self, authorisation: Authorisation, session_id: int, message_id: Callable[[int], int], salt: Callable[[], int]) -> None:
        self.authorisation = authorisation
        self.id = session_id
        self.outlet: Outlet | None = None
        self.no_updates = False
        self.layer = 0
        self.requests: OrderedDict[int, asyncio.Task[None]] = OrderedDict()
        self._message_id = message_id
        self._salt = salt
        self._content_sent = 0

    @property
    def account_id(self) -> int | None:
        """Who is signed in, if anybody."""
        return self.authorisation.account_id

    def remember(self, message_id: int, task: asyncio.Task[None]) -> None:
        """Keep a request's task for those that ask to run after it."""
        self.requests[message_id] = task
        while len(self.requests) > REMEMBERED_REQUESTS:
            self.requests.popitem(last=False)

    def send(self, value: Tl, *, content: bool = True, kind: int = REPLY) -> bool:
        """Encrypt and write one message; False when the client is away, which loses it."""
        if self.outlet is None or self.outlet.closing:
            return False
        body = encode(value)
        sequence = self._content_sent * 2 + content
        self._content_sent += content
        head = struct.pack("<qqqii", self._salt(), self.id, self._message_id(kind), sequence, len(body))
        key = self.authorisation.key
        self.outlet.write(struct.pack("<Q", key.key_id) + encrypt_to_client(key.key, head + body))
        return True

    def answer(self, request_id: int, value: Tl) -> None:
        """Answer a request."""
        self.send(encode_result(request_id, value))

    def push(self, updates: Tl) -> bool:
        """Send what was not asked for; False when it did not go out."""
        return not self.no_updates and self.send(updates, kind=PUSH)
