"""A machine without the system libraries that the packages need."""

from __future__ import annotations

import subprocess
import sys
from importlib import metadata
from pathlib import Path

from doctor.finding import Verdict
from doctor.libraries import DEBIAN_PACKAGES, missing, system_libraries

ROOT = Path(__file__).resolve().parents[2]
WITHOUT_LIBRARIES = """
import ctypes, runpy, sys
sys.path.insert(0, sys.argv[1])
def load(name): raise OSError(f"{name}: cannot open shared object file")
ctypes.CDLL = load
runpy.run_module("doctor.libraries", run_name="__main__")
"""


def without_openmp(name: str) -> object:
    if name == "libgomp.so.1":
        raise OSError(f"{name}: cannot open shared object file: No such file or directory")
    return None


def test_here_they_are() -> None:
    assert system_libraries().verdict is Verdict.OK
    assert missing() == []


def test_the_one_that_is_missing_is_named_with_its_package() -> None:
    finding = system_libraries(without_openmp)
    assert (finding.verdict, finding.what) == (Verdict.FAILURE, "System libraries are missing: libgomp.so.1.")
    assert finding.next_step.startswith("sudo apt install libgomp1 (or ")


def test_the_packages_ask_for_them() -> None:
    asked = {"xllamacpp": "libgomp.so.1", "ctranslate2": "libstdc++.so.6", "ntgcalls": "libz.so.1", "av": "libgcc_s.so.1"}
    assert set(asked.values()) == set(DEBIAN_PACKAGES)
    for package, library in asked.items():
        files = [Path(str(file.locate())) for file in metadata.files(package) or () if ".so" in file.name]
        assert any(library.encode() + b"\0" in file.read_bytes() for file in files), (package, library)


def test_before_there_is_any_package_they_are_named_as_well() -> None:
    program = [sys.executable, "-I", "-S", "-c", WITHOUT_LIBRARIES, str(ROOT)]
    told = subprocess.run(program, capture_output=True, text=True, check=False)
    assert told.returncode == 1
    assert told.stderr.startswith("System libraries are missing: libgomp.so.1, ")
    assert "sudo apt install libgomp1 libstdc++6 libgcc-s1 zlib1g (or" in told.stderr
