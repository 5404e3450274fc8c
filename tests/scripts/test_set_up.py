"""scripts/set_up with interpreters that only pretend: what it does step by step, and what it says where something is missing."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from scripts.write_env_example import ROOT

TOOLS = ("sh", "cat", "cut", "dirname", "mkdir", "cp", "touch", "sha256sum", "date", "id")
PRETENDED_PYTHON = """\
#!/bin/sh
case "$*" in
    *version_info\\ *) exit {too_old} ;;
    *ensurepip*) exit {lacks_venv} ;;
    *version_info\\[*) echo 3.12 ;;
    -V) echo Python 3.12.0 ;;
    "-m venv"*) mkdir -p .venv/bin && cp "$0" .venv/bin/python && cp "$0" .venv/bin/lint-imports ;;
    "-m mypy"*) exit {mypy_exit} ;;
    "-m doctor.libraries") exit {lacks_library} ;;
    "-m pip"*) echo "$*" >>pip.log; exit {pip_exit} ;;
    *) echo "$*" >>python.log ;;
esac
"""


NO_FAULTS = dict.fromkeys(("too_old", "lacks_venv", "lacks_library", "pip_exit", "mypy_exit"), 0)


@dataclass
class Project:
    """A folder with the scripts, and a PATH that holds only a few tools and the pretended interpreters."""

    folder: Path
    programs: Path

    def python(self, name: str = "python3", **exits: int) -> None:
        """An interpreter of this name; ``exits`` are the codes in :data:`PRETENDED_PYTHON` that are not 0."""
        program = self.programs / name
        program.write_text(PRETENDED_PYTHON.format_map(NO_FAULTS | exits))
        program.chmod(0o755)

    def run(self, script: str = "run", *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [str(self.folder / "scripts" / script), *arguments]
        return subprocess.run(command, cwd="/", env={"PATH": str(self.programs)}, capture_output=True, text=True, check=False)

    def pip_calls(self) -> list[str]:
        log = self.folder / "pip.log"
        return log.read_text().splitlines() if log.exists() else []


@pytest.fixture
def project(tmp_path: Path) -> Project:
    folder, programs = tmp_path / "a folder with spaces", tmp_path / "programs"
    shutil.copytree(ROOT / "scripts", folder / "scripts")
    programs.mkdir()
    (folder / "doctor").mkdir()
    (folder / "doctor" / "libraries.py").touch()
    for tool in TOOLS:
        (programs / tool).symlink_to(str(shutil.which(tool)))
    (programs / "chromium").symlink_to(str(shutil.which("true")))
    for name in ("requirements.txt", "requirements-dev.txt"):
        (folder / name).write_text("telethon==1\n")
    return Project(folder, programs)


def test_the_first_run_sets_up_and_the_second_installs_nothing(project: Project) -> None:
    project.python()

    assert project.run().returncode == 0
    assert project.run().returncode == 0

    assert project.pip_calls() == ["-m pip install --no-input --prefer-binary --requirement requirements.txt"]


def test_changed_requirements_are_installed_again(project: Project) -> None:
    project.python()
    project.run()
    (project.folder / "requirements.txt").write_text("telethon==2\n")

    project.run()

    assert len(project.pip_calls()) == 2


def test_models_are_fetched_before_the_job_gets_the_arguments(project: Project) -> None:
    project.python()

    project.run("run", "--report", "my report")

    calls = (project.folder / "python.log").read_text()
    assert calls.startswith("bot.py engines fetch --all-needed\n")
    assert calls.rstrip().endswith("--report my report")


def test_an_interpreter_with_venv_is_preferred_to_one_without(project: Project) -> None:
    project.python("python3", lacks_venv=1)
    project.python("python3.12")

    result = project.run()

    assert result.returncode == 0, result.stderr


def test_a_missing_venv_module_names_the_package_that_brings_it(project: Project) -> None:
    project.python(lacks_venv=1)

    result = project.run()

    assert result.stderr == "Python's venv module is missing. Install it with: sudo apt install python3.12-venv\n"
    assert result.returncode == 69


def test_a_python_that_is_too_old_or_missing_is_told(project: Project) -> None:
    told = "Parley needs Python 3.11 or newer. Install it with: sudo apt install python3 python3-venv\n"

    assert project.run().stderr == told
    project.python(too_old=1)
    result = project.run()

    assert result.stderr == told
    assert result.returncode == 69


def test_without_a_system_library_nothing_is_downloaded(project: Project) -> None:
    project.python(lacks_library=1)

    assert project.run().returncode == 69
    assert project.pip_calls() == []
    project.python()
    shutil.copy(project.programs / "python3", project.folder / ".venv" / "bin" / "python")
    assert project.run().returncode == 0
    assert len(project.pip_calls()) == 1


def test_a_layer_of_a_container_has_no_doctor(project: Project) -> None:
    shutil.rmtree(project.folder / "doctor")
    project.python(lacks_library=1)

    assert project.run().returncode == 0


def test_a_failed_installation_is_told_and_tried_again_next_time(project: Project) -> None:
    project.python(pip_exit=1)

    result = project.run()

    assert result.stderr.splitlines()[-1].startswith("The packages could not be installed")
    assert result.returncode == 69
    project.run()
    assert len(project.pip_calls()) == 2


def test_the_checks_stop_at_the_first_that_fails(project: Project) -> None:
    project.python(mypy_exit=1)

    result = project.run("test")

    assert result.returncode == 1
    assert result.stderr.splitlines()[-1].startswith("== mypy failed after ")
    assert "pytest" not in (project.folder / "python.log").read_text()
