"""A brain around another one: what it does not do differently, the one inside does."""

from __future__ import annotations

from collections.abc import Sequence

from brain.engine import Brain, Message


class BrainAround:
    """``brain``, with another way to reply; who derives from it says which."""

    def __init__(self, brain: Brain) -> None:
        self._brain = brain

    @property
    def name(self) -> str:
        """The name of the brain inside."""
        return self._brain.name

    async def load(self) -> None:
        """See :meth:`brain.engine.Brain.load`."""
        await self._brain.load()

    async def prefill(self, messages: Sequence[Message]) -> None:
        """See :meth:`brain.engine.Brain.prefill`."""
        await self._brain.prefill(messages)

    async def close(self) -> None:
        """See :meth:`brain.engine.Brain.close`."""
        await self._brain.close()
