"""The script of a rehearsal: who takes part, and what they do one after the other."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

ACTIONS: Final = ("start_voice_chat", "join_call", "leave_call", "type", "say", "play", "wait", "expect")
BOT_PLACEHOLDER: Final = "{bot}"
"""Stands for the name the bot answers to, in what is typed, said and expected."""


class Part(BaseModel):
    """A part of a script: no unknown keys, no values of another type."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True, strict=True)


class VoiceSettings(Part):
    """How a person sounds. ``pitch`` 1.1 is ten per cent higher (and shorter) than the voice engine's own voice."""

    pitch: Annotated[float, Field(ge=0.7, le=1.4, strict=False)] = 1.0
    rate_percent: Annotated[int, Field(ge=-50, le=100)] = 0


class PersonSettings(Part):
    """An admin may manage the voice chat, a member may not. Without ``voice`` each person gets one of their own."""

    rights: Literal["admin", "member"] = "member"
    voice: VoiceSettings | None = None


class Step(Part):
    """One thing one person does. Exactly one of :data:`ACTIONS`; ``expect`` may also stand beside another one.

    Beside ``say`` or ``play`` it is about the words of the spoken answer, else about what the bot writes.
    """

    who: str | None = None
    start_voice_chat: Literal[True] | None = None
    join_call: Literal[True] | None = None
    leave_call: Literal[True] | None = None
    type: Annotated[str, Field(min_length=1, max_length=4096)] | None = None
    say: Annotated[str, Field(min_length=1, max_length=1000)] | None = None
    play: Annotated[str, Field(min_length=1)] | None = None
    text: Annotated[str, Field(min_length=1)] | None = Field(None, description="What is said in the file of `play`.")
    wait: Annotated[float, Field(gt=0, le=120, strict=False)] | None = None
    expect: Annotated[str, Field(min_length=1)] | None = None
    within: Annotated[float, Field(gt=0, le=120, strict=False)] = 20.0
    wait_for_reply: bool | None = None
    interrupt_after_ms: Annotated[int, Field(ge=0, le=60_000)] | None = None
    bot_goes_on: Literal[True] | None = Field(None, description="What is said over the answer must not end it.")
    expect_silence: Annotated[float, Field(gt=0, le=60, strict=False)] | None = Field(
        None, description="What is said must get no answer for so many seconds."
    )

    @property
    def action(self) -> str:
        """What is done: one of :data:`ACTIONS`."""
        return next(name for name in ACTIONS if getattr(self, name) is not None)

    @property
    def speaks(self) -> bool:
        """Somebody is heard in the call."""
        return self.say is not None or self.play is not None

    @property
    def words(self) -> str | None:
        """What is said aloud, where that is known."""
        return self.say if self.say is not None else self.text

    @field_validator("expect")
    @classmethod
    def _pattern_compiles(cls, expected: str | None) -> str | None:
        if expected is not None:
            pattern_of(expected)
        return expected

    @model_validator(mode="after")
    def _one_action(self) -> Self:
        named = [name for name in ACTIONS if getattr(self, name) is not None]
        doing = [name for name in named if name != "expect"] or named
        if len(doing) != 1:
            found = "nothing" if not doing else " and ".join(f"`{name}`" for name in doing)
            raise ValueError(f"a step does exactly one thing, this one has {found}; choose one of {', '.join(ACTIONS)}")
        return self

    @model_validator(mode="after")
    def _keys_fit_the_action(self) -> Self:
        for mistake in self._mistakes():
            raise ValueError(mistake)
        return self

    def _mistakes(self) -> Iterator[str]:
        if self.who is None and self.action not in ("wait", "expect"):
            yield f"`who` is missing: who does `{self.action}`?"
        if not self.speaks and (self.interrupt_after_ms is not None or self.wait_for_reply is not None):
            yield "`interrupt_after_ms` and `wait_for_reply` belong to `say` or `play`"
        if not self.speaks and self.expect_silence is not None:
            yield "`expect_silence` belongs to `say` or `play`"
        if self.text is not None and self.play is None:
            yield "`text` belongs to `play`: what is said in the file"
        if self.bot_goes_on and self.interrupt_after_ms is None:
            yield "`bot_goes_on` belongs beside `interrupt_after_ms`"
        if self.expect_silence is not None and self.interrupt_after_ms is not None:
            yield "`expect_silence` can't be told from the end of the answer that is interrupted; `bot_goes_on` says that it must go on"
        if (self.expect_silence is not None or self.bot_goes_on) and (self.expect is not None or self.wait_for_reply):
            yield f"`{'bot_goes_on' if self.bot_goes_on else 'expect_silence'}` means no answer, so there is none to wait for or to expect"
        if self.speaks and self.expect is not None and self.wait_for_reply is False:
            yield "`expect` beside `say` or `play` is about the answer, so it must be waited for"


class Script(Part):
    """A whole rehearsal."""

    title: str = "Rehearsal"
    chat: str = "Book club"
    time_out: Annotated[float, Field(gt=0, le=3600, strict=False)] = 300.0
    people: dict[str, PersonSettings] = Field(min_length=1, max_length=8)
    steps: Annotated[tuple[Step, ...], Field(strict=False)]
    folder: Path = Field(Path(), exclude=True)

    @field_validator("steps")
    @classmethod
    def _something_happens(cls, steps: tuple[Step, ...]) -> tuple[Step, ...]:
        if not steps:
            raise ValueError("`steps` is empty: nothing would happen")
        return steps

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
        return self.model_copy(update={"steps": tuple(_named(step, bot_name) for step in self.steps)})


def pattern_of(expected: str) -> re.Pattern[str]:
    """``/…/`` and ``/…/i`` are regular expressions; anything else is text that must occur, upper or lower case.

    :raises ValueError: not a regular expression.
    """
    delimited = re.fullmatch(r"/(.+)/(i?)", expected, re.DOTALL)
    if delimited is None:
        return re.compile(re.escape(expected), re.IGNORECASE)
    try:
        return re.compile(delimited[1], re.IGNORECASE if delimited[2] else 0)
    except re.error as error:
        raise ValueError(f"{expected!r} is not a regular expression ({error})") from None


def _named(step: Step, bot_name: str) -> Step:
    texts = {key: getattr(step, key) for key in ("type", "say", "text", "expect")}
    return step.model_copy(update={key: text.replace(BOT_PLACEHOLDER, bot_name) for key, text in texts.items() if text is not None})
