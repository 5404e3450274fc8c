"""Every bounded queue that drops something counts it under ``parley_dropped_total``."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

import drops
from calls.lines.event_stream import MOST_WAITING, EventStream
from calls.lines.line import LineLost
from calls.lines.pacer import MOST_CATCH_UP_S, Pacer
from control.outbox import Outbox
from drops import Drop
from handlers.mailbox import Mailboxes
from storage.writer import Writer
from tests.calls.virtual_time import run_in_virtual_time

ROOT = Path(__file__).resolve().parents[1]
DOCUMENT = (ROOT / "docs" / "logs-and-metrics.md").read_text(encoding="utf-8")
ROOMS = ("audio", "brain", "calls", "control", "engines", "handlers", "metrics", "models", "storage")
QUEUE = re.compile(r"deque\([^()]*maxlen=|\bQueue\(")

DROPS: dict[str, Drop] = {
    "calls/lines/event_stream.py": Drop.LINE_EVENTS,
    "calls/raw_call.py": Drop.HEARD_FRAMES,
    "calls/telegram/group_hearing.py": Drop.HEARD_FRAMES,
    "calls/telegram/phone.py": Drop.CALL_SIGNALS,
    "control/http/browser.py": Drop.MESSAGES_TO_CALLERS,
    "handlers/notices.py": Drop.NOTICES,
    "storage/writer.py": Drop.STORED_EVENTS,
}
"""Files with a bounded queue of which something can be lost."""
NEWEST_ON_PURPOSE = {
    "audio/vad.py",
    "brain/model_process.py",
    "calls/browser_calls.py",
    "calls/call_record.py",
    "calls/latency.py",
    "calls/lines/far_buffer.py",
    "calls/lines/replies.py",
    "calls/state.py",
    "calls/telephony/ongoing.py",
    "calls/turns/patience.py",
    "control/http/recent.py",
}
"""Files with a window of what is newest: what falls out of it has done its duty."""
WAITS = {
    "audio/tts/piper_process.py",
    "audio/tts/piper_program.py",
    "brain/model_process.py",
    "calls/reply.py",
    "calls/voice_messages.py",
}
"""Files with a queue into which only what has room is put."""


def source(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def files_with_queues() -> set[str]:
    files = (file for room in ROOMS for file in (ROOT / room).rglob("*.py"))
    return {str(file.relative_to(ROOT)) for file in files if QUEUE.search(file.read_text(encoding="utf-8"))}


def test_every_bounded_queue_is_known() -> None:
    """Whoever adds one notes in it what it drops (``drops.note``), or says here that it drops nothing."""
    assert files_with_queues() - DROPS.keys() - NEWEST_ON_PURPOSE - WAITS == set()


@pytest.mark.parametrize("name", DROPS)
def test_what_a_queue_drops_is_noted_there(name: str) -> None:
    assert "drops.note(" in source(name)
    assert f"Drop.{DROPS[name].name}" in source(name)


@pytest.mark.parametrize("what", Drop)
def test_everything_that_can_be_dropped_is_noted_somewhere_and_told(what: Drop) -> None:
    noted = [file for room in ROOMS for file in (ROOT / room).rglob("*.py") if f"Drop.{what.name}" in file.read_text(encoding="utf-8")]
    assert noted
    assert f"`{what.value}`" in DOCUMENT
    assert what.value in drops.counts()


@contextmanager
def dropped(what: Drop, number: int) -> Iterator[None]:
    """Inside, exactly so many of these are dropped and counted."""
    before = drops.counts()[what]
    yield
    assert drops.counts()[what] - before == number


async def test_an_event_stream_counts() -> None:
    with dropped(Drop.LINE_EVENTS, 3):
        stream = EventStream()
        for _ in range(MOST_WAITING + 3):
            stream.put(LineLost(""))


async def test_an_outbox_counts() -> None:
    with dropped(Drop.NOTIFICATIONS, 2):
        outbox = Outbox(most_notifications=1)
        for _ in range(3):
            outbox.notify(b"{}")


async def test_a_writer_counts_as_what_it_writes() -> None:
    async def write() -> None: ...

    with dropped(Drop.STORED_COMMANDS, 2):
        writer = Writer(what=Drop.STORED_COMMANDS)
        while writer.note(write):
            pass
        assert not writer.note(write)


async def test_a_full_mailbox_counts() -> None:
    released = asyncio.Event()

    async def job() -> None:
        await released.wait()

    with dropped(Drop.COMMANDS, 2):
        mailboxes = Mailboxes(most_waiting=1)
        assert [mailboxes.post(1, job) for _ in range(3)] == [True, False, False]
        released.set()
        await mailboxes.empty()


def test_a_pacer_that_is_late_counts() -> None:
    async def late() -> None:
        pacer, pulled = Pacer(), asyncio.Event()
        pacer.add("line", pulled.set)
        pacer.cadence.next_s -= MOST_CATCH_UP_S + 0.0301
        await pulled.wait()
        pacer.remove("line")

    with dropped(Drop.PLAYED_FRAMES, 9):
        run_in_virtual_time(late())


@pytest.mark.parametrize("number", [0, 1, 5])
def test_counts_from_any_thread(number: int) -> None:
    def note_all() -> None:
        drops.note(Drop.HEARD_FRAMES, number)

    with dropped(Drop.HEARD_FRAMES, 3 * number):
        run_in_threads(note_all, 3)


def run_in_threads(work: Callable[[], None], many: int) -> None:
    import threading

    threads = [threading.Thread(target=work) for _ in range(many)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
