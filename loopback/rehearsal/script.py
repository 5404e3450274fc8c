"""The script of a rehearsal: who takes part, and what they do one after the other.

A script is YAML, read and checked as a whole before anything starts; a mistake is told with its line and step.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator
from pydantic_core import ErrorDetails

from errors import EXIT_USAGE, ParleyError

ACTIONS: Final = ("start_voice_chat", "join_call", "leave_call", "type", "say", "play", "wait", "expect")
BOT_PLACEHOLDER: Final = "{bot}"
"""Stands for the name the bot answers to, in what is typed, said and expected."""


class ScriptError(ParleyError):
    """The script cannot be read, or says something that cannot be played."""

    exit_code = EXIT_USAGE


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True, strict=True)


class VoiceSettings(_Part):
    """How a person sounds. ``pitch`` 1.1 is ten per cent higher (and shorter) than the voice engine's own voice."""

    pitch: Annotated[float, Field(ge=0.7, le=1.4, strict=False)] = 1.0
    rate_percent: Annotated[int, Field(ge=-50, le=100)] = 0


class PersonSettings(_Part):
    """An admin may manage the voice chat, a member may not. Without ``voice`` each person gets one of their own."""

    rights: Literal["admin", "member"] = "member"
    voice: VoiceSettings | None = None


class Step(_Part):
    """One thing one person does. Exactly one of :data:`ACTIONS`; ``expect`` may also stand beside another one."""

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
        if self.who is None and self.action not in ("wait", "expect"):
            raise ValueError(f"`who` is missing: who does `{self.action}`?")
        if not self.speaks and (self.interrupt_after_ms is not None or self.wait_for_reply is not None):
            raise ValueError("`interrupt_after_ms` and `wait_for_reply` belong to `say` or `play`")
        if self.text is not None and self.play is None:
            raise ValueError("`text` belongs to `play`: what is said in the file")
        return self


class Script(_Part):
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
        if step.wait_for_reply is not None or not step.speaks:
            return bool(step.wait_for_reply)
        return not self.is_interrupted(index)

    def wants_answer(self, index: int) -> bool:
        """Whether the bot must answer what is said in step ``index`` for the rehearsal to succeed."""
        return self.waits_for_reply(index) or self.is_interrupted(index)

    def is_interrupted(self, index: int) -> bool:
        """Whether the answer to step ``index`` is interrupted by the next one to speak."""
        if not self.steps[index].speaks:
            return False
        following = next((step for step in self.steps[index + 1 :] if step.speaks), None)
        return following is not None and following.interrupt_after_ms is not None

    def named(self, bot_name: str) -> Script:
        """The same script with the bot's name in the place of ``{bot}``."""
        return self.model_copy(update={"steps": tuple(_named(step, bot_name) for step in self.steps)})


def load_script(path: Path) -> Script:
    """Read and check a script.

    :raises ScriptError: every mistake in it, with line and step.
    """
    try:
        source = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ScriptError(f"The script {path} cannot be read ({_reason(error)}).", "Give the path of a YAML file with --script.") from None
    return parse_script(source, str(path), path.parent)


def parse_script(source: str, name: str, folder: Path) -> Script:
    """A script from its text; files of ``play`` are looked up in ``folder``.

    :raises ScriptError: every mistake in it, with line and step.
    """
    try:
        node = yaml.compose(source, Loader=yaml.SafeLoader)
        data = yaml.safe_load(source)
    except yaml.YAMLError as error:
        raise ScriptError(f"{name} is not YAML: {_yaml_reason(error)}.", _NEXT_STEP) from None
    if not isinstance(data, dict):
        raise ScriptError(f"{name} has no `people` and `steps`.", _NEXT_STEP)
    data.pop("folder", None)
    try:
        script = Script.model_validate({**data, "folder": folder})
    except ValidationError as invalid:
        mistakes = [f"line {_line_of(node, error['loc'])}{_step_of(error['loc'])}: {_explained(error)}" for error in invalid.errors()]
    else:
        mistakes = [f"line {_line_of(node, ('steps', index))}, step {index + 1}: {what}" for index, what in _contradictions(script)]
        if not mistakes:
            return script
    raise ScriptError(f"The script {name} cannot be played:\n" + "\n".join(f"  {mistake}" for mistake in mistakes) + "\n", _NEXT_STEP)


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


_NEXT_STEP: Final = "rehearsals/first_call.yaml is an example of every kind of step."


def _named(step: Step, bot_name: str) -> Step:
    texts = {key: getattr(step, key) for key in ("type", "say", "text", "expect")}
    return step.model_copy(update={key: text.replace(BOT_PLACEHOLDER, bot_name) for key, text in texts.items() if text is not None})


def _contradictions(script: Script) -> Iterator[tuple[int, str]]:
    someone_speaks = False
    for index, step in enumerate(script.steps):
        if step.who is not None and step.who not in script.people:
            yield index, f"nobody called {step.who!r} is among the people ({', '.join(script.people)})"
        if step.play is not None and not (script.folder / step.play).is_file():
            yield index, f"there is no file {step.play!r} beside the script"
        if step.interrupt_after_ms is not None and not someone_speaks:
            yield index, "`interrupt_after_ms` needs an answer to interrupt, but nobody has said anything before"
        someone_speaks = someone_speaks or step.speaks


def _explained(error: ErrorDetails) -> str:
    key = error["loc"][-1] if error["loc"] else "the script"
    match error["type"]:
        case "extra_forbidden":
            return f"there is no key `{key}`{_known_keys(error['loc'])}"
        case "missing":
            return f"`{key}` is missing"
        case "value_error":
            return str(error["ctx"]["error"])
        case _:
            message = error["msg"]
            return f"`{key}` is {_shown(error['input'])}: {message[0].lower()}{message[1:]}"


def _known_keys(loc: tuple[int | str, ...]) -> str:
    match loc:
        case ("people", _, "voice", _):
            part: type[_Part] = VoiceSettings
        case ("people", _, _):
            part = PersonSettings
        case ("steps", _, _):
            part = Step
        case _:
            part = Script
    return "; known are " + ", ".join(name for name in part.model_fields if name != "folder")


def _shown(value: object) -> str:
    return repr(value) if isinstance(value, str | int | float) or value is None else f"a {type(value).__name__}"


def _step_of(loc: tuple[int | str, ...]) -> str:
    return f", step {int(loc[1]) + 1}" if len(loc) > 1 and loc[0] == "steps" and isinstance(loc[1], int) else ""


def _line_of(node: yaml.Node | None, loc: tuple[int | str, ...]) -> int:
    """The line of the deepest part of ``loc`` that is written in the file."""
    line = 1
    for key in loc:
        found = _child(node, key)
        if found is None:
            break
        line, node = found
    return line


def _child(node: yaml.Node | None, key: int | str) -> tuple[int, yaml.Node] | None:
    if isinstance(node, yaml.MappingNode):
        for name, value in node.value:
            if name.value == str(key):
                return name.start_mark.line + 1, value
    if isinstance(node, yaml.SequenceNode) and isinstance(key, int) and key < len(node.value):
        return node.value[key].start_mark.line + 1, node.value[key]
    return None


def _yaml_reason(error: yaml.YAMLError) -> str:
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark is not None:
        return f"line {error.problem_mark.line + 1}: {error.problem}"
    return str(error).splitlines()[0]


def _reason(error: Any) -> str:
    return getattr(error, "strerror", None) or "it is not UTF-8 text"
