"""What the sound of calls needs of the network: an interface that is up, and UDP."""

from __future__ import annotations

import asyncio
import os
import socket
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Final

from doctor.finding import Finding, failure, ok, warning

INTERFACES: Final = Path("/sys/class/net")
IS_UP: Final = 0x1
IS_LOOPBACK: Final = 0x8
TELEGRAM: Final = ("149.154.167.51", 443)
"""Data centre 2; connecting a UDP socket sends nothing, and shows from which address it would be sent."""
STUN_COOKIE: Final = 0x2112A442
"""RFC 8489, section 5."""
STUN_REQUEST: Final = 0x0001
STUN_SUCCESS: Final = 0x0101
TRIES: Final = 3
WAIT_S: Final = 1.0
LET_UDP_OUT: Final = "Let UDP through the firewall (outgoing, any port), or use another network."


def interface(folder: Path = INTERFACES, address: Callable[[], str | None] | None = None) -> Finding:
    """An interface that is up, besides the loopback one, and a way out."""
    up = _interfaces_up(folder) if folder.is_dir() else ["a network interface"]
    if not up:
        return failure("No network interface is up: calls have no way for their sound.", "Connect this machine to a network.")
    found = (address or outgoing_address)()
    if found is None:
        return warning(
            f"{', '.join(up)} is up, but there is no way from here to the internet.", "Check the cable, the Wi-Fi or the gateway."
        )
    return ok(f"{', '.join(up)} is up; packets leave from {found}.")


def _interfaces_up(folder: Path) -> list[str]:
    flags = {each.name: int((each / "flags").read_text(), 16) for each in sorted(folder.iterdir()) if (each / "flags").is_file()}
    return [name for name, bits in flags.items() if bits & IS_UP and not bits & IS_LOOPBACK]


def outgoing_address() -> str | None:
    """The address of this machine from which packets to Telegram leave, if there is a way."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(TELEGRAM)
        except OSError:
            return None
        name: str = probe.getsockname()[0]
        return name


async def udp(stun: str | None = None, address: Callable[[], str | None] | None = None, wait_s: float = WAIT_S) -> Finding:
    """A packet to ourselves over the outgoing address; with ``stun`` (``host:port`` of a STUN server) also one out and back."""
    own = (address or outgoing_address)()
    if own is None:
        return warning("UDP was not tried: there is no way to the internet.", "Connect this machine to a network.")
    try:
        arrived = await asyncio.to_thread(_to_itself, own, wait_s)
    except OSError as error:
        return failure(f"UDP cannot be used ({error}).", LET_UDP_OUT)
    if not arrived:
        return failure(
            f"UDP packets do not arrive, not even from {own} to itself.", "Check the firewall of this machine (nft, iptables, ufw)."
        )
    if stun is None:
        return ok("UDP works on this machine; whether the network lets it out is tried with --stun HOST:PORT.")
    return await asyncio.to_thread(_out_and_back, stun, wait_s)


def _to_itself(own: str, wait_s: float) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        one.bind((own, 0))
        other.bind((own, 0))
        other.settimeout(wait_s)
        word = os.urandom(16)
        one.sendto(word, other.getsockname())
        try:
            return other.recv(64) == word
        except TimeoutError:
            return False


def _out_and_back(stun: str, wait_s: float) -> Finding:
    host, _, port = stun.rpartition(":")
    if not host or not port.isdecimal():
        return failure(f"--stun is {stun!r}: it should be HOST:PORT.", "Name a STUN server, such as stun.example.org:3478.")
    try:
        answered = _ask_stun(host, int(port), wait_s)
    except OSError as error:
        return failure(f"The STUN server {stun} cannot be asked ({error}).", "Check the name of the server, and the network.")
    if not answered:
        return failure(f"The STUN server {stun} did not answer: UDP does not get out of this network, or not back in.", LET_UDP_OUT)
    return ok(f"UDP gets out and back: the STUN server {stun} answered.")


def _ask_stun(host: str, port: int, wait_s: float) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.settimeout(wait_s)
        for _ in range(TRIES):
            transaction = os.urandom(12)
            probe.sendto(struct.pack("!HHI", STUN_REQUEST, 0, STUN_COOKIE) + transaction, (host, port))
            try:
                answer = probe.recv(2048)
            except (TimeoutError, ConnectionRefusedError):
                continue
            if len(answer) >= 20 and struct.unpack("!H", answer[:2])[0] == STUN_SUCCESS and answer[8:20] == transaction:
                return True
    return False
