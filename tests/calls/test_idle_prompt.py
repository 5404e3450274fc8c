"""Asking into a silence."""

from __future__ import annotations

from calls.idle_prompt import IdlePrompt


def test_it_is_asked_once_and_again_only_when_somebody_has_spoken() -> None:
    prompt = IdlePrompt(last_word_s=0.0)
    assert not prompt.due(9.9, 10.0, quiet=True)
    assert prompt.due(10.0, 10.0, quiet=True)
    assert not prompt.due(30.0, 10.0, quiet=True)
    prompt.somebody_spoke()
    assert prompt.due(30.1, 10.0, quiet=True)


def test_the_silence_begins_anew_after_anything_that_is_not_quiet() -> None:
    prompt = IdlePrompt(last_word_s=0.0)
    assert not prompt.due(9.0, 10.0, quiet=False)
    assert not prompt.due(18.9, 10.0, quiet=True)
    assert prompt.due(19.0, 10.0, quiet=True)


def test_a_chat_may_do_without() -> None:
    assert not IdlePrompt(last_word_s=0.0).due(10_000.0, None, quiet=True)
