"""Which brain the settings mean."""

from __future__ import annotations

from typing import Any

import pytest

from brain.choose import HISTORY_TOKENS, choose_brain, chosen_kind
from config import load_settings


@pytest.mark.parametrize(
    ("settings", "kind", "name"),
    [
        ({}, "embedded", "embedded qwen2.5-coder-0.5b"),
        ({"brain_model_path": "/models/mine.gguf"}, "embedded", "embedded mine"),
        ({"openai_api_key": "k"}, "openai", "gpt-4o-mini at api.openai.com"),
        ({"anthropic_api_key": "k"}, "anthropic", "claude-3-5-haiku-latest"),
        ({"openai_api_key": "k", "anthropic_api_key": "k"}, "anthropic", "claude-3-5-haiku-latest"),
        ({"openai_api_key": "k", "brain": "embedded"}, "embedded", "embedded qwen2.5-coder-0.5b"),
        ({"brain": "openai", "openai_base_url": "http://127.0.0.1:8080/v1"}, "openai", "gpt-4o-mini at 127.0.0.1"),
    ],
)
async def test_a_key_chooses_its_service_and_none_the_embedded_brain(settings: dict[str, Any], kind: str, name: str) -> None:
    chosen = load_settings(None, **settings)
    assert chosen_kind(chosen) == kind
    assert choose_brain(chosen).name == name
    assert kind in HISTORY_TOKENS
