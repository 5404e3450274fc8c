"""Which brain the settings ask for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Literal

from brain.anthropic import AnthropicBrain
from brain.deadlines import BrainWithDeadlines
from brain.embedded import EmbeddedBrain, embedded_model_is_there
from brain.engine import Brain
from brain.fallback import FallbackBrain, ShortReader
from brain.hedged import HedgedBrain
from brain.openai import OpenAIBrain
from config import Settings
from engines import retry_after_s

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
    """The brain that the settings ask for, with its time limits, and the others behind it in order. It is not loaded yet."""
    first, *others = brain_order(settings)
    if not others:
        return _limited(settings, first)
    return FallbackBrain([_limited(settings, first), *(_in_place(settings, other) for other in others)])


def brain_order(settings: Settings) -> list[Kind]:
    """Who is asked, in order. Another service only answers where the settings leave the choice open; the embedded model, where it is."""
    first = chosen_kind(settings)
    if settings.brain_fallback == "none" or first == "embedded":
        return [first]
    keys: dict[Kind, object] = {"anthropic": settings.anthropic_api_key, "openai": settings.openai_api_key}
    others = [kind for kind, key in keys.items() if key is not None and kind != first and settings.brain == "auto"]
    return [first, *others, *(("embedded",) if embedded_model_is_there(settings) else ())]


def _limited(settings: Settings, kind: Kind) -> Brain:
    brain = _BRAINS[kind](settings)
    after_s = _retry_after_s(settings, kind)
    return BrainWithDeadlines(
        brain if after_s is None else HedgedBrain(brain, after_s),
        first_token_s=settings.brain_first_token_timeout_s,
        total_s=settings.brain_total_timeout_s,
    )


def _retry_after_s(settings: Settings, kind: Kind) -> float | None:
    urls = {"openai": settings.openai_base_url, "anthropic": settings.anthropic_base_url}
    return retry_after_s(urls[kind], settings.brain_first_token_timeout_s) if kind in urls else None


def _in_place(settings: Settings, kind: Kind) -> Brain:
    brain = _limited(settings, kind)
    return ShortReader(brain, HISTORY_TOKENS[kind]) if kind == "embedded" else brain
