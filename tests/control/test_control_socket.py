"""The socket itself: who may connect, in which framing is answered, what is told, and what becomes of slow and rude programs."""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
import socket
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from calls import events
from calls.events import CallEvent, EventBus
from config import Settings, load_settings
from control import socket_server
from control.connection import MOST_REQUESTS
from control.controlled import controlled, dispatcher_of
from control.framing import LONGEST, Framing
from control.outbox import MOST_NOTIFICATIONS
from control.rpc_errors import Code
from control.socket_file import LONGEST_PATH, InUse, SocketError, listening, socket_path
from control.socket_server import ControlServer
from tests.control.stage import ANN, CHAT, EXAMPLES, STATUS, Calls, Client, Standing, services, stage

NOBODY = 65534
CONNECT_AS_NOBODY = """
import os, socket, sys
connection = socket.socket(socket.AF_UNIX)
os.setgroups([]); os.setgid(65534); os.setuid(65534)
try:
    connection.connect(sys.argv[1])
except OSError as error:
    print(type(error).__name__)
else:
    connection.sendall(b'{"jsonrpc": "2.0", "method": "status", "id": 1}\\n')
    print(connection.makefile().read().strip())
"""
FRAMINGS = pytest.mark.parametrize("framing", list(Framing))


def now_s() -> float:
    return asyncio.get_running_loop().time()


def joined(chat_id: int = CHAT, title: str = "Book club") -> CallEvent:
    return events.CallJoined(chat_id=chat_id, at_s=now_s(), title=title)


def heard(text: str = "Bon dia") -> CallEvent:
    return events.TurnHeard(
        chat_id=CHAT, at_s=now_s(), turn_id=3, revision=1, speaker="Ann", speaker_id=ANN, text=text, language="ca", confidence=0.91234
    )


def answered() -> CallEvent:
    return events.ExchangeEnded(
        chat_id=CHAT, at_s=now_s(), turn_id=3, revision=1, speaker="Ann", speaker_id=ANN, heard="Bon dia", reply="Bon dia, Ann.",
        reply_heard="Bon dia", interrupted=True, speech_ended_at_s=10.0, first_sound_at_s=10.85,
    )  # fmt: skip


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that everybody may look into."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)


# ---- asking


@FRAMINGS
async def test_the_examples_of_the_first_document_work_in_both_framings(tmp_path: Path, framing: Framing) -> None:
    async with stage(tmp_path) as standing:
        client = await Client.connect(standing.path, framing)
        answers = []
        for example in EXAMPLES:
            client.send(example)
            answers.append(await client.message())
        assert [answer["id"] for answer in answers] == [1, 1, 1, 1]
        assert answers[0]["result"]["service"] == "telegram-voicechat"
        assert [answer["result"]["chat_id"] for answer in answers[1:]] == [CHAT] * 3
        assert standing.calls.said == [(CHAT, "Hola a tothom!", "ca", False)]
        client.close()


@FRAMINGS
async def test_a_program_that_sends_no_more_is_answered_to_the_end(tmp_path: Path, framing: Framing) -> None:
    async with stage(tmp_path) as standing:
        client = await Client.connect(standing.path, framing)
        client.send(*[STATUS] * 5)
        client.writer.write_eof()
        assert [(await client.message())["id"] for _ in range(5)] == [1] * 5
        assert await client.hung_up()


async def test_what_was_asked_is_done_even_if_nobody_waits_for_the_answer(tmp_path: Path) -> None:
    async with stage(tmp_path) as standing:
        standing.calls.may_join.clear()
        client = await Client.connect(standing.path)
        client.send(EXAMPLES[1])
        await until(lambda: standing.calls.begun)
        client.close()
        await client.writer.wait_closed()
        standing.bus.publish(joined())
        standing.calls.may_join.set()
        await until(lambda: standing.calls.active == (CHAT,))


async def test_a_request_that_takes_long_holds_up_no_other(tmp_path: Path) -> None:
    async with stage(tmp_path) as standing:
        standing.calls.may_join.clear()
        client = await Client.connect(standing.path)
        client.send(EXAMPLES[1], STATUS.replace(b'"id": 1', b'"id": 2'))
        assert (await client.message())["id"] == 2
        standing.calls.may_join.set()
        assert (await client.message())["result"]["joined"]
        client.close()


async def test_what_is_malformed_is_told_and_the_rest_is_answered(tmp_path: Path) -> None:
    async with stage(tmp_path) as standing:
        client = await Client.connect(standing.path)
        client.send(b'{"jsonrpc": "2.0", "method": ]', STATUS)
        assert (await client.message())["error"]["code"] == Code.PARSE
        assert (await client.message())["result"]["running"]
        client.send(b'{"jsonrpc": "2.0", "method": "' + b"x" * LONGEST + b'"}', STATUS)
        assert (await client.message())["error"]["code"] == Code.INVALID_REQUEST
        assert (await client.message())["result"]["running"]
        client.close()


async def test_more_requests_at_once_than_are_answered_wait_their_turn(tmp_path: Path) -> None:
    async with stage(tmp_path) as standing:
        standing.calls.joined[CHAT] = "Book club"
        standing.calls.may_end.clear()
        client = await Client.connect(standing.path)
        client.send(*[EXAMPLES[2]] * (MOST_REQUESTS + 10))
        await asyncio.sleep(0.1)
        standing.calls.may_end.set()
        assert [(await client.message())["result"]["spoken"] for _ in range(MOST_REQUESTS + 10)] == [True] * (MOST_REQUESTS + 10)
        client.close()


# ---- being told


@FRAMINGS
async def test_the_four_events_of_the_first_document_come_unasked(tmp_path: Path, framing: Framing) -> None:
    async with stage(tmp_path, wall_clock=lambda: 1000.0) as standing:
        client = await Client.connect(standing.path, framing)
        client.send(STATUS)
        await client.message()
        standing.bus.publish(events.CallIncoming(chat_id=ANN, at_s=now_s(), name="Ann"))
        standing.bus.publish(joined())
        standing.bus.publish(heard())
        standing.bus.publish(events.CallLeft(chat_id=CHAT, at_s=now_s(), reason="Sent away."))
        told = [await client.message() for _ in range(4)]
        assert [message["method"] for message in told] == ["call.incoming", "call.joined", "transcription", "call.left"]
        assert all("id" not in message for message in told)
        assert all(999.0 < message["params"].pop("at") <= 1000.0 for message in told)
        assert [message["params"] for message in told] == [
            {"chat_id": ANN, "name": "Ann"},
            {"chat_id": CHAT, "title": "Book club"},
            {"chat_id": CHAT, "turn_id": 3, "speaker": "Ann", "speaker_id": ANN, "text": "Bon dia", "language": "ca", "confidence": 0.912},
            {"chat_id": CHAT, "reason": "Sent away."},
        ]
        client.close()


async def test_the_other_notifications(tmp_path: Path) -> None:
    published: list[CallEvent] = [
        events.CallConnected(chat_id=ANN, at_s=now_s(), name="Ann", incoming=True, emojis="🐙🌵"),
        events.CallEnded(chat_id=ANN, at_s=now_s(), name="Ann", reason="She hung up."),
        answered(),
        events.EngineFailed(chat_id=CHAT, at_s=now_s(), part="speaking", what="No voice."),
        events.AccountTrouble(chat_id=0, at_s=now_s(), text="Frozen."),
        events.StorageFailed(chat_id=0, at_s=now_s(), what="The disk is full."),
        events.CallNotice(chat_id=CHAT, at_s=now_s(), text="I try again in 5 minutes.", key="notice.paused"),
        events.TurnIgnored(chat_id=CHAT, at_s=now_s(), turn_id=4, speaker="Bob", speaker_id=8, text="Hi", reason="too many waiting"),
    ]
    untold: list[CallEvent] = [
        heard(text=""),
        events.TurnIgnored(chat_id=CHAT, at_s=now_s(), turn_id=4, speaker="Bob", speaker_id=8, text="Hi", reason="not addressed"),
        events.PhaseChanged(chat_id=CHAT, at_s=now_s(), phase="thinking"),
        events.CallJoined(chat_id=ANN, at_s=now_s(), title="Ann"),
        events.CallNotice(chat_id=CHAT, at_s=now_s(), text="Back again.", key="auto_join.joined"),
    ]
    async with stage(tmp_path) as standing:
        client = await Client.connect(standing.path)
        await client.ask("events.subscribe")
        for event in [*untold, *published]:
            standing.bus.publish(event)
        told = [await client.message() for _ in published]
        assert [(message["method"], message["params"].get("part") or message["params"].get("text")) for message in told] == [
            ("call.connected", None), ("call.ended", None), ("reply", "Bon dia, Ann."), ("error", "speaking"), ("error", "account"),
            ("error", "storage"), ("error", "call"), ("transcription", "Hi"),
        ]  # fmt: skip
        assert told[2]["params"]["latency_ms"] == 850
        assert told[2]["params"]["interrupted"] is True
        assert await client.is_quiet()
        client.close()


async def test_a_subscription_narrows_what_is_told(tmp_path: Path) -> None:
    async with stage(tmp_path) as standing:
        client = await Client.connect(standing.path)
        await client.ask("events.subscribe", types=["call.joined", "error"], chat_ids=[CHAT])
        for event in (joined(-5), heard(), joined(), events.StorageFailed(chat_id=0, at_s=now_s(), what="Full.")):
            standing.bus.publish(event)
        assert [(await client.message())["method"] for _ in range(2)] == ["call.joined", "error"]
        await client.ask("events.subscribe", types=[])
        standing.bus.publish(joined())
        assert await client.is_quiet()
        client.close()


async def test_who_wants_to_be_told_of_incoming_calls_by_name_attends_them(tmp_path: Path) -> None:
    async with stage(tmp_path) as standing:
        client, attended = await Client.connect(standing.path), standing.server.attended
        await client.ask("events.subscribe")
        assert not attended(ANN)
        await client.ask("events.subscribe", types=["call.incoming"])
        assert attended(ANN)
        await client.ask("events.subscribe", types=["call.incoming"], chat_ids=[ANN])
        assert (attended(ANN), attended(43)) == (True, False)
        client.close()
        await until(lambda: not attended(ANN))


@pytest.mark.parametrize("method", ["call.accept", "call.reject"])
async def test_who_has_answered_a_call_attends_the_next_ones(tmp_path: Path, method: str) -> None:
    async with stage(tmp_path) as standing:
        client, attended = await Client.connect(standing.path), standing.server.attended
        await client.ask("call.hangup")
        assert not attended(ANN)
        await client.ask(method)
        assert attended(ANN)
        await client.ask("events.subscribe", types=["transcription"])
        assert not attended(ANN), "it is not told of calls any more"
        client.close()


async def test_who_has_not_subscribed_gets_the_answer_before_what_happens_meanwhile(tmp_path: Path) -> None:
    async with stage(tmp_path) as standing:
        for number, (subscribes, first) in enumerate(((False, "id"), (True, "method")), start=1):
            standing.calls.may_join.clear()
            client = await Client.connect(standing.path)
            if subscribes:
                await client.ask("events.subscribe")
            client.send(EXAMPLES[1])
            await until(lambda number=number: standing.calls.begun == number)
            standing.bus.publish(joined())
            await asyncio.sleep(0.05)
            standing.calls.may_join.set()
            messages = [await client.message(), await client.message()]
            assert first in messages[0]
            assert {"id", "method"} == {key for message in messages for key in message if key in ("id", "method")}
            client.close()


async def test_who_sends_nothing_is_told_in_lines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("control.connection.SILENT_S", 0.05)
    async with stage(tmp_path) as standing:
        reader, writer = await asyncio.open_unix_connection(standing.path)
        await until(lambda: standing.server._clients)
        standing.bus.publish(joined())
        assert json.loads(await asyncio.wait_for(reader.readline(), 20))["method"] == "call.joined"
        writer.close()


async def test_a_slow_reader_is_told_how_much_it_has_lost(tmp_path: Path) -> None:
    async with stage(tmp_path) as standing:
        slow, quick = await Client.connect(standing.path), await Client.connect(standing.path)
        for client in (slow, quick):
            await client.ask("events.subscribe")
        quick_told = asyncio.create_task(told_until_last(quick))
        count = 0
        while not _is_losing(standing):
            count += 1
            standing.bus.publish(heard("x" * 5_000))
            await asyncio.sleep(0)
        standing.bus.publish(heard("the last"))
        assert await quick_told == (count + 1, 0)
        received, lost = await told_until_last(slow)
        assert lost > 0
        assert received + lost == count + 1
        assert received >= MOST_NOTIFICATIONS
        for client in (slow, quick):
            client.close()


def _is_losing(standing: Standing) -> bool:
    return any(client._outbox._lost > 10 for client in standing.server._clients)


async def told_until_last(client: Client) -> tuple[int, int]:
    """How many notifications came, and how many were lost, up to the one that says so."""
    received = lost = 0
    while True:
        message = await client.message(20.0)
        if message["method"] == "events.lost":
            lost += message["params"]["count"]
            continue
        received += 1
        if message["params"]["text"] == "the last":
            return received, lost


# ---- who may connect, and how often


async def test_the_socket_is_its_owners_from_the_first_moment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    modes: list[int] = []
    listen = socket.socket.listen

    def seen(self: socket.socket, backlog: int) -> None:
        modes.append(stat.S_IMODE(Path(self.getsockname()).stat().st_mode))
        listen(self, backlog)

    monkeypatch.setattr(socket.socket, "listen", seen)
    before = os.umask(0)
    try:
        listening(tmp_path / "new" / "control.sock").close()
        assert os.umask(0) == 0
    finally:
        os.umask(before)
    assert modes == [0o600]
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o700


async def test_while_another_program_makes_its_socket_the_event_loop_goes_on(tmp_path: Path) -> None:
    lock = os.open(tmp_path, os.O_RDONLY | os.O_DIRECTORY)
    fcntl.flock(lock, fcntl.LOCK_EX)
    async with services(tmp_path, Calls()) as made:
        server = ControlServer(tmp_path / "control.sock", dispatcher_of(made), EventBus())
        starting = asyncio.create_task(server.__aenter__())
        for _ in range(20):
            await asyncio.sleep(0.001)
            assert not starting.done()
        os.close(lock)
        await starting
        await server.__aexit__(None, None, None)


async def test_a_program_of_another_user_is_refused(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async with stage(tmp_path, uid_of=lambda _connection: os.geteuid() + 1) as standing:
        client = await Client.connect(standing.path)
        client.send(EXAMPLES[1])
        assert (await client.message())["error"]["code"] == Code.FORBIDDEN
        assert await client.hung_up()
        assert standing.calls.active == ()
    assert "another user" in caplog.text


async def test_root_and_the_user_are_served(tmp_path: Path) -> None:
    for uid in (0, os.geteuid(), None):
        async with stage(tmp_path, uid_of=lambda _connection, uid=uid: uid) as standing:
            client = await Client.connect(standing.path)
            assert (await client.ask("status"))["result"]["running"]
            client.close()


async def test_a_real_second_user_is_refused_by_the_file_and_then_by_name(open_folder: Path) -> None:
    """Only root can try it; elsewhere the credential is the one above."""
    if os.geteuid() != 0:
        return
    async with stage(open_folder) as standing:
        assert await as_nobody(standing.path) == "PermissionError"
        standing.path.chmod(0o666)
        assert json.loads(await as_nobody(standing.path))["error"]["code"] == Code.FORBIDDEN


async def as_nobody(path: Path) -> str:
    program = await asyncio.create_subprocess_exec(
        sys.executable, "-c", CONNECT_AS_NOBODY, str(path), stdout=asyncio.subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    output, _ = await asyncio.wait_for(program.communicate(), 60)
    return output.decode().strip()


async def test_clients_have_a_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket_server, "MOST_CLIENTS", 2)
    async with stage(tmp_path) as standing:
        served = [await Client.connect(standing.path) for _ in range(2)]
        for client in served:
            await client.ask("status")
        refused = await Client.connect(standing.path)
        assert (await refused.message())["error"]["code"] == Code.BUSY
        assert await refused.hung_up()
        served[0].close()
        await until(lambda: len(standing.server._clients) == 1)
        welcome = await Client.connect(standing.path)
        assert (await welcome.ask("status"))["result"]["running"]
        for client in (served[1], welcome):
            client.close()


async def test_rude_programs_leave_nothing_behind(tmp_path: Path) -> None:
    async with stage(tmp_path) as standing:
        before = open_files()
        for sent in (b"", b"{", STATUS, STATUS * 50, b"\0\0\0", os.urandom(5000)):
            for _ in range(5):
                _reader, writer = await asyncio.open_unix_connection(standing.path)
                writer.write(sent)
                writer.transport.abort()
        await until(lambda: not standing.server._clients and open_files() <= before)
        await until(lambda: not [task for task in asyncio.all_tasks() if "control socket" in task.get_name()])


# ---- where it is


async def test_a_dead_socket_is_replaced_and_a_live_one_is_not(tmp_path: Path) -> None:
    path = tmp_path / "control.sock"
    listening(path).close()
    assert path.is_socket()
    async with stage(tmp_path) as standing:
        client = await Client.connect(path)
        with pytest.raises(InUse, match="listens at the control socket") as refused:
            listening(path)
        if sys.platform == "linux":
            assert f"process {os.getpid()}" in str(refused.value)
        assert "CONTROL_SOCKET of its own" in str(refused.value)
        assert (await client.ask("status"))["result"]["running"]
        client.close()
        assert standing.path.is_socket()
    assert not path.exists()


async def test_a_socket_that_another_has_put_there_is_left(tmp_path: Path) -> None:
    async with stage(tmp_path) as standing:
        standing.path.unlink()
        other = listening(standing.path)
    assert standing.path.is_socket()
    other.close()


def test_what_is_no_socket_is_left_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(SocketError, match="is no socket"):
        listening(tmp_path / "notes.txt")
    assert (tmp_path / "notes.txt").read_text() == "mine"


def test_a_place_that_cannot_be_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SocketError, match=r"cannot be made: .*Set CONTROL_SOCKET"):
        listening(tmp_path / "file" / "control.sock")
    with pytest.raises(SocketError, match="too long"):
        listening(tmp_path / ("x" * LONGEST_PATH))


def settings(folder: Path, **changes: Any) -> Settings:
    return load_settings(None, data_dir=folder, **changes)


def test_where_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CONTROL_SOCKET", raising=False)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    assert socket_path(settings(tmp_path / "data")) == tmp_path / "telegram-voicechat.sock"
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "none"))
    monkeypatch.setattr(os, "getuid", lambda: 4_000_000_000)
    assert socket_path(settings(tmp_path / "data")) == tmp_path / "data" / "telegram-voicechat.sock"
    monkeypatch.setenv("HOME", str(tmp_path))
    assert socket_path(settings(tmp_path, control_socket=Path("~/my.sock"))) == tmp_path / "my.sock"
    assert socket_path(settings(tmp_path, control_socket=Path("none"))) is None


async def test_where_another_parley_has_the_usual_place_this_one_works_without(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.delenv("CONTROL_SOCKET", raising=False)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    taken = listening(tmp_path / "telegram-voicechat.sock")
    async with services(tmp_path, Calls()) as made:
        async with controlled(settings(tmp_path), made, EventBus()) as attended:
            assert not attended(ANN)
        assert "cannot be controlled by other programs" in caplog.text
        with pytest.raises(InUse):
            async with controlled(settings(tmp_path, control_socket=tmp_path / "telegram-voicechat.sock"), made, EventBus()):
                pass
    taken.close()


async def test_none_means_no_socket(tmp_path: Path) -> None:
    async with (
        services(tmp_path, Calls()) as made,
        controlled(settings(tmp_path, control_socket=Path("none")), made, EventBus()) as attended,
    ):
        assert not attended(ANN)
        assert not socket_files(tmp_path)


async def test_at_the_end_clients_get_what_is_on_its_way(tmp_path: Path) -> None:
    async with services(tmp_path, Calls()) as made:
        bus = EventBus()
        async with ControlServer(tmp_path / "control.sock", dispatcher_of(made), bus) as server:
            client = await Client.connect(server.path)
            await client.ask("events.subscribe")
            bus.publish(events.CallLeft(chat_id=CHAT, at_s=now_s(), reason="Parley ends."))
        assert (await client.message())["params"]["reason"] == "Parley ends."
        assert await client.hung_up()
        bus.publish(joined())


def socket_files(folder: Path) -> list[Path]:
    return list(folder.glob("*.sock"))


def open_files() -> int:
    """0 where the system does not tell."""
    return len(list(Path("/proc/self/fd").glob("*")))


async def until(condition: Any, within_s: float = 20.0) -> None:
    async with asyncio.timeout(within_s):
        while not condition():  # noqa: ASYNC110 - what is waited for does not tell
            await asyncio.sleep(0.01)
