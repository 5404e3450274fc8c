"""One TCP connection of a client: packets in, messages told apart, requests handed on."""

from __future__ import annotations

import asyncio
import logging
import struct
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from telethon.tl import functions as f
from telethon.tl import types as t
from telethon.tl.core import GzipPacked, MessageContainer

from loopback.mtproto.crypto import decrypt_from_client
from loopback.mtproto.handshake import Handshake
from loopback.mtproto.session import REPLY, Session
from loopback.mtproto.transport import Channel, recognise
from loopback.mtproto.wire import ProtocolViolation, Tl, decode

if TYPE_CHECKING:
    from loopback.mtproto.server import MTProtoServer

log = logging.getLogger(__name__)

KEY_UNKNOWN: Final = struct.pack("<i", -404)
MAX_UNSENT_BYTES: Final = 64 << 20
OLDEST_MESSAGE_S: Final = 300
YOUNGEST_MESSAGE_S: Final = 30
MESSAGE_TOO_OLD: Final = 16
MESSAGE_TOO_NEW: Final = 17
WRONG_SALT: Final = 48


class Connection:
    """Reads until the client goes; writes whatever its sessions send. ``account_id`` is whose packets have come last."""

    def __init__(self, server: MTProtoServer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.closing = False
        self.session: Session | None = None
        self.account_id: int | None = None
        self._server = server
        self._reader = reader
        self._writer = writer
        self._channel: Channel | None = None
        self._handshake = Handshake(server.rsa_key, server.fingerprint, server.now, server.add_key)
        self._disconnect: asyncio.TimerHandle | None = None

    def account_ids(self) -> set[int | None]:
        """Whose connection it is: of the newest session, and of the last packet."""
        return {self.account_id, self.session.account_id if self.session else None}

    def write(self, packet: bytes) -> None:
        """Queue one packet; a client that does not read is cut off."""
        if self._channel is None or self.closing:
            return
        self._writer.write(self._channel.frame(packet))
        if self._writer.transport.get_write_buffer_size() > MAX_UNSENT_BYTES:
            self.close(abort=True)

    def close(self, abort: bool = False) -> None:
        """End the connection; ``abort`` resets it without sending what is queued."""
        self.closing = True
        if self._disconnect is not None:
            self._disconnect.cancel()
        if abort:
            self._writer.transport.abort()
        else:
            self._writer.close()

    async def run(self) -> None:
        """Serve until the client goes, breaks the protocol or is cut off."""
        try:
            self._channel = await recognise(self._reader)
            while not self.closing:
                self._packet(await self._channel.read())
                await self._writer.drain()
        except (asyncio.IncompleteReadError, ProtocolViolation, OSError) as error:
            log.debug("connection ended: %r", error)
        except Exception as error:
            log.exception("connection failed")
            self._server.report(f"connection: {error!r}")
        finally:
            self.close()

    def _packet(self, packet: bytes) -> None:
        if len(packet) < 24:
            return
        (key_id,) = struct.unpack_from("<Q", packet)
        if key_id == 0:
            (length,) = struct.unpack_from("<i", packet, 16)
            answer = self._handshake.answer(packet[20 : 20 + length])
            self.write(struct.pack("<qqi", 0, self._server.message_id(REPLY), len(answer)) + answer)
        else:
            self._encrypted(key_id, packet)

    def _encrypted(self, key_id: int, packet: bytes) -> None:
        authorisation = self._server.authorisations.get(key_id)
        if authorisation is None:
            self.write(KEY_UNKNOWN)
            return
        self.account_id = authorisation.account_id
        if self.account_id in self._server.shut_out:
            return
        plain = decrypt_from_client(authorisation.key.key, packet[8:])
        salt, session_id, message_id, sequence, length = struct.unpack_from("<qqqii", plain)
        session, is_new = self._server.session(authorisation, session_id)
        session.outlet = self
        if is_new or self.session is None:
            # Telethon may flush a packet of its previous session through a new connection: pushes go to the newest session.
            self.session = session
        refusal = self._refusal(salt, message_id, sequence)
        if refusal is not None:
            session.send(refusal, content=False)
        if is_new:
            session.send(self._server.session_created(message_id))
        if refusal is None:
            self._message(session, message_id, decode(plain[32 : 32 + length]))

    def _refusal(self, salt: int, message_id: int, sequence: int) -> Tl | None:
        now = self._server.now()
        if not self._server.salts.accepts(salt, now):
            return t.BadServerSalt(message_id, sequence, WRONG_SALT, self._server.salts.at(now))
        ahead_s = (message_id >> 32) - now
        if ahead_s < -OLDEST_MESSAGE_S:
            return t.BadMsgNotification(message_id, sequence, MESSAGE_TOO_OLD)
        if ahead_s > YOUNGEST_MESSAGE_S:
            return t.BadMsgNotification(message_id, sequence, MESSAGE_TOO_NEW)
        return None

    def _message(self, session: Session, message_id: int, message: Tl) -> None:
        while isinstance(message, GzipPacked):
            message = decode(message.data)
        if isinstance(message, MessageContainer):
            for inner in message.messages:
                self._message(session, inner.msg_id, inner.obj)
        elif (answer := _SERVICE.get(type(message))) is not None:
            answer(self, session, message_id, message)
        else:
            self._server.request(session, self, message_id, message)

    def _pong(self, session: Session, message_id: int, message: Tl) -> None:
        if self._server.answers_pings:
            session.send(t.Pong(message_id, message.ping_id), content=False)

    def _pong_or_disconnect(self, session: Session, message_id: int, message: Tl) -> None:
        if self._disconnect is not None:
            self._disconnect.cancel()
        self._disconnect = asyncio.get_running_loop().call_later(message.disconnect_delay, self.close)
        self._pong(session, message_id, message)

    def _future_salts(self, session: Session, message_id: int, message: Tl) -> None:
        session.send(self._server.salts.future(message_id, message.num, self._server.now()), content=False)

    def _destroy_session(self, session: Session, message_id: int, message: Tl) -> None:
        session.send(t.DestroySessionOk(message.session_id), content=False)

    def _nothing(self, session: Session, message_id: int, message: Tl) -> None:
        pass


_SERVICE: Final[dict[type, Callable[[Connection, Session, int, Tl], None]]] = {
    f.PingRequest: Connection._pong,
    f.PingDelayDisconnectRequest: Connection._pong_or_disconnect,
    f.GetFutureSaltsRequest: Connection._future_salts,
    f.DestroySessionRequest: Connection._destroy_session,
    t.MsgsAck: Connection._nothing,
    t.MsgsStateInfo: Connection._nothing,
}
