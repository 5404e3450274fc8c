"""One step of a script: something that somebody does or that happens, and what is expected then."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal, Self

from pydantic import Field, field_validator, model_validator

from loopback.rehearsal.parts import Part
from loopback.rehearsal.patterns import pattern_of
from loopback.rehearsal.step_rules import step_mistakes

ACTIONS: Final = (
    *("start_voice_chat", "end_voice_chat", "schedule_voice_chat", "start_scheduled", "join_call", "leave_call"),
    *("phone_bot", "hang_up"),
    *("type", "say", "play", "voice_note", "send_file"),
    *("kick_bot", "add_bot", "mute_bot", "drop_bot", "crowd"),
    *("outage", "flood", "fault", "lift_faults"),
    *("restart_bot", "crash_bot", "stop_bot", "start_bot"),
    *("count_requests", "wait"),
)
"""What can be done; a step holds at most one of them."""
EXPECTATIONS: Final = (
    *("expect", "expect_not", "expect_voice_note", "expect_in_call", "expect_heard", "expect_requests", "expect_bot_ready"),
)
"""What can be expected, by itself or beside an action."""
PLACELESS: Final = frozenset({"outage", "restart_bot", "crash_bot", "stop_bot", "start_bot", "count_requests", "lift_faults", "wait"})
"""Actions of nobody in no chat."""
TEXTS: Final = ("type", "say", "text", "voice_note", "expect", "expect_not", "expect_voice_note")
"""Keys in which placeholders are filled in."""

Seconds = Annotated[float, Field(gt=0, le=120, strict=False)]
Text = Annotated[str, Field(min_length=1)]


class RequestCount(Part):
    """How many requests of the bot fit ``method``, a glob such as ``phone.JoinGroupCall``, since counting began."""

    method: Text
    at_most: Annotated[int, Field(ge=0)] | None = None
    at_least: Annotated[int, Field(ge=1)] | None = None

    @model_validator(mode="after")
    def _a_limit(self) -> Self:
        if self.at_most is None and self.at_least is None:
            raise ValueError("`expect_requests` needs `at_most` or `at_least`")
        return self


class Step(Part):
    """At most one of :data:`ACTIONS`, and any of :data:`EXPECTATIONS`; docs/rehearsals.md explains each key with an example.

    ``expect`` beside ``say`` or ``play`` is about the words of the spoken answer, else about what the bot writes.
    """

    who: str | None = None
    chat: str | None = None
    private: Literal[True] | None = None

    start_voice_chat: Literal[True] | None = None
    end_voice_chat: Literal[True] | None = None
    schedule_voice_chat: Annotated[int, Field(ge=10, le=691_200)] | None = None
    start_scheduled: Literal[True] | None = None
    join_call: Literal[True] | None = None
    leave_call: Literal[True] | None = None
    phone_bot: Literal[True] | None = None
    hang_up: Literal[True] | None = None

    type: Annotated[str, Field(min_length=1, max_length=4096)] | None = None
    anonymous: Literal[True] | None = None
    reply_to_bot: Literal[True] | None = None
    say: Annotated[str, Field(min_length=1, max_length=1000)] | None = None
    play: Text | None = None
    text: Text | None = Field(None, description="What is said in the file of `play`.")
    voice_note: Annotated[str, Field(min_length=1, max_length=1000)] | None = None
    send_file: Text | None = None
    as_voice: Literal[True] | None = None
    caption: Annotated[str, Field(min_length=1, max_length=1024)] | None = None

    kick_bot: Literal[True] | None = None
    add_bot: Literal[True] | None = None
    mute_bot: bool | None = None
    drop_bot: Literal[True] | None = None
    crowd: Annotated[int, Field(ge=0, le=2000)] | None = None

    outage: Seconds | None = None
    for_all: Literal[True] | None = None
    meanwhile: Literal[True] | None = None
    flood: Text | None = None
    fault: Text | None = None
    seconds: Annotated[int, Field(ge=1, le=100_000)] | None = None
    method: Text | None = None
    times: Annotated[int, Field(ge=1, le=1000)] | None = None
    lift_faults: Literal[True] | None = None

    restart_bot: Literal["SIGTERM", "SIGKILL"] | None = None
    crash_bot: Literal["SIGSEGV", "SIGKILL", "SIGSTOP"] | None = None
    stop_bot: Literal[True] | None = None
    start_bot: Literal[True] | None = None
    count_requests: Literal[True] | None = None
    wait: Seconds | None = None

    expect: Text | None = None
    expect_not: Text | None = None
    expect_voice_note: Literal[True] | Text | None = None
    expect_in_call: bool | None = None
    expect_heard: bool | None = None
    expect_requests: RequestCount | None = None
    expect_bot_ready: Literal[True] | None = None
    within: Annotated[float, Field(gt=0, le=300, strict=False)] = 20.0
    for_s: Seconds | None = Field(None, alias="for")

    wait_for_reply: bool | None = None
    interrupt_after_ms: Annotated[int, Field(ge=0, le=60_000)] | None = None
    bot_goes_on: Literal[True] | None = Field(None, description="What is said over the answer must not end it.")
    expect_silence: Annotated[float, Field(gt=0, le=60, strict=False)] | None = Field(
        None, description="What is said must get no answer for so many seconds."
    )

    @property
    def action(self) -> str | None:
        """What is done: one of :data:`ACTIONS`; ``None`` where something is only expected."""
        return next((name for name in ACTIONS if getattr(self, name) is not None), None)

    @property
    def named(self) -> str:
        """The action, or else the first expectation."""
        return self.action or self.expectations[0]

    @property
    def expectations(self) -> list[str]:
        """What is expected, of :data:`EXPECTATIONS`; beside speech ``expect`` is about the answer, and none of them."""
        return [name for name in EXPECTATIONS if getattr(self, name) is not None and not (name == "expect" and self.speaks)]

    @property
    def speaks(self) -> bool:
        """Somebody is heard in the call."""
        return self.say is not None or self.play is not None

    @property
    def words(self) -> str | None:
        """What is said aloud, where that is known."""
        return self.say if self.say is not None else self.text

    @field_validator("expect", "expect_not", "expect_voice_note")
    @classmethod
    def _pattern_compiles(cls, expected: Any) -> Any:
        if isinstance(expected, str):
            pattern_of(expected)
        return expected

    @model_validator(mode="after")
    def _one_action(self) -> Self:
        doing = [name for name in ACTIONS if getattr(self, name) is not None]
        if len(doing) > 1 or not (doing or self.expectations):
            found = " and ".join(f"`{name}`" for name in doing) or "nothing"
            choices = ", ".join((*ACTIONS, *EXPECTATIONS))
            raise ValueError(f"a step does exactly one thing, this one has {found}; choose one of {choices}")
        return self

    @model_validator(mode="after")
    def _keys_fit_the_action(self) -> Self:
        for mistake in step_mistakes(self):
            raise ValueError(mistake)
        return self
