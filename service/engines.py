"""The engines that the settings ask for, loaded."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator

from audio.stt.choose import choose_speech_to_text
from audio.tts.choose import choose_text_to_speech
from audio.turn_model import TurnModel
from brain.choose import choose_brain, chosen_kind
from brain.clauses import ClauseSplitter
from calls.call import GOOD_BYE
from calls.drafting import Engines
from calls.excuses import excuses_in
from config import Settings
from errors import ModelMissing
from models import path_of
from models.needs import TURN_MODEL

log = logging.getLogger(__name__)


@contextlib.asynccontextmanager
async def loaded(settings: Settings) -> AsyncIterator[Engines]:
    """The engines, all loaded at once, and closed at the end.

    :raises errors.ParleyError: one of them cannot be loaded. In a group with others if several cannot.
    """
    judge = _turn_model(settings)
    tts = choose_text_to_speech(settings, fixed=_fixed_clauses(settings))
    stt = choose_speech_to_text(settings, beside_brain=chosen_kind(settings) == "embedded")
    engines = Engines(stt, choose_brain(settings), tts, judge)
    parts = (engines.stt, engines.brain, engines.tts, *((judge,) if judge else ()))
    try:
        async with asyncio.TaskGroup() as group:
            for part in parts:
                group.create_task(part.load())
        log.info("Hearing with %s, thinking with %s, speaking with %s.", engines.stt.name, engines.brain.name, engines.tts.name)
        yield engines
    finally:
        for part in parts:
            await part.close()


def _turn_model(settings: Settings) -> TurnModel | None:
    if settings.turn_model == "none":
        return None
    try:
        return TurnModel(path_of(TURN_MODEL, settings.models_dir))
    except ModelMissing as missing:
        log.warning("%s Until then turns end by words and silence alone.", missing)
        return None


def _fixed_clauses(settings: Settings) -> list[str]:
    clauses: list[str] = []
    for sentence in (settings.welcome, settings.idle_prompt, *excuses_in(settings.language), GOOD_BYE):
        splitter = ClauseSplitter(settings.language)
        clauses += [*splitter.feed(sentence), *splitter.flush()]
    return clauses
