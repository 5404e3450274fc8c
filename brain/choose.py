"""Which brain the settings ask for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Literal

from brain.anthropic import AnthropicBrain
from brain.deadlines import BrainWithDeadlines
from brain.embedded import EmbeddedBrain
from brain.engine import Brain
from brain.openai import OpenAIBrain
from config import Settings

Kind = Literal["embedded", "openai", "anthropic"]

HISTORY_TOKENS: Final[dict[Kind, int]] = {"embedded": 600, "openai": 6000, "anthropic": 6000}
"""How much history each kind gets. The embedded model re-reads what changes at about 10 ms a token, and follows no long context."""

_BRAINS: Final[dict[Kind, Callable[[Settings], Brain]]] = {"embedded": EmbeddedBrain, "openai": OpenAIBrain, "anthropic": AnthropicBrain}


def chosen_kind(settings: Settings) -> Kind:
    """The brain named by the settings; with ``auto`` the service whose key is set (Anthropic's before OpenAI's), else the embedded one."""
    if settings.brain != "auto":
        return settings.brain
    if settings.anthropic_api_key is not None:
        return "anthropic"
    return "openai" if settings.openai_api_key is not None else "embedded"


def choose_brain(settings: Settings) -> Brain:
    """The brain that the settings ask for, with their time limits. It is not loaded yet."""
    return BrainWithDeadlines(
        _BRAINS[chosen_kind(settings)](settings),
        first_token_s=settings.brain_first_token_timeout_s,
        total_s=settings.brain_total_timeout_s,
    )
