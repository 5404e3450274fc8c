"""The system libraries that the packages need and do not bring: ``python -m doctor.libraries`` says what is missing, with no package there.

Found with ``readelf -d`` in all the wheels of requirements.txt: libgomp is for the embedded brain (xllamacpp), the others for most of them.
"""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable, Iterable
from typing import Final

from doctor.finding import Finding, failure, ok

DEBIAN_PACKAGES: Final = {
    "libgomp.so.1": "libgomp1",
    "libstdc++.so.6": "libstdc++6",
    "libgcc_s.so.1": "libgcc-s1",
    "libz.so.1": "zlib1g",
}


def missing(load: Callable[[str], object] = ctypes.CDLL, names: Iterable[str] = DEBIAN_PACKAGES) -> list[str]:
    """Those that this machine cannot load; elsewhere than on GNU/Linux the packages bring all they need."""
    return [name for name in names if not _loads(load, name)] if sys.platform == "linux" else []


def cure(names: Iterable[str]) -> str:
    """What a person types to have them."""
    return f"sudo apt install {' '.join(DEBIAN_PACKAGES[name] for name in names)} (or what brings them where there is no apt)"


def system_libraries(load: Callable[[str], object] = ctypes.CDLL) -> Finding:
    """Whether all of them can be loaded."""
    if gone := missing(load):
        return failure(f"System libraries are missing: {', '.join(gone)}.", cure(gone))
    return ok("The system libraries that the packages need are there.")


def _loads(load: Callable[[str], object], name: str) -> bool:
    try:
        load(name)
    except OSError:
        return False
    return True


if __name__ == "__main__":
    if gone := missing():
        sys.exit(f"System libraries are missing: {', '.join(gone)}. Install them with: {cure(gone)}")
