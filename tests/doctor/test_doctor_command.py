"""``bot.py doctor`` as a person and as a program use it."""

from __future__ import annotations

import json
from pathlib import Path

from config import load_settings
from tests.test_front_door import started

SECRET = "fedcba9876543210" * 2


def test_a_person_reads_marks_findings_and_next_steps(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text(f"API_ID=1\nAPI_HASH={SECRET}\n", encoding="utf-8")
    run = started(tmp_path, "doctor", "--quick", SESSION_PATH=str(tmp_path / "none.session"), CONTROL_SOCKET="none")
    assert run.returncode == 1
    assert "Traceback" not in run.stdout + run.stderr
    assert "⚠️ Settings" in run.stdout
    assert "❌ Session            There is no Telegram session" in run.stdout
    assert "→ Log in with: python bot.py login" in run.stdout
    assert "✅ Control socket" in run.stdout
    assert "to mend before Parley can work" in run.stdout
    assert SECRET not in run.stdout + run.stderr


def test_a_machine_without_an_account_is_no_failure(tmp_path: Path) -> None:
    run = started(tmp_path, "doctor", "--quick", SESSION_PATH=str(tmp_path / "none.session"), CONTROL_SOCKET="none")
    assert run.returncode == 0
    assert "Parley can work" in run.stdout


def test_a_program_reads_json(tmp_path: Path) -> None:
    models = str(load_settings(None).models_dir)
    run = started(tmp_path, "doctor", "--json", SESSION_PATH=str(tmp_path / "none.session"), CONTROL_SOCKET="none", MODELS_DIR=models)
    told = json.loads(run.stdout)
    assert (run.returncode, told["ok"]) == (0, True)
    assert [check["name"] for check in told["checks"]] == [
        *(
            "configuration",
            "packages",
            "system_libraries",
            "dead_package",
            "call_library",
            "interface",
            "udp",
            "application",
            "session",
            "telegram",
            "disk",
        ),
        *("database", "control_socket", "web_pages", "time_zone", "memory", "models", "audio", "thinking"),
    ]
    assert all(set(check) == {"name", "verdict", "what", "next_step", "took_s"} for check in told["checks"])
    assert all(check["next_step"] for check in told["checks"] if check["verdict"] != "ok")


def test_settings_that_cannot_be_read_are_a_finding(tmp_path: Path) -> None:
    run = started(tmp_path, "doctor", "--json", VAD_THRESHOLD="7")
    told = json.loads(run.stdout)
    assert run.returncode == 1
    assert "VAD_THRESHOLD is '7'" in told["checks"][0]["what"]
