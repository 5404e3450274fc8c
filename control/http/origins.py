"""Whether a request comes from where it may: the right name of this server, no page of somebody else. Pure."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

LOOPBACK_NAME: Final = "localhost"


@dataclass(frozen=True, slots=True)
class Places:
    """Under which names the server is reached besides this machine's own, and of which other origins pages may use it."""

    names: frozenset[str] = frozenset()
    origins: frozenset[str] = frozenset()

    def is_ours(self, host: str) -> bool:
        """Whether a Host header names this server.

        An attacker can have a name of theirs lead to this machine (DNS rebinding), and a browser takes their page for one of ours then;
        so a name must be known. Addresses cannot be made to lead elsewhere.
        """
        name = name_of(host)
        return name == LOOPBACK_NAME or name in self.names or _is_address(name)

    def may_ask(self, origin: str, host: str) -> bool:
        """Whether a page of ``origin`` may use the server that it reaches as ``host``: its own pages may, and those of the settings."""
        parts = urlsplit(origin)
        if origin in self.origins:
            return True
        if parts.scheme not in ("http", "https") or not parts.netloc:
            return False
        return parts.netloc.lower() == host.lower() or (_same_port(parts.netloc, host) and _is_here(parts.netloc) and _is_here(host))


def name_of(host: str) -> str:
    """A Host header without its port."""
    if host.startswith("["):
        return host[1:].partition("]")[0].lower()
    return host.partition(":")[0].rstrip(".").lower()


def origin_of(url: str) -> str:
    """Scheme, name and port of an address, as browsers write them."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}".lower()


def _port_of(host: str) -> str:
    return host.rpartition("]")[2].partition(":")[2]


def _same_port(one: str, other: str) -> bool:
    return _port_of(one) == _port_of(other)


def _is_here(host: str) -> bool:
    name = name_of(host)
    return name == LOOPBACK_NAME or (_is_address(name) and ipaddress.ip_address(name).is_loopback)


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
