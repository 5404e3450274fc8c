"""The script of a rehearsal: who takes part, where, and what happens one thing after the other."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, field_validator, model_validator

from loopback.rehearsal.parts import ChatSettings, Part, PersonSettings
from loopback.rehearsal.patterns import BOT_PLACEHOLDER, with_times
from loopback.rehearsal.step import TEXTS, Step

DEFAULT_CHAT = "Book club"
SettingValue = str | int | float | bool


class Script(Part):
    """A whole rehearsal.

    ``settings`` are settings of the bot, by name, that win over those of the user; ``owner`` is the person of its setting OWNER_ID.
    """

    title: str = "Rehearsal"
    chat: str | None = None
    chats: dict[str, ChatSettings] | None = None
    time_out: Annotated[float, Field(gt=0, le=3600, strict=False)] = 300.0
    settings: dict[str, SettingValue] = Field(default_factory=dict)
    owner: str | None = None
    people: dict[str, PersonSettings] = Field(min_length=1, max_length=8)
    steps: Annotated[tuple[Step, ...], Field(strict=False)]
    folder: Path = Field(Path(), exclude=True)

    @field_validator("steps")
    @classmethod
    def _something_happens(cls, steps: tuple[Step, ...]) -> tuple[Step, ...]:
        if not steps:
            raise ValueError("`steps` is empty: nothing would happen")
        return steps

    @model_validator(mode="after")
    def _chats_are_named_once(self) -> Self:
        if self.chat is not None and self.chats is not None:
            raise ValueError("`chat` names the only chat and `chats` several; keep one")
        if self.chats is not None and not self.chats:
            raise ValueError("`chats` is empty: nobody would meet anywhere")
        return self

    @property
    def places(self) -> dict[str, ChatSettings]:
        """All chats by name; the first is that of steps that name none."""
        return self.chats or {self.chat or DEFAULT_CHAT: ChatSettings()}

    def place_of(self, step: Step) -> str:
        """The name of the chat of a step."""
        return step.chat or next(iter(self.places))

    def waits_for_reply(self, index: int) -> bool:
        """Whether step ``index`` ends only when the bot has answered and fallen silent.

        What is said is waited for unless the script says otherwise or the next speaker interrupts the answer.
        """
        step = self.steps[index]
        if not step.speaks or step.expect_silence is not None or step.bot_goes_on:
            return False
        return not self.is_spoken_over(index) if step.wait_for_reply is None else step.wait_for_reply

    def wants_answer(self, index: int) -> bool:
        """Whether the bot must answer what is said in step ``index`` for the rehearsal to succeed."""
        step = self.steps[index]
        if step.expect_silence is not None or step.bot_goes_on:
            return False
        return self.waits_for_reply(index) or self.is_spoken_over(index)

    def is_spoken_over(self, index: int) -> bool:
        """Whether the next one to speak does so into the answer to step ``index`` (or into the one that goes on through it)."""
        if not self.steps[index].speaks:
            return False
        following = next((step for step in self.steps[index + 1 :] if step.speaks), None)
        return following is not None and following.interrupt_after_ms is not None

    def named(self, bot_name: str) -> Script:
        """The same script with the bot's name in the place of ``{bot}``."""
        return self._with_texts(lambda text: text.replace(BOT_PLACEHOLDER, bot_name))

    def dated(self, now: datetime, time_zone: str) -> Script:
        """The same script with the time in the place of ``{now…}``, see :func:`loopback.rehearsal.patterns.with_times`."""
        return self._with_texts(lambda text: with_times(text, now, time_zone))

    def _with_texts(self, changed: Callable[[str], str]) -> Script:
        return self.model_copy(update={"steps": tuple(_with_texts(step, changed) for step in self.steps)})


def _with_texts(step: Step, changed: Callable[[str], str]) -> Step:
    texts = {key: getattr(step, key) for key in TEXTS}
    return step.model_copy(update={key: changed(text) for key, text in texts.items() if isinstance(text, str)})
