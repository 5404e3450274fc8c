"""The group-call media server: one UDP socket, ICE-lite, DTLS-SRTP, Opus forwarded by SSRC to everybody else in the call."""

from __future__ import annotations

import asyncio
import itertools
import logging
import random
import socket
import time
from collections import defaultdict, deque
from collections.abc import Callable, Iterable
from typing import Any, Final

from aioice import stun

from loopback.media import answer, packets
from loopback.media.connection import Connection
from loopback.media.dtls import Identity
from loopback.media.packets import Address, PacketKind
from loopback.media.payload import JoinPayload

log = logging.getLogger(__name__)

FIRST_PORT: Final = 32000
"""The real service answers with ports from 32000."""
LAST_PORT: Final = 32767
HELD_PACKETS: Final = 500
_RECEIVE_BUFFER_BYTES: Final = 4 << 20

Key = tuple[int, int]
"""A participant of a call: (call id, participant id)."""


class MediaServer:
    """Everything a voice chat's sound goes through. Calls and participants are named by the caller's own numbers.

    Faults: ``loss`` is the ratio of forwarded packets that are dropped (0 to 1), ``dead`` swallows every packet of everybody,
    :meth:`black_hole` those of one participant, :meth:`hold` delays them. Faults of a participant outlive his rejoining.
    With ``only_with_audio_level`` a sound packet without the audio-level extension reaches nobody, as on the real service.
    """

    def __init__(
        self,
        host: str = "127.0.0.1",
        *,
        only_with_audio_level: bool = True,
        clock: Callable[[], float] = time.monotonic,
        rng: random.Random | None = None,
    ) -> None:
        self.host = host
        self.port = 0
        self.loss = 0.0
        self.dead = False
        self._only_with_audio_level = only_with_audio_level
        self._clock = clock
        self._rng = rng or random.Random()
        self._identity = Identity()
        self._transport: asyncio.DatagramTransport | None = None
        self._calls: defaultdict[int, dict[int, Connection]] = defaultdict(dict)
        self._keys: dict[str, Key] = {}
        self._keys_by_address: dict[Address, Key] = {}
        self._muted: set[Key] = set()
        self._black_holes: set[Key] = set()
        self._held: dict[Key, deque[Callable[[], None]]] = {}

    async def start(self) -> None:
        """Open the socket.

        :raises OSError: no port is free.
        """
        udp = _bound_socket(self.host)
        self.port = udp.getsockname()[1]
        loop = asyncio.get_running_loop()
        self._transport, _ = await loop.create_datagram_endpoint(lambda: _Receiver(self._receive), sock=udp)

    async def stop(self) -> None:
        """Drop everybody and close the socket."""
        for call_id, members in list(self._calls.items()):
            for participant_id in list(members):
                self.leave(call_id, participant_id)
        if self._transport:
            self._transport.close()
            self._transport = None

    # ---- who is in a call

    def join(self, call_id: int, participant_id: int, payload: dict[str, Any]) -> dict[str, Any]:
        """Let somebody in (again: the old connection goes) and return the answer for the client.

        :raises loopback.media.payload.JoinPayloadError: the payload is incomplete.
        """
        offer = JoinPayload.parse(payload)
        self._forget(call_id, participant_id)
        connection = Connection(participant_id, offer, self._identity, self._sender(call_id, participant_id), self._clock())
        self._calls[call_id][participant_id] = connection
        self._keys[connection.ufrag] = (call_id, participant_id)
        return answer.build(
            ufrag=connection.ufrag,
            pwd=connection.pwd,
            fingerprint=self._identity.fingerprint,
            host=self.host,
            port=self.port,
            endpoint=f"{connection.ssrc:x}",
        )

    def leave(self, call_id: int, participant_id: int) -> None:
        """Let somebody go; nothing happens if he is not there."""
        self._forget(call_id, participant_id)
        self._muted.discard((call_id, participant_id))

    def set_muted(self, call_id: int, participant_id: int, muted: bool) -> None:
        """Whether the participant's sound is kept from the others; stays until he leaves."""
        _put(self._muted, (call_id, participant_id), muted)

    def silent_for_s(self, call_id: int, participant_id: int) -> float | None:
        """Seconds since the participant's last valid connectivity check; ``None`` if never connected (or not there)."""
        connection = self.connection(call_id, participant_id)
        return connection.silent_for_s(self._clock()) if connection else None

    def connection(self, call_id: int, participant_id: int) -> Connection | None:
        """The participant's connection, with its packet counts."""
        return self._calls.get(call_id, {}).get(participant_id)

    def _forget(self, call_id: int, participant_id: int) -> None:
        members = self._calls.get(call_id, {})
        connection = members.pop(participant_id, None)
        if connection is None:
            return
        self._keys.pop(connection.ufrag, None)
        if connection.address:
            self._keys_by_address.pop(connection.address, None)
        connection.close()
        if not members:
            self._calls.pop(call_id, None)

    # ---- faults

    def black_hole(self, call_id: int, participant_id: int, on: bool) -> None:
        """Swallow every packet from and to the participant: to him the network has gone, without a word."""
        _put(self._black_holes, (call_id, participant_id), on)

    def hold(self, call_id: int, participant_id: int, on: bool) -> None:
        """Keep the participant's packets, both ways, and let them go at once in the end: a network that stalls. The oldest fall out."""
        key = (call_id, participant_id)
        if on:
            self._held.setdefault(key, deque(maxlen=HELD_PACKETS))
        else:
            for deliver in self._held.pop(key, ()):
                deliver()

    # ---- packets

    def _sender(self, call_id: int, participant_id: int) -> Callable[[bytes, Address], None]:
        key = (call_id, participant_id)
        return lambda packet, address: self._pass(key, lambda: self._send(packet, address))

    def _send(self, packet: bytes, address: Address) -> None:
        if self._transport:
            self._transport.sendto(packet, address)

    def _receive(self, packet: bytes, address: Address) -> None:
        kind = packets.kind_of(packet)
        if kind is PacketKind.STUN:
            self._receive_check(packet, address)
            return
        key = self._keys_by_address.get(address)
        if key is None:
            return
        if kind is PacketKind.DTLS:
            self._pass(key, lambda: self._receive_dtls(key, packet))
        elif kind is PacketKind.RTP:
            self._pass(key, lambda: self._receive_sound(key, packet))

    def _pass(self, key: Key, deliver: Callable[[], None]) -> None:
        if self.dead or key in self._black_holes:
            return
        if (held := self._held.get(key)) is not None:
            held.append(deliver)
        else:
            deliver()

    def _receive_check(self, packet: bytes, address: Address) -> None:
        request = packets.binding_request(packet)
        if request is None:
            return
        key = self._keys.get(packets.local_ufrag(request))
        if key is not None:
            self._pass(key, lambda: self._answer_check(key, request, address))

    def _answer_check(self, key: Key, request: stun.Message, address: Address) -> None:
        connection = self.connection(*key)
        if connection is None:
            return
        before = connection.address
        if connection.check(request, address, self._clock()) and before != address:
            if before:
                self._keys_by_address.pop(before, None)
            self._keys_by_address[address] = key

    def _receive_dtls(self, key: Key, packet: bytes) -> None:
        connection = self.connection(*key)
        if connection is not None:
            connection.receive_dtls(packet)

    def _receive_sound(self, key: Key, packet: bytes) -> None:
        connection = self.connection(*key)
        plain = connection.decrypt(packet) if connection else None
        if plain is None or key in self._muted or packets.rtp_payload_type(plain) != answer.OPUS_PAYLOAD_TYPE:
            return
        if self._only_with_audio_level and not packets.has_audio_level(plain):
            return
        for listener in self._others(key):
            if not (self.loss and self._rng.random() < self.loss):
                listener.forward(plain)

    def _others(self, key: Key) -> Iterable[Connection]:
        call_id, participant_id = key
        return [member for member_id, member in self._calls.get(call_id, {}).items() if member_id != participant_id]


class _Receiver(asyncio.DatagramProtocol):
    def __init__(self, receive: Callable[[bytes, Address], None]) -> None:
        self._receive = receive

    def datagram_received(self, data: bytes, addr: Any) -> None:
        self._receive(data, (addr[0], addr[1]))

    def error_received(self, exc: Exception) -> None:
        log.debug("media socket: %s", exc)


def _bound_socket(host: str) -> socket.socket:
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    udp.setblocking(False)
    udp.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER_BYTES)
    for port in itertools.chain(range(FIRST_PORT, LAST_PORT + 1), [0]):
        try:
            udp.bind((host, port))
        except OSError:
            continue
        return udp
    udp.close()
    raise OSError(f"no free UDP port at {host}")


def _put(keys: set[Key], key: Key, present: bool) -> None:
    if present:
        keys.add(key)
    else:
        keys.discard(key)
