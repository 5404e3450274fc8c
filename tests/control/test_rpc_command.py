"""``bot.py rpc``: what it prints, and with which exit code it ends."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import sys
import threading
import time
from pathlib import Path
from unittest.mock import patch

import pytest
from typer.testing import CliRunner

from calls import errors, events
from calls.private_call import Direction, PrivateCall, Stage
from calls.reconciler import Outlook
from control.client import EXIT_REFUSED, ControlClient, NotReached, Refused
from control.command import app
from control.socket_file import listening
from control.text import happened
from errors import EXIT_UNAVAILABLE, EXIT_USAGE
from storage import exchanges
from tests.control.stage import ANN, CHAT, Standing, call_error, stage
from tests.control.test_control_socket import until
from tests.secret_watch import watch

ROOT = Path(__file__).resolve().parents[2]
TIME_OUT_S = 60.0


async def started(path: Path, *command: str) -> asyncio.subprocess.Process:
    return await started_bot(path, "rpc", *command)


async def started_bot(path: Path, *command: str) -> asyncio.subprocess.Process:
    plain = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    return await asyncio.create_subprocess_exec(
        *(sys.executable, str(ROOT / "bot.py"), *command),
        cwd=path.parent,
        env=plain | {"CONTROL_SOCKET": "none" if path.name == "none" else str(path), "PYTHONIOENCODING": "utf-8", "TZ": "UTC"},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )


async def rpc(path: Path, *command: str) -> tuple[int | None, str, str]:
    """Exit code, output, and what went to standard error."""
    process = await started(path, *command)
    output, complaints = await asyncio.wait_for(process.communicate(), TIME_OUT_S)
    assert b"Traceback" not in complaints, complaints.decode()
    watch(output + complaints, f"bot.py rpc {' '.join(command)}")
    return process.returncode, output.decode(), complaints.decode()


async def printed_by_bot(standing: Standing, *command: str) -> str:
    """The output of any command of ``bot.py`` that asks a running Parley."""
    output, complaints = await asyncio.wait_for((await started_bot(standing.path, *command)).communicate(), TIME_OUT_S)
    assert complaints == b""
    return output.decode().strip()


async def printed(standing: Standing, *command: str) -> str:
    """The output of ``bot.py rpc``, in this process: quicker than a new one, which the other tests start."""
    with patch("control.command._time_of_day", lambda at: time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(at))):
        run = await asyncio.wait_for(asyncio.to_thread(CliRunner().invoke, app, [*command, "--socket", str(standing.path)]), TIME_OUT_S)
    assert (run.exit_code, run.stderr) == (0, ""), run.exception
    return run.output.strip()


async def test_the_first_documents_test_client(tmp_path: Path) -> None:
    """Its four commands as they stand there, each in words and as JSON."""
    async with stage(tmp_path) as standing:
        assert (await printed(standing, "status")).startswith("✅ telegram-voicechat")
        assert await printed(standing, "join", str(CHAT)) == "✅ In the call of Book club."
        assert await printed(standing, "speak", str(CHAT), "Hola!", "ca") == "✅ Said."
        assert await printed(standing, "leave", str(CHAT)) == "✅ Left."
        assert standing.calls.said == [(CHAT, "Hola!", "ca", False)]
        assert json.loads(await printed(standing, "status", "--json"))["active_sessions"] == []
        assert json.loads(await printed(standing, "join", str(CHAT), "--json")) == {"chat_id": CHAT, "title": "Book club", "joined": True}
        assert json.loads(await printed(standing, "speak", str(CHAT), "Hi", "--json", "--first")) == {"chat_id": CHAT, "spoken": True}
        assert standing.calls.said[-1] == (CHAT, "Hi", None, True)


async def test_calls_and_transcripts_in_words(tmp_path: Path) -> None:
    async with stage(tmp_path) as standing:
        assert await printed(standing, "calls") == "There are no calls."
        assert await printed(standing, "transcript", str(CHAT)) == "Nothing is kept of what was said there."
        standing.calls.joined[CHAT] = "Book club"
        standing.calls.outlooks[-7] = Outlook(next_try_at=1.7e9, failures=2, paused=False, why=call_error(errors.REFUSED))
        standing.phone.ongoing.append(PrivateCall(ANN, "Ann", Direction.INCOMING, Stage.CONNECTED, 1e9))
        exchange = exchanges.StoredExchange(
            call_id=None, chat_id=CHAT, turn_id=1, revision=0, speaker="Ann", speaker_id=ANN, heard="What is it?", reply="A house.",
            reply_heard="A house.", interrupted=False, spans_ms={}, at=1e9,
        )  # fmt: skip
        await exchanges.add(standing.database, exchange)
        listed = (await printed(standing, "calls")).splitlines()
        assert listed[0] == f"{CHAT} · joined · since 2001-09-09 01:46:40 · with Ann"
        assert listed[1].startswith("-7 · idle · next try 2023-11-14 22:13:20 · Telegram refused")
        assert listed[2] == f"{ANN} Ann · connected · since 2001-09-09 01:46:40"
        transcript = await printed(standing, "transcript", str(CHAT), "--limit", "5")
        assert transcript.splitlines() == ["2001-09-09 01:46:40 Ann: What is it?", "                    → A house."]


async def test_private_calls(tmp_path: Path) -> None:
    async with stage(tmp_path) as standing:
        assert await printed(standing, "call", "start", "@ann_smith") == f"✅ In a call with {ANN}."
        assert await printed(standing, "call", "start", "43") == "✅ In a call with 43."
        assert await printed(standing, "call", "accept") == f"✅ In a call with {ANN}."
        assert await printed(standing, "call", "reject", "43") == "✅ Declined 43."
        assert await printed(standing, "call", "hangup", "--json") == json.dumps({"user_id": ANN})
        assert standing.phone.asked[1] == ("start", 43)


async def test_any_request(tmp_path: Path) -> None:
    async with stage(tmp_path) as standing:
        assert json.loads(await printed(standing, "request", "rpc.discover"))["openrpc"]
        assert json.loads(await printed(standing, "request", "join", f'{{"chat_id": {CHAT}}}'))["joined"]
        code, _, complaint = await rpc(standing.path, "request", "join", "{chat_id: 5}")
        assert code == EXIT_USAGE
        assert "not a JSON object or array: {chat_id: 5}" in complaint


async def test_what_is_refused(tmp_path: Path) -> None:
    async with stage(tmp_path) as standing:
        standing.calls.refusal = errors.flood(31)
        assert await rpc(standing.path, "join", str(CHAT)) == (EXIT_REFUSED, "", f"❌ {errors.flood(31)}\n")
        code, output, _ = await rpc(standing.path, "join", str(CHAT), "--json")
        assert (code, json.loads(output)["error"]["data"]["retry_after"]) == (EXIT_REFUSED, 31)
        code, _, complaint = await rpc(standing.path, "join", "the book club")
        assert code == EXIT_USAGE
        assert "'CHAT'" in complaint


async def test_a_parley_that_is_not_there(tmp_path: Path) -> None:
    """The first document's "Connection refused"."""
    path = tmp_path / "control.sock"
    code, _, complaint = await rpc(path, "status")
    assert code == EXIT_UNAVAILABLE
    assert complaint.startswith(f"❌ Nobody answers at {path} (No such file or directory). Start Parley with scripts/run")
    listening(path).close()
    assert "(Connection refused). Start Parley" in (await rpc(path, "status"))[2]
    assert f"Nobody answers at {tmp_path / 'other.sock'}" in (await rpc(path, "status", "--socket", str(tmp_path / "other.sock")))[2]
    assert "CONTROL_SOCKET is none" in (await rpc(tmp_path / "none", "status"))[2]


@pytest.mark.parametrize(("option", "first"), [("", "call.joined [-1001234567890] Book club"), ("--json", '{"jsonrpc": "2.0", "method":')])
async def test_watch_prints_what_happens_until_ctrl_c(tmp_path: Path, option: str, first: str) -> None:
    async with stage(tmp_path) as standing:
        watching = await started(
            standing.path, "watch", str(CHAT), "--type", "call.joined", "--type", "error", *([option] if option else [])
        )
        assert watching.stdout is not None
        await until(lambda: any("call.joined" in (client._types or ()) for client in standing.server._clients), TIME_OUT_S)
        for chat_id in (-5, CHAT):
            standing.bus.publish(events.CallJoined(chat_id=chat_id, at_s=asyncio.get_running_loop().time(), title="Book club"))
        assert first in (await asyncio.wait_for(watching.stdout.readline(), TIME_OUT_S)).decode()
        watching.send_signal(signal.SIGINT)
        output, complaints = await asyncio.wait_for(watching.communicate(), TIME_OUT_S)
        assert (watching.returncode, output, complaints) == (0, b"", b"")


async def test_watch_ends_with_parley(tmp_path: Path) -> None:
    async with stage(tmp_path) as standing:
        watching = await started(standing.path, "watch")
        await until(lambda: any(client._subscribed for client in standing.server._clients), TIME_OUT_S)
    _, complaints = await asyncio.wait_for(watching.communicate(), TIME_OUT_S)
    assert watching.returncode == EXIT_UNAVAILABLE
    assert "has hung up" in complaints.decode()


@pytest.mark.parametrize("command", [[], ["status"], ["join"], ["speak"], ["watch"], ["call"], ["call", "start"], ["request"]])
async def test_help_teaches(tmp_path: Path, command: list[str]) -> None:
    code, output, _ = await rpc(tmp_path / "control.sock", *command, "--help")
    assert code == 0
    assert "Usage: bot.py rpc" in output
    for word in {"join": "-1001234567890", "speak": "Hola!", "start": "@ann", "request": "rpc.discover"}.get(
        (command or [""])[-1], ""
    ).split():
        assert word in output


def test_every_notification_has_words() -> None:
    told: dict[str, tuple[dict[str, object], str]] = {
        "call.incoming": ({"name": "Ann"}, "Ann phones"),
        "call.joined": ({"title": "Book club"}, "Book club"),
        "call.left": ({"reason": "Sent\naway."}, "Sent away."),
        "call.connected": ({"name": "Ann", "emojis": "🐙"}, "Ann 🐙"),
        "call.ended": ({"name": "Ann", "reason": "Over."}, "Ann Over."),
        "transcription": ({"speaker": "Ann", "text": "Hi"}, "Ann: Hi"),
        "reply": ({"speaker": "Ann", "heard": "Hello", "interrupted": True}, "to Ann: Hello (cut off)"),
        "error": ({"part": "call", "message": "No."}, "⚠️ call: No."),
    }
    for name, (params, words) in told.items():
        line = happened({"method": name, "params": {"chat_id": 5, "at": 1.0, **params}}, lambda at: f"at {at}")
        assert line == f"at 1.0 {name} [5] {words}"
    assert happened({"method": "events.lost", "params": {"count": 3}}, str) == "events.lost 3 notifications were not read quickly enough"
    assert happened({"method": "new.one", "params": {"x": 1}}, str) == 'new.one {"x": 1}'


# ---- the client for programs


def served_once(path: Path, answer: bytes) -> threading.Thread:
    """Something that answers one connection so, whatever it is asked, and hangs up."""
    listener = listening(path)
    listener.setblocking(True)

    def serve() -> None:
        connection, _ = listener.accept()
        with listener, connection:
            connection.recv(4096)
            connection.sendall(answer)
            connection.shutdown(socket.SHUT_WR)

    thread = threading.Thread(target=serve)
    thread.start()
    return thread


@pytest.mark.parametrize(
    ("answer", "complaint"),
    [(b"", "has hung up"), (b"HTTP/1.1 400 Bad Request\r\n", "does not speak JSON-RPC"), (b"[1]\n", "does not speak JSON-RPC")],
)
def test_what_answers_may_be_something_else(tmp_path: Path, answer: bytes, complaint: str) -> None:
    serving = served_once(tmp_path / "s.sock", answer)
    with ControlClient(tmp_path / "s.sock", timeout_s=20.0) as client, pytest.raises(NotReached, match=complaint):
        client.request("status")
    serving.join(20)


def test_the_answer_is_found_between_notifications(tmp_path: Path) -> None:
    notification = b'{"jsonrpc": "2.0", "method": "call.joined", "params": {}}\n'
    serving = served_once(tmp_path / "s.sock", notification + b'{"jsonrpc": "2.0", "result": 5, "id": 1}\n' + notification)
    with ControlClient(tmp_path / "s.sock", timeout_s=20.0) as client:
        assert client.request("status") == 5
        told = client.notifications()
        assert [next(told)["method"] for _ in range(2)] == ["call.joined"] * 2
    serving.join(20)


def test_a_refusal_of_the_whole_connection_is_the_answer(tmp_path: Path) -> None:
    serving = served_once(tmp_path / "s.sock", b'{"jsonrpc": "2.0", "error": {"code": -32004, "message": "Not you."}, "id": null}\n')
    with ControlClient(tmp_path / "s.sock", timeout_s=20.0) as client, pytest.raises(Refused, match="Not you"):
        client.request("status")
    serving.join(20)


def test_an_answer_that_does_not_come_is_not_waited_for(tmp_path: Path) -> None:
    listener = listening(tmp_path / "s.sock")
    with ControlClient(tmp_path / "s.sock", timeout_s=0.05) as client, pytest.raises(NotReached, match="in time"):
        client.request("status")
    listener.close()
