"""Reading a script: YAML, checked as a whole before anything starts; a mistake is told with its line and step."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import yaml
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from errors import EXIT_USAGE, ParleyError
from loopback.rehearsal.parts import ChatSettings, Part, PersonSettings, VoiceSettings
from loopback.rehearsal.script import Script
from loopback.rehearsal.script_rules import contradictions
from loopback.rehearsal.step import RequestCount, Step

_NEXT_STEP: Final = "docs/rehearsals.md explains every key with an example."


class ScriptError(ParleyError):
    """The script cannot be read, or says something that cannot be played."""

    exit_code = EXIT_USAGE


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
    """A script from its text; files of ``play`` and ``send_file`` are looked up in ``folder``.

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
        mistakes = [f"line {_line_of(node, loc)}{_step_of(loc)}: {what}" for loc, what in contradictions(script)]
        if not mistakes:
            return script
    raise ScriptError(f"The script {name} cannot be played:\n" + "\n".join(f"  {mistake}" for mistake in mistakes) + "\n", _NEXT_STEP)


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
            part: type[Part] = VoiceSettings
        case ("people", _, _):
            part = PersonSettings
        case ("chats", _, _):
            part = ChatSettings
        case ("steps", _, "expect_requests", _):
            part = RequestCount
        case ("steps", _, _):
            part = Step
        case _:
            part = Script
    return "; known are " + ", ".join(part.known_keys())


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
