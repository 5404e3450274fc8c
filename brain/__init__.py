"""What to say: prompt, streaming language-model clients, clauses."""

from __future__ import annotations

from brain.choose import HISTORY_TOKENS, choose_brain, chosen_kind
from brain.clauses import ClauseSplitter
from brain.engine import Brain, Message, Role
from brain.prompt import prompt, system_prompt
from brain.speakable import speakable

__all__ = [
    "HISTORY_TOKENS",
    "Brain",
    "ClauseSplitter",
    "Message",
    "Role",
    "choose_brain",
    "chosen_kind",
    "prompt",
    "speakable",
    "system_prompt",
]
