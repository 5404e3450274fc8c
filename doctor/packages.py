"""The Python packages: those that are pinned, and the dead one that must not be there."""

from __future__ import annotations

import importlib
import importlib.metadata
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from doctor.finding import Finding, failure, ok, warning

REQUIREMENTS: Final = Path(__file__).resolve().parent.parent / "requirements.txt"
REPAIR: Final = "pip install -r requirements.txt (scripts/run does it by itself)"
EXACT: Final = frozenset({"telethon", "py-tgcalls", "ntgcalls"})
"""Parley touches inner parts of these: another version may break calls."""
_PIN: Final = re.compile(r"^([A-Za-z0-9_.-]+)==([^\s;]+)\s*(;.*)?$")


def version_of(name: str) -> str | None:
    """The version that is installed, if any."""
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def pinned(file: Path = REQUIREMENTS) -> Iterator[tuple[str, str, bool]]:
    """Each pinned package: its name, its version, and whether it is wanted everywhere."""
    for line in file.read_text(encoding="utf-8").splitlines():
        if found := _PIN.match(line.strip()):
            yield found[1], found[2], found[3] is None


def versions(installed: Callable[[str], str | None] = version_of, file: Path = REQUIREMENTS) -> Finding:
    """Whether what is installed is what is pinned."""
    wanted = list(pinned(file))
    here = {name: installed(name) for name, _, _ in wanted}
    if missing := [name for name, _, everywhere in wanted if everywhere and here[name] is None]:
        return failure(f"Packages are missing: {', '.join(missing)}.", REPAIR)
    other = [f"{name} {here[name]} (pinned: {version})" for name, version, _ in wanted if here[name] not in (version, None)]
    if any(each.split()[0] in EXACT for each in other):
        return failure(f"Packages have other versions than Parley was made for: {', '.join(other)}.", REPAIR)
    if other:
        return warning(f"Packages have other versions than Parley was tried with: {', '.join(other)}.", REPAIR)
    calls = ", ".join(f"{name} {here[name]}" for name in sorted(EXACT))
    return ok(f"All {len(wanted)} pinned packages have their versions ({calls}).")


def dead_package(installed: Callable[[str], str | None] = version_of) -> Finding:
    """``pytgcalls`` of 2021 has the module name of ``py-tgcalls`` and breaks it."""
    if version := installed("pytgcalls"):
        repair = "pip uninstall -y pytgcalls py-tgcalls && pip install -r requirements.txt"
        return failure(f"The abandoned package pytgcalls {version} is installed: it hides py-tgcalls, and no call can be joined.", repair)
    return ok("The abandoned package pytgcalls is not installed.")


def call_library(load: Callable[[str], object] = importlib.import_module) -> Finding:
    """Whether the native library that carries the sound of calls can be loaded on this machine."""
    try:
        load("ntgcalls")
    except ImportError as error:
        needs = "It needs GNU/Linux on x86-64 or arm64 (glibc 2.27 or newer) or macOS, and Python 3.11 or newer."
        return failure(f"The call library cannot be loaded ({error}).", f"{needs} {REPAIR}")
    return ok("The call library can be loaded.")
