"""docs/settings.md is made from config.py."""

from __future__ import annotations

from config import Settings
from scripts.write_settings import PAGE, settings_page


def test_the_page_is_current() -> None:
    assert PAGE.read_text(encoding="utf-8") == settings_page(), "run scripts/write_settings.py"


def test_every_setting_has_a_row_with_default_and_what_is_allowed() -> None:
    rows = [line for line in settings_page().splitlines() if line.startswith("| `")]
    assert len(rows) == len(Settings.model_fields)
    assert "| `API_HASH` | not set | secret | The api_hash of your application, from my.telegram.org/apps. Also read as apiHash. |" in rows
    assert any(row.startswith("| `ENDPOINTING` | `balanced` | `fast`, `balanced`, `patient` |") for row in rows)
    assert any(row.startswith("| `VAD_THRESHOLD` | `0.5` | number, more than 0, less than 1 |") for row in rows)
    assert any(row.startswith("| `LOG_FILE` | not set | path |") for row in rows)
    assert any(row.startswith("| `AUTO_ANSWER` | `true` | `true`, `false` |") for row in rows)
