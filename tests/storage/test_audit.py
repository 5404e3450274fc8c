from __future__ import annotations

from dataclasses import replace

import pytest

from storage import audit
from storage.audit import LONGEST_TEXT, AuditRow
from storage.database import Database

ROW = AuditRow(at=100.0, chat_id=-5, user_id=7, command="speak", arguments="good evening", result="done")


async def test_the_newest_commands_come_first(database: Database) -> None:
    for number in range(5):
        await audit.add(database, replace(ROW, at=100.0 + number))
    assert [row.at for row in await audit.newest(database, 2)] == [104.0, 103.0]
    assert (await audit.newest(database, 5))[-1] == ROW


@pytest.mark.parametrize(
    "secret",
    [
        "1BVtsOK4Bu" + "A1b2-_" * 50,
        "sk-proj-abcdefghijklmnop1234",
        "sk-ant-api03-abcdefghijklmnop",
        "123456789:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw_",
        "0123456789abcdef0123456789abcdef",
        "+34600111222",
    ],
)
async def test_no_secret_and_no_phone_number_is_kept(database: Database, secret: str) -> None:
    await audit.add(database, replace(ROW, arguments=f"key={secret} please", result=f"refused {secret}"))
    (row,) = await audit.newest(database, 1)
    assert secret not in row.arguments + row.result
    assert row.arguments.startswith("key=(hidden)")
    assert row.result.startswith("refused (hidden)")


@pytest.mark.parametrize("plain", ["22:00 07:00", "@channel", "12345", "-1001234567890", "en-GB-RyanNeural +10%", "+10%"])
async def test_plain_arguments_are_kept_as_they_are(database: Database, plain: str) -> None:
    await audit.add(database, replace(ROW, arguments=plain))
    assert (await audit.newest(database, 1))[0].arguments == plain


async def test_a_long_text_is_cut(database: Database) -> None:
    await audit.add(database, replace(ROW, arguments="long " * 1000))
    assert len((await audit.newest(database, 1))[0].arguments) == LONGEST_TEXT


async def test_old_rows_are_purged(database: Database) -> None:
    for at in (1.0, 2.0, 3.0):
        await audit.add(database, replace(ROW, at=at))
    assert await audit.purge_older(database, 3.0) == 2
    assert [row.at for row in await audit.newest(database)] == [3.0]
