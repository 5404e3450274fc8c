"""The server: listens, keeps keys and sessions, runs requests and answers them."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import time
from collections import OrderedDict, deque
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, Final

import rsa
from telethon.crypto import AuthKey
from telethon.crypto import rsa as client_rsa
from telethon.tl import functions as f
from telethon.tl import types as t
from telethon.tl.core import GzipPacked

from loopback.mtproto.connection import Connection
from loopback.mtproto.crypto import process_rsa_key
from loopback.mtproto.salts import Salts
from loopback.mtproto.session import HOME_DC, Authorisation, Session
from loopback.mtproto.wire import RpcFailure, Tl, decode

log = logging.getLogger(__name__)

HOST: Final = "127.0.0.1"
MAX_SESSIONS: Final = 500
MAX_UNUSED_KEYS: Final = 200
MAX_REPORTS: Final = 200

Handler = Callable[[Session, Tl], Awaitable[Tl]]
"""Answers a request, or raises :class:`RpcFailure`."""


class MTProtoServer:
    """A data centre on 127.0.0.1.

    ``clock_skew_s`` shifts its clock against that of this machine, ``answers_pings`` False lets connections look dead. What comes from
    the accounts (by id) in ``shut_out`` is lost on the way. ``errors`` lists what failed inside (never caused by a client's mistake),
    newest last, bounded.
    """

    def __init__(
        self, handler: Handler, rsa_key: rsa.PrivateKey | None = None, port: int = 0, clock: Callable[[], float] = time.time
    ) -> None:
        self.rsa_key = rsa_key or process_rsa_key()
        self.port = port
        self.host = HOST
        self.clock_skew_s = 0.0
        self.answers_pings = True
        self.shut_out: set[int] = set()
        self.salts = Salts()
        self.authorisations: dict[int, Authorisation] = {}
        self.connections: dict[Connection, asyncio.Task[Any] | None] = {}
        self.errors: deque[str] = deque(maxlen=MAX_REPORTS)
        self._clock = clock
        self._handler = handler
        self._sessions: OrderedDict[tuple[int, int], Session] = OrderedDict()
        self._listener: asyncio.Server | None = None
        self._requests: set[asyncio.Task[None]] = set()
        self._last_message_id = 0
        self._public_key = rsa.PublicKey(self.rsa_key.n, self.rsa_key.e)
        self.fingerprint: int = client_rsa._compute_fingerprint(self._public_key)

    @property
    def public_pem(self) -> str:
        """What a client needs for the key exchange: PKCS#1 PEM."""
        pem: bytes = self._public_key.save_pkcs1()
        return pem.decode()

    async def start(self) -> None:
        """Listen; an ephemeral port is kept for later starts."""
        self._listener = await asyncio.start_server(self._accept, self.host, self.port)
        self.port = self._listener.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Stop listening, cut all connections, cancel what runs. :meth:`start` brings the server back with its keys."""
        if self._listener is not None:
            self._listener.close()
            self._listener = None
        self.drop()
        for task in tuple(self._requests):
            task.cancel()
        serving = [task for task in self.connections.values() if task is not None]
        await asyncio.gather(*self._requests, *serving, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = Connection(self, reader, writer)
        self.connections[connection] = asyncio.current_task()
        try:
            # asyncio.start_server takes a cancelled handler for a failure of its own.
            with contextlib.suppress(asyncio.CancelledError):
                await connection.run()
        finally:
            del self.connections[connection]

    def drop(self, account_id: int | None = None) -> int:
        """Reset the connections of one account or of all; how many there were."""
        doomed = [c for c in self.connections if account_id is None or account_id in c.account_ids()]
        for connection in doomed:
            connection.close(abort=True)
        return len(doomed)

    def now(self) -> float:
        """The server's time, Unix seconds."""
        return self._clock() + self.clock_skew_s

    def message_id(self, tail: int) -> int:
        """A fresh, growing message id; ``tail`` is 1 for answers and 3 for pushes."""
        now = self.now()
        fresh = (int(now) << 32 | int(now % 1 * 2**30) << 2) & ~3
        self._last_message_id = max(fresh, self._last_message_id + 4)
        return self._last_message_id | tail

    def add_key(self, key: bytes) -> Authorisation:
        """Make an authorisation key known; of those that nobody is signed in with, the oldest are forgotten."""
        authorisation = Authorisation(AuthKey(key))
        self.authorisations[authorisation.key.key_id] = authorisation
        unused = [key_id for key_id, other in self.authorisations.items() if other.account_id is None]
        for key_id in unused[:-MAX_UNUSED_KEYS]:
            del self.authorisations[key_id]
        return authorisation

    def session(self, authorisation: Authorisation, session_id: int) -> tuple[Session, bool]:
        """The session, and whether it is new."""
        place = authorisation.key.key_id, session_id
        known = self._sessions.get(place)
        if known is not None and known.authorisation is authorisation:
            return known, False
        session = self._sessions[place] = Session(authorisation, session_id, self.message_id, lambda: self.salts.at(self.now()))
        while len(self._sessions) > MAX_SESSIONS:
            self._sessions.popitem(last=False)
        return session, True

    def session_created(self, first_message_id: int) -> Tl:
        """What a client is told about a session it has just begun."""
        return t.NewSessionCreated(first_message_id, int.from_bytes(os.urandom(7), "big"), self.salts.at(self.now()))

    def live_sessions(self, account_id: int) -> Iterable[Session]:
        """The sessions of an account that take pushes now."""
        for connection in tuple(self.connections):
            session = connection.session
            if session and not connection.closing and session.account_id == account_id and session.authorisation.dc == HOME_DC:
                yield session

    def sessions_of(self, authorisation: Authorisation) -> list[Session]:
        """The live sessions that use one key, whether anybody is signed in or not."""
        sessions = [connection.session for connection in self.connections if not connection.closing]
        return [session for session in sessions if session is not None and session.authorisation is authorisation]

    def report(self, error: str) -> None:
        """Note a failure of the server itself."""
        self.errors.append(error)

    def request(self, session: Session, connection: Connection, message_id: int, request: Tl) -> None:
        """Run one request beside the others."""
        task = asyncio.create_task(self._run(session, connection, message_id, request))
        self._requests.add(task)
        task.add_done_callback(self._requests.discard)
        session.remember(message_id, task)

    async def _run(self, session: Session, connection: Connection, message_id: int, request: Tl) -> None:
        request, after = _unwrapped(session, request)
        earlier = [session.requests[i] for i in after if i in session.requests]
        if earlier:
            await asyncio.wait(earlier)
        value = await self._answer(session, connection, request)
        try:
            session.answer(message_id, value)
        except Exception as error:
            log.exception("cannot send the answer to %s", type(request).__name__)
            self.report(f"{type(request).__name__} answer: {error!r}")
            session.answer(message_id, t.RpcError(400, "LOOPBACK_ANSWER_FAILED"))

    async def _answer(self, session: Session, connection: Connection, request: Tl) -> Tl:
        try:
            self._check_key(session.authorisation, connection)
            return await self._handler(session, request)
        except RpcFailure as failure:
            return t.RpcError(failure.code, failure.message)
        except Exception as error:
            log.exception("handling %s failed", type(request).__name__)
            self.report(f"{type(request).__name__}: {error!r}")
            # Not a 5xx: Telethon would try those again for ten seconds.
            return t.RpcError(400, "LOOPBACK_HANDLER_FAILED")

    def _check_key(self, authorisation: Authorisation, connection: Connection) -> None:
        signed_in = authorisation.account_id is not None and authorisation.dc == HOME_DC
        if signed_in and authorisation.used_in_parallel(connection):
            authorisation.dead, authorisation.account_id = "AUTH_KEY_DUPLICATED", None
        if authorisation.dead is not None:
            raise RpcFailure(406, authorisation.dead)


def _unwrapped(session: Session, request: Tl) -> tuple[Tl, list[int]]:
    """The request inside ``invokeWith…`` and ``initConnection``, and the requests it has to wait for."""
    after: list[int] = []
    no_updates = False
    while True:
        match request:
            case f.InvokeWithLayerRequest():
                session.layer = request.layer
            case f.InvokeWithoutUpdatesRequest():
                no_updates = True
            case f.InvokeAfterMsgRequest():
                after.append(request.msg_id)
            case f.InvokeAfterMsgsRequest():
                after += request.msg_ids
            case f.InitConnectionRequest():
                pass
            case _:
                session.no_updates = no_updates
                return request, after
        request = request.query
        if isinstance(request, bytes):
            request = decode(request)
        while isinstance(request, GzipPacked):
            request = decode(request.data)
