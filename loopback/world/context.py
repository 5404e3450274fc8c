"""The parts that every family of methods works with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from loopback.settings import LoopbackSettings
from loopback.world.accounts import Accounts
from loopback.world.chats import Chats
from loopback.world.delivery import Delivery
from loopback.world.peers import Peers
from loopback.world.rendering import Renderer


@dataclass(frozen=True, slots=True)
class Context:
    """Handed to each service. ``now`` is the server's time in Unix seconds."""

    accounts: Accounts
    chats: Chats
    peers: Peers
    render: Renderer
    delivery: Delivery
    settings: LoopbackSettings
    now: Callable[[], float]
