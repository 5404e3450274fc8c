"""Writes .env.example from the settings in config.py: each setting with its description, commented out at its default.

Run it after changing a setting: ``.venv/bin/python scripts/write_env_example.py``. A test fails while the file is out of date.
"""

from __future__ import annotations

import inspect
import re
import sys
import textwrap
from collections.abc import Iterator
from enum import Enum
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from pydantic import AliasChoices  # noqa: E402
from pydantic.fields import FieldInfo  # noqa: E402

from config import Settings  # noqa: E402

INTRODUCTION: Final = """\
# Every setting of Parley. Copy this file to .env and take the # away from the lines you want to change.
# A variable of the environment wins over .env; an empty value counts as not set.
# Made from config.py by scripts/write_env_example.py: change it there.
"""
_SECTION: Final = re.compile(r"# --- (.+?) -+$")
_FIELD: Final = re.compile(r"^    (\w+): ")


def env_example() -> str:
    """The whole text of .env.example."""
    return INTRODUCTION + "".join(_blocks())


def sections() -> list[tuple[str, list[tuple[str, FieldInfo]]]]:
    """The sections and their fields in the order of the source, which alone knows the sections."""
    found: list[tuple[str, list[tuple[str, FieldInfo]]]] = []
    for line in inspect.getsource(Settings).splitlines():
        if section := _SECTION.search(line):
            found.append((section[1], []))
        elif (field := _FIELD.match(line)) and field[1] in Settings.model_fields:
            found[-1][1].append((field[1], Settings.model_fields[field[1]]))
    return found


def _blocks() -> Iterator[str]:
    for section, fields in sections():
        yield f"\n# ===== {section} =====\n"
        for name, field in fields:
            yield _block(name, field)


def _block(name: str, field: FieldInfo) -> str:
    explained = " ".join(filter(None, [field.description, other_names(field)]))
    comment = textwrap.indent(textwrap.fill(explained, 118), "# ")
    return f"\n{comment}\n#{canonical_name(name, field)}={default_of(field)}\n"


def _names(field: FieldInfo) -> list[str]:
    aliases = field.validation_alias
    names = [choice for choice in aliases.choices if isinstance(choice, str)] if isinstance(aliases, AliasChoices) else []
    return [name for name in names if name != name.lower()]


def canonical_name(name: str, field: FieldInfo) -> str:
    """What the setting is called first of all."""
    return next(iter(_names(field)), name.upper())


def other_names(field: FieldInfo) -> str:
    """A sentence that names them, where there are others."""
    others = _names(field)[1:]
    return f"Also read as {', '.join(others)}." if others else ""


def default_of(field: FieldInfo) -> str:
    """As it is written in a file; empty where there is none."""
    value = field.get_default(call_default_factory=True)
    if value is None:
        return ""
    if isinstance(value, Path):
        return str(value).replace(str(Path.home()), "~", 1)
    if isinstance(value, bool):
        return str(value).lower()
    return str(value.value if isinstance(value, Enum) else value)


if __name__ == "__main__":
    (ROOT / ".env.example").write_text(env_example(), encoding="utf-8")
    print(f"Wrote {ROOT / '.env.example'}")
