"""What is on its way to the far end of a WebSocket, in order: messages of text and of sound, sent by one task per call."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Final, Protocol

import drops
from drops import Drop

MOST_TEXTS: Final = 256
MOST_SOUNDS: Final = 3
"""More sound waits where it can still be cut."""


class Socket(Protocol):
    """The sending half of a WebSocket. Sending waits while the far end does not read."""

    async def send_bytes(self, data: bytes) -> None:
        """A binary message."""

    async def send_str(self, data: str) -> None:
        """A text message."""


class SocketSender:
    """A bounded queue. ``clock`` is monotonic, in seconds."""

    def __init__(self, socket: Socket, clock: Callable[[], float]) -> None:
        self._socket = socket
        self._clock = clock
        self._messages: deque[str | bytes] = deque()
        self._sounds = 0
        self._since_s: float | None = None
        self._wake = asyncio.Event()
        self._empty = asyncio.Event()
        self._empty.set()

    @property
    def has_room(self) -> bool:
        """More sound may be sent."""
        return self._sounds < MOST_SOUNDS

    def sound(self, data: bytes) -> None:
        """Put sound at the end of the queue; ask :attr:`has_room` first."""
        self._sounds += 1
        self._put(data)

    def text(self, message: str) -> bool:
        """Put a text at the end of the queue; whether there was room for it."""
        if len(self._messages) - self._sounds >= MOST_TEXTS:
            drops.note(Drop.MESSAGES_TO_CALLERS)
            return False
        self._put(message)
        return True

    def _put(self, message: str | bytes) -> None:
        self._messages.append(message)
        self._empty.clear()
        self._wake.set()

    def forget_sound(self) -> int:
        """Drop the sound that has not been sent; how many messages that were."""
        kept = [message for message in self._messages if isinstance(message, str)]
        gone = len(self._messages) - len(kept)
        self._messages = deque(kept)
        self._sounds = 0
        return gone

    @property
    def stuck_s(self) -> float:
        """For how long the far end has not taken what is being sent."""
        return 0.0 if self._since_s is None else self._clock() - self._since_s

    async def sent(self) -> None:
        """Wait until everything has been handed to the network."""
        await self._empty.wait()

    async def run(self) -> None:
        """Send until cancelled.

        :raises ConnectionError: the far end is gone; nothing more is sent.
        """
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._messages:
                message = self._messages.popleft()
                self._since_s = self._clock()
                if isinstance(message, str):
                    await self._socket.send_str(message)
                else:
                    self._sounds = max(0, self._sounds - 1)
                    await self._socket.send_bytes(message)
                self._since_s = None
            self._empty.set()
