"""Links between the documents lead somewhere, and every document is reached from the README."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
DOCUMENTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md")), ROOT / "deploy" / "README.md"]


def links(document: Path) -> set[Path]:
    targets = re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", document.read_text(encoding="utf-8"))
    return {(document.parent / target).resolve() for target in targets if "://" not in target}


def test_every_link_leads_to_a_file() -> None:
    assert [f"{document.name}: {target}" for document in DOCUMENTS for target in links(document) if not target.exists()] == []


def test_every_document_is_reached_from_the_readme() -> None:
    reached = {ROOT / "README.md"}
    while new := {target for document in reached for target in links(document) if target.suffix == ".md"} - reached:
        reached |= new
    assert sorted(document.name for document in DOCUMENTS if document not in reached) == []
