"""deploy/: what is shipped for servers is well-formed, safe by default, and what a script of it does is what it says."""

from __future__ import annotations

import os
import re
import shutil
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
UNIT = "telegram-voicechat@.service"
USER_UNIT, SYSTEM_UNIT = DEPLOY / "systemd" / "user" / UNIT, DEPLOY / "systemd" / "system" / UNIT
SCRIPTS = [*DEPLOY.glob("*.sh"), *(ROOT / "scripts" / name for name in ("run", "bot", "test", "set_up")), ROOT / ".ci" / "run"]

STUB = """#!/bin/sh
printf '%s|%s\\n' "$PWD" "$*" >>"$STUB_LOG"
"""


def tool(name: str) -> str:
    """A program that a package of requirements-dev.txt brings."""
    return str(Path(sys.executable).parent / name)


def run(*command: str | Path, env: dict[str, str] | None = None, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*map(str, command)], env=env, cwd=cwd, capture_output=True, text=True, timeout=100)


def values(unit: Path, key: str) -> list[str]:
    return [line.partition("=")[2] for line in unit.read_text(encoding="utf-8").splitlines() if line.startswith(f"{key}=")]


# ---- scripts, image, compose


def test_every_shell_script_is_clean() -> None:
    checked = run(tool("shellcheck"), "-x", *SCRIPTS)
    assert checked.stdout + checked.stderr == ""


def test_the_dockerfile_is_clean() -> None:
    checked = run(tool("hadolint"), DEPLOY / "Dockerfile")
    assert checked.stdout + checked.stderr == ""


def test_everything_that_the_image_copies_is_there() -> None:
    text = (DEPLOY / "Dockerfile").read_text(encoding="utf-8")
    copied = [source for line in re.findall(r"^COPY (.+)$", text, re.MULTILINE) for source in line.split()[:-1]]
    assert "scripts/set_up" in copied
    assert [source for source in copied if not (ROOT / source).exists()] == []


def test_the_image_runs_without_root_and_keeps_everything_in_volumes() -> None:
    text = (DEPLOY / "Dockerfile").read_text(encoding="utf-8")
    assert re.search(r"^USER 10001$", text, re.MULTILINE)
    assert re.search(r'^VOLUME \["/data", "/models"\]$', text, re.MULTILINE)
    assert re.search(r"^HEALTHCHECK ", text, re.MULTILINE)
    assert "DATA_DIR=/data" in text
    assert "MODELS_DIR=/models" in text


def test_no_secret_gets_into_the_image() -> None:
    ignored = (DEPLOY / "Dockerfile.dockerignore").read_text(encoding="utf-8").splitlines()
    assert {".env", "**/*.session", ".git"} <= set(ignored)


def test_the_container_may_do_little() -> None:
    service: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))["services"]["parley"]
    assert service["cap_drop"] == ["ALL"]
    assert service["read_only"] is True
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert "ports" not in service
    assert {volume.split(":")[1] for volume in service["volumes"]} == {"/data", "/models"}
    assert (DEPLOY / service["build"]["context"]).resolve() == ROOT
    assert (ROOT / service["build"]["dockerfile"]).exists()


# ---- units


@pytest.mark.parametrize("unit", [USER_UNIT, SYSTEM_UNIT], ids=["user", "system"])
def test_a_unit_leaves_to_people_what_people_must_mend(unit: Path) -> None:
    assert values(unit, "Restart") == ["on-failure"]
    assert values(unit, "RestartPreventExitStatus") == ["2 78"]
    assert values(unit, "KillMode") == ["mixed"]
    assert int(values(unit, "TimeoutStopSec")[0]) > 10


def test_the_user_unit_needs_no_root_and_no_place_of_this_machine() -> None:
    assert values(USER_UNIT, "User") == []
    assert all(value.startswith("%h/") for value in values(USER_UNIT, "ExecStart"))


def test_the_system_unit_is_hardened() -> None:
    assert values(SYSTEM_UNIT, "User") == ["parley"]
    assert values(SYSTEM_UNIT, "CapabilityBoundingSet") == [""]
    assert values(SYSTEM_UNIT, "ProtectSystem") == ["strict"]
    assert values(SYSTEM_UNIT, "NoNewPrivileges") == ["yes"]


def test_systemd_has_nothing_to_say_against_the_units(tmp_path: Path) -> None:
    """Where there is a systemd to ask."""
    analyze = shutil.which("systemd-analyze")
    (tmp_path / ".local" / "lib").mkdir(parents=True)
    (tmp_path / ".local" / "lib" / "parley").symlink_to(ROOT)
    system = SYSTEM_UNIT.read_text(encoding="utf-8").replace("/opt/parley/bot.py", str(ROOT / "bot.py"))
    (tmp_path / UNIT).write_text(system.replace("/opt/parley/.venv/bin/python", sys.executable), encoding="utf-8")
    env = {**os.environ, "HOME": str(tmp_path), "XDG_RUNTIME_DIR": str(tmp_path)}
    for arguments in (["--user", str(USER_UNIT)], [str(tmp_path / UNIT)]):
        checked = run(analyze, "verify", *arguments, env=env) if analyze else run("true")
        assert [line for line in checked.stderr.splitlines() if UNIT.partition("@")[0] in line] == []


# ---- the wrapper and the installation


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A copy of the project whose scripts/bot only notes where and with what it was called."""
    root = tmp_path / "a checkout"
    shutil.copytree(DEPLOY, root / "deploy")
    (root / "scripts").mkdir()
    (root / "scripts" / "bot").write_text(STUB)
    (root / "scripts" / "bot").chmod(0o755)
    return root


class Home:
    """The home of a user without root, and without anything in it."""

    def __init__(self, folder: Path, checkout: Path) -> None:
        self.folder = folder / "home"
        self.folder.mkdir()
        self.checkout = checkout
        self.calls = folder / "calls"
        self.env = {"HOME": str(self.folder), "PATH": os.environ["PATH"], "STUB_LOG": str(self.calls)}

    def install(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return run(self.checkout / "deploy" / "install.sh", *arguments, env=self.env, cwd=self.folder)

    def wrapper(self, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
        return run(self.folder / ".local" / "bin" / "run-voicechat.sh", *arguments, env={**self.env, **more}, cwd=self.folder)

    def called(self) -> list[str]:
        return self.calls.read_text().splitlines() if self.calls.exists() else []

    def files(self) -> set[str]:
        return {str(path.relative_to(self.folder)) for path in self.folder.rglob("*") if path.is_symlink() or path.is_file()}


@pytest.fixture
def home(tmp_path: Path, checkout: Path) -> Home:
    return Home(tmp_path, checkout)


LINKS = {".local/bin/run-voicechat.sh", ".local/lib/parley"}
UNIT_FILE = f".config/systemd/user/{UNIT}"


def test_installing_needs_no_root_and_touches_four_places(home: Home) -> None:
    done = home.install()
    assert done.returncode == 0, done.stderr
    assert home.files() == {*LINKS, UNIT_FILE, ".config/parley/voicechat/.env"}
    settings = home.folder / ".config" / "parley" / "voicechat" / ".env"
    assert "API_ID=\nAPI_HASH=\n" in settings.read_text()
    assert "DATA_DIR" not in settings.read_text()
    assert stat.S_IMODE(settings.stat().st_mode) == 0o600
    for step in ("API_ID", "voicechat login", "voicechat doctor", "systemctl --user enable --now telegram-voicechat@voicechat"):
        assert step in done.stdout


def test_installing_again_writes_over_no_settings(home: Home) -> None:
    home.install()
    settings = home.folder / ".config" / "parley" / "voicechat" / ".env"
    settings.write_text("API_ID=5\n")
    assert home.install().returncode == 0
    assert settings.read_text() == "API_ID=5\n"


def test_a_second_account_has_places_of_its_own(home: Home) -> None:
    home.install("club")
    written = (home.folder / ".config" / "parley" / "club" / ".env").read_text()
    assert "SESSION_NAME=club\nDATA_DIR=~/.local/share/parley/club\nCONTROL_SOCKET=~/.local/share/parley/club/" in written


def test_nothing_else_of_the_users_is_replaced(home: Home) -> None:
    mine = home.folder / ".local" / "lib" / "parley"
    mine.mkdir(parents=True)
    refused = home.install()
    assert refused.returncode == 78
    assert refused.stderr == f"❌ {mine} is there and is no link. Move it away first.\n"


def test_uninstalling_leaves_settings(home: Home) -> None:
    home.install()
    assert home.install("--uninstall").returncode == 0
    assert home.files() == {".config/parley/voicechat/.env"}


@pytest.mark.parametrize("name", ["../etc", "a b", "-x", "ü"])
def test_a_name_that_is_none_is_refused(home: Home, name: str) -> None:
    assert home.install(name).returncode == 78
    home.install()
    refused = home.wrapper(name)
    assert (refused.returncode, refused.stdout) == (78, "")
    assert "is no name" in refused.stderr or "There is no folder" in refused.stderr


def test_the_wrapper_fetches_what_is_missing_and_runs_with_the_settings_of_the_account(home: Home) -> None:
    home.install()
    home.calls.unlink()
    assert home.wrapper().returncode == 0
    folder = home.folder / ".config" / "parley" / "voicechat"
    assert home.called() == [f"{folder}|engines fetch --all-needed", f"{folder}|run"]


def test_the_wrapper_passes_other_commands_on(home: Home) -> None:
    home.install("club")
    home.calls.unlink()
    home.wrapper("club", "rpc", "speak", "-100", "Hola a tothom")
    assert home.called() == [f"{home.folder}/.config/parley/club|rpc speak -100 Hola a tothom"]


def test_the_wrapper_says_how_to_make_an_account(home: Home) -> None:
    home.install()
    refused = home.wrapper("nobody")
    assert refused.returncode == 78
    assert refused.stderr.startswith(f"❌ There is no folder {home.folder}/.config/parley/nobody. Make it with: {home.checkout}")


def test_the_image_starts_as_its_dockerfile_says(home: Home, tmp_path: Path) -> None:
    home.install()
    home.calls.unlink()
    (tmp_path / "data").mkdir()
    assert home.wrapper("data", "run", PARLEY_SETTINGS=str(tmp_path)).returncode == 0
    assert home.called()[-1] == f"{tmp_path}/data|run"
