"""Writes docs/settings.md from the settings in config.py: each with its default and what is allowed.

Run it after changing a setting: ``.venv/bin/python scripts/write_settings.py``. A test fails while the page is out of date.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from enum import Enum
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Final, Literal, Union, get_args, get_origin

ROOT: Final = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from annotated_types import Ge, Gt, Le, Lt, MaxLen  # noqa: E402
from pydantic import SecretStr  # noqa: E402
from pydantic.fields import FieldInfo  # noqa: E402

from scripts.write_env_example import canonical_name, default_of, other_names, sections  # noqa: E402

PAGE: Final = ROOT / "docs" / "settings.md"
INTRODUCTION: Final = """\
# Settings

Write them into the file `.env` in the folder where Parley is started (`.env.example` is a copy of all of them), or into the environment,
which wins. An empty value counts as not set. Wrong values are all told at once at the start, with what is allowed (exit code 78). What can
be set for one chat, with commands such as `/mode`, wins there over these.

This page is made from `config.py` by `scripts/write_settings.py`.
"""
HEAD: Final = "| setting | default | allowed | what it does |\n| --- | --- | --- | --- |\n"
LIMITS: Final = {Ge: ("ge", "at least"), Gt: ("gt", "more than"), Le: ("le", "at most"), Lt: ("lt", "less than")}


def settings_page() -> str:
    """The whole text of docs/settings.md."""
    return INTRODUCTION + "".join(_lines())


def _lines() -> Iterator[str]:
    for section, fields in sections():
        yield f"\n## {section}\n\n{HEAD}"
        for name, field in fields:
            what = " ".join(filter(None, [field.description, other_names(field)]))
            default = f"`{default_of(field)}`" if default_of(field) else "not set"
            yield f"| `{canonical_name(name, field)}` | {default} | {_allowed(field)} | {_cell(what)} |\n"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _allowed(field: FieldInfo) -> str:
    kinds = [kind for kind in _kinds(field.annotation) if kind is not NoneType]
    if choices := [choice for kind in kinds for choice in _choices(kind)]:
        return ", ".join(f"`{choice}`" for choice in choices)
    limits = [
        f"{words} {getattr(limit, attribute):g}"
        for limit in field.metadata
        for kind, (attribute, words) in LIMITS.items()
        if isinstance(limit, kind)
    ]
    named = next(
        (name for kind, name in {int: "whole number", float: "number", Path: "path", SecretStr: "secret"}.items() if kind in kinds), "text"
    )
    if limits:
        return f"{named}, {', '.join(limits)}"
    longest = next((f"{named} of at most {limit.max_length} characters" for limit in field.metadata if isinstance(limit, MaxLen)), named)
    return f"such as {', '.join(f'`{example}`' for example in field.examples)}" if field.examples else longest


def _kinds(annotation: Any) -> list[Any]:
    """The types of a union, without what is noted beside them."""
    alternatives = get_args(annotation) if get_origin(annotation) in (Union, UnionType) else (annotation,)
    return [get_args(kind)[0] if get_origin(kind) is Annotated else kind for kind in alternatives]


def _choices(kind: Any) -> list[str]:
    if get_origin(kind) is Literal:
        return [str(choice) for choice in get_args(kind)]
    if isinstance(kind, type) and issubclass(kind, Enum):
        return [str(member.value) for member in kind]
    return ["true", "false"] if kind is bool else []


if __name__ == "__main__":
    PAGE.write_text(settings_page(), encoding="utf-8")
    print(f"Wrote {PAGE}")
