"""What stands in the place of Telegram's calls where Parley works without an account."""

from __future__ import annotations

from calls.errors import CallError
from calls.reconciler import Outlook
from calls.state import CallState


class NoGroupCalls:
    """There are none, and none can begin."""

    async def join(self, chat_id: int, title: str, requested_by: int) -> None:
        """Never.

        :raises CallError: always.
        """
        raise _no_account()

    async def leave(self, chat_id: int) -> bool:
        """There is nothing to leave."""
        return False

    async def speak(self, chat_id: int, text: str, language: str | None = None, *, first: bool = False) -> bool:
        """Nobody hears it."""
        return False

    def state(self, chat_id: int) -> CallState:
        """Idle."""
        return CallState()

    def outlook(self, chat_id: int) -> Outlook | None:
        """None is wanted."""
        return None

    async def title_of(self, chat_id: int) -> str:
        """No chat is known.

        :raises CallError: always.
        """
        raise _no_account()

    @property
    def active(self) -> tuple[int, ...]:
        """None."""
        return ()

    @property
    def wanted(self) -> tuple[int, ...]:
        """None."""
        return ()


def _no_account() -> CallError:
    return CallError("Parley runs without a Telegram account.", "Set one up as the README says.")
