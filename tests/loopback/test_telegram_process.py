"""``python -m loopback`` and its control port."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from telethon import TelegramClient, errors
from telethon.sessions import StringSession

from loopback.control import ControlServer
from tests.loopback.conftest import Town, until

STARTED_WITHIN_S = 30


class Control:
    """A client of the control port."""

    def __init__(self, port: int) -> None:
        self._port = port

    async def __call__(self, op: str, **arguments: Any) -> Any:
        answer = await self.raw(json.dumps({"op": op, **arguments}))
        assert answer["ok"], answer
        return answer["result"]

    async def raw(self, line: str) -> dict[str, Any]:
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        writer.write(line.encode() + b"\n")
        answer: dict[str, Any] = json.loads(await reader.readline())
        writer.close()
        return answer


@pytest.fixture
async def control(town: Town) -> AsyncIterator[Control]:
    server = ControlServer(town.telegram)
    await server.start()
    yield Control(server.port)
    await server.stop()


async def test_people_groups_and_messages(town: Town, control: Control) -> None:
    dora = await control("add_account", name="Dora", phone="+99966 1 0009", username="dora")
    group = await control("add_group", title="Chess", creator="Dora", admins=["parley"], members=["Bob"])
    assert await control("say", user="Dora", where="Chess", text="hi") == 2
    assert [m["text"] for m in await control("history", where=group)] == ["", "hi"]
    await control("say", user="dora", where="Ann", text="private")
    await control("voice", user=dora, where="Chess", data="AAAA")
    assert [p["name"] for p in await control("people")][-1] == "Dora"
    assert (await control("dc")).startswith("127.0.0.1:")
    taught = " ".join(await control("help")).replace("'", "")
    assert "say(user: Name, where: Name, text: str, reply_to: int | None = None) -> int" in taught
    assert await control("problems") == []


async def test_voice_chats_by_control(town: Town, control: Control) -> None:
    await control("start_call", group="Book club", by="Ann")
    call = town.telegram.voice_chat(town.group)
    town.telegram.enter_voice_chat(town.group, town.bob)
    await control("mute", group="Book club", user="Bob")
    assert call.participants[town.bob.id].muted_by_admin
    await control("mute", group="Book club", user="Bob", muted=False)
    assert not call.participants[town.bob.id].muted_by_admin
    await control("skip_version", group="Book club")
    await control("black_hole", group="Book club", user="Bob")
    await control("loss", share=0.1)
    assert (town.media.silent_for_s(call.id, town.bob.id), town.media.loss) == (None, 0.1)
    assert [g["in_call"] for g in await control("groups")] == [[town.bob.id]]
    await control("drop_media", group="Book club", user="Bob")
    await control("end_call", group="Book club", by="Ann")
    assert call.ended


async def test_faults_by_control(town: Town, control: Control) -> None:
    bob = TelegramClient(StringSession(await control("session", user="Bob")), 1, "h" * 32, retry_delay=0.05, connection_retries=None)
    town.stack.push_async_callback(bob.disconnect)
    await bob.connect()
    await control("fail", method="users.*", code=400, message="USER_ID_INVALID", user="Bob")
    with pytest.raises(errors.UserIdInvalidError):
        await bob.get_entity("me")
    await control("flood", method="messages.*", seconds=99)
    await control("delay", method="messages.*")
    await control("clear_faults")
    await bob.get_dialogs()
    assert await control("drop", user="Bob") == 1
    await control("outage", seconds=0.1)
    await bob.get_dialogs()
    await control("lose_pushes", user="Bob")
    await control("skew", seconds=0)
    assert (await control("requests", method="messages.*", user="Bob"))[-1][1:] == [town.bob.id, "messages.GetDialogs"]
    await control("revoke", user="Bob")
    with pytest.raises(errors.AuthKeyUnregisteredError):
        await bob.get_dialogs()
    await control("forget_keys", user="Bob")


async def test_members_by_control(town: Town, control: Control) -> None:
    await control("remove_member", group="Book club", user="Bob", by="Ann")
    assert not town.group.has(town.bob.id)
    await control("add_member", group="Book club", user="Bob", by="Ann")
    await control("set_admin", group="Book club", user="Bob", by="Ann", manage_call=False)
    assert town.group.is_admin(town.bob.id)
    assert not town.group.may_manage_calls(town.bob.id)
    await control("set_admin", group="Book club", user="Bob", by="Ann", admin=False)
    assert not town.group.is_admin(town.bob.id)


@pytest.mark.parametrize(
    ("line", "error"),
    [
        ("{", "Expecting property name"),
        ("[]", "a command is a JSON object with the key 'op'"),
        ("{}", "there is no operation ''"),
        ('{"op": "_account"}', "there is no operation '_account'"),
        ('{"op": "named", "name": "x"}', "there is no operation 'named'"),
        ('{"op": "say"}', "missing a required argument: 'user'"),
        ('{"op": "drop", "user": "Nobody"}', "there is no account 'Nobody'"),
        ('{"op": "end_call", "group": "Nowhere", "by": "Ann"}', "there is no group 'Nowhere'"),
        ('{"op": "end_call", "group": "Book club", "by": "Ann"}', "Book club has no voice chat"),
        ('{"op": "add_account", "name": "Ann", "username": "ANN"}', "Ann clashes with Ann"),
        ('{"op": "loss", "share": 7}', "a share is between 0 and 1, not 7"),
    ],
)
async def test_bad_commands_are_explained(control: Control, line: str, error: str) -> None:
    answer = await control.raw(line)
    assert not answer["ok"]
    assert error in answer["error"]


async def test_somebody_outside_the_voice_chat_cannot_be_muted(town: Town, control: Control) -> None:
    town.telegram.start_voice_chat(town.group, town.ann)
    answer = await control.raw('{"op": "mute", "group": "Book club", "user": "Bob"}')
    assert answer == {"ok": False, "error": "Bob is not in the voice chat"}


async def run(*arguments: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "loopback", *arguments, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )


async def started(*arguments: str) -> tuple[asyncio.subprocess.Process, str, int]:
    """The process, its TELEGRAM_DC, its control port."""
    process = await run(*arguments)
    assert process.stdout is not None
    first = (await asyncio.wait_for(process.stdout.readline(), STARTED_WITHIN_S)).decode().strip()
    second = (await process.stdout.readline()).decode().strip()
    return process, first.removeprefix("TELEGRAM_DC="), int(second.rsplit(":", 1)[1])


async def test_a_session_outlives_a_restart_of_the_process(tmp_path: Path) -> None:
    files = ["--key", str(tmp_path / "key.pem"), "--state", str(tmp_path / "keys.json")]
    process, dc, control_port = await started(*files)
    host, port, key_file = dc.split(":", 2)
    assert "BEGIN RSA PUBLIC KEY" in Path(key_file).read_text()  # noqa: ASYNC240
    session = await Control(control_port)("session", user="Parley")
    process.terminate()
    assert await process.wait() == 0
    process, again, control_port = await started(*files, "--port", port)
    assert again == dc
    client = TelegramClient(StringSession(session), 1, "h" * 32)
    await client.connect()
    assert (await client.get_me()).first_name == "Parley"
    asked = await run("--control", str(control_port), "--ask", '{"op": "people"}')
    out, _ = await asked.communicate()
    assert [person["name"] for person in json.loads(out)] == ["Ann", "Parley", "Bob"]
    await client.disconnect()
    process.terminate()
    assert await process.wait() == 0
    assert host == "127.0.0.1"


async def test_a_taken_port_and_an_unusable_key_are_explained(town: Town, tmp_path: Path) -> None:
    taken = await run("--port", str(town.telegram.server.port), "--key", str(tmp_path / "k.pem"), "--state", str(tmp_path / "s"))
    _, complaint = await taken.communicate()
    assert b"cannot listen" in complaint
    assert b"Choose another --port" in complaint
    assert taken.returncode == 69
    (tmp_path / "bad.pem").write_text("no key")
    unusable = await run("--key", str(tmp_path / "bad.pem"), "--state", str(tmp_path / "s"))
    _, complaint = await unusable.communicate()
    assert b"holds no RSA private key" in complaint
    assert unusable.returncode == 78


async def test_the_help_teaches(tmp_path: Path) -> None:
    shown = await run("--help")
    out, _ = await shown.communicate()
    for word in (b"TELEGRAM_DC=", b"--ask", b"docs/loopback.md"):
        assert word in out


async def test_asking_where_nobody_listens() -> None:
    asked = await run("--control", "1", "--ask", "{}")
    _, complaint = await asked.communicate()
    assert b"No loopback Telegram listens on control port 1." in complaint
    await until(lambda: asked.returncode == 69)
