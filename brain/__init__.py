"""What to say: prompt, streaming language-model clients, clauses."""

from __future__ import annotations

from brain.engine import Brain, Message, Role

__all__ = ["Brain", "Message", "Role"]
