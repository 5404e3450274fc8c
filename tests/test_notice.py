"""NOTICE names every package that Parley uses, and every model."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
NOTICE = (ROOT / "NOTICE").read_text(encoding="utf-8")


def packages(file: str) -> set[str]:
    return set(re.findall(r"^([A-Za-z0-9_.-]+)==", (ROOT / file).read_text(encoding="utf-8"), re.MULTILINE))


def named(text: str) -> set[str]:
    return set(re.findall(r"[A-Za-z0-9_.-]*[A-Za-z0-9]", text))


@pytest.mark.parametrize("file", ["requirements.txt", "requirements-dev.txt"])
def test_every_package_is_named(file: str) -> None:
    assert packages(file) - named(NOTICE) == set()


def test_no_package_is_named_that_is_not_used() -> None:
    """Of those that the list names at its line beginnings and after commas."""
    listed = NOTICE[NOTICE.index("- LGPL-3.0:") : NOTICE.index("For tests and checks only")]
    names = set(re.findall(r"(?:: |, )([A-Za-z0-9-]+)(?= \(|[,.]|$)", listed.replace("\n ", ""), re.MULTILINE))
    assert names - packages("requirements.txt") == set()
    assert len(names) > 30


def test_every_model_is_named() -> None:
    models = tomllib.loads((ROOT / "models" / "models.toml").read_text(encoding="utf-8"))["model"]
    for model in models:
        family = model["name"].split("-")[0].split(".")[0].rstrip("0123456789")
        assert family.lower() in NOTICE.lower(), model["name"]
        assert model["licence"].split(" ")[0].rstrip(",;") in NOTICE, model["name"]
