from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from storage import calls, exchanges, retention, transcripts
from storage.audit import AuditRow, add, newest
from storage.database import Database
from storage.exchanges import StoredExchange
from storage.retention import DAY_S, Retention
from storage.transcripts import HeardLine, Line

CHAT = -5
ANSWERED = StoredExchange(
    chat_id=CHAT, turn_id=1, revision=0, speaker="Ann", speaker_id=7, heard="what is it?", reply="A house. It is red.",
    reply_heard="A house.", interrupted=True, at=100.0,
)  # fmt: skip
UNANSWERED = HeardLine(
    call_id=None, chat_id=CHAT, turn_id=2, speaker="Bob", speaker_id=8, heard="pass the salt", reason="not addressed", at=101.0
)


def files_with(words: bytes, folder: Path) -> list[Path]:
    return [file for file in folder.iterdir() if words in file.read_bytes()]


async def test_a_call_is_told_in_order_with_what_was_only_heard(database: Database) -> None:
    call = await calls.begin(database, CHAT, "Book club", 99.0)
    await transcripts.add(database, replace(UNANSWERED, call_id=call))
    await exchanges.add(database, replace(ANSWERED, call_id=call))
    await exchanges.add(database, replace(ANSWERED, at=5.0))
    told = [Line(100.0, "Ann", 7, "what is it?", "A house."), Line(101.0, "Bob", 8, "pass the salt", None)]
    assert await transcripts.of_call(database, call) == told
    assert await transcripts.of_chat(database, CHAT, limit=2) == told
    assert len(await transcripts.of_chat(database, CHAT)) == 3
    assert await transcripts.of_call(database, call + 1) == []


async def test_who_asks_to_be_forgotten_is_forgotten_in_every_chat(database: Database) -> None:
    await exchanges.add(database, ANSWERED)
    await exchanges.add(database, replace(ANSWERED, chat_id=-6))
    await transcripts.add(database, UNANSWERED)
    await transcripts.add(database, replace(UNANSWERED, speaker_id=7))
    assert await transcripts.forget_user(database, 7) == 3
    assert [line.speaker_id for line in await transcripts.of_chat(database, CHAT)] == [8]
    assert await transcripts.of_chat(database, -6) == []
    assert await transcripts.forget_user(database, 7) == 0


async def test_what_is_forgotten_is_in_no_file_any_more(tmp_path: Path) -> None:
    database = await Database.open(tmp_path / "parley.db")
    await exchanges.add(database, replace(ANSWERED, heard="the treasure lies under the oak"))
    assert files_with(b"treasure", tmp_path)
    await transcripts.forget_user(database, 7)
    assert not files_with(b"treasure", tmp_path)
    await database.close()


async def test_what_is_older_than_the_settings_say_is_deleted(database: Database) -> None:
    now = 1000 * DAY_S
    old = await calls.begin(database, CHAT, "old", now - 32 * DAY_S)
    await calls.end(database, old, "", now - 31.9 * DAY_S)
    current = await calls.begin(database, CHAT, "current", now - DAY_S)
    for call, days in ((old, 31.95), (current, 0.5)):
        await exchanges.add(database, replace(ANSWERED, call_id=call, at=now - days * DAY_S))
        await transcripts.add(database, replace(UNANSWERED, call_id=call, at=now - days * DAY_S))
    for days in (91, 89):
        await add(database, AuditRow(now - days * DAY_S, CHAT, 7, "help", "", "done"))
    assert await retention.purge(database, Retention(transcript_days=30, audit_days=90), now) == 3
    assert [call.title for call in await calls.of_chat(database, CHAT)] == ["current"]
    assert len(await transcripts.of_chat(database, CHAT)) == 2
    assert [row.at for row in await newest(database)] == [now - 89 * DAY_S]


async def test_the_call_that_lasts_is_not_deleted_where_nothing_is_kept(database: Database) -> None:
    now = 1000 * DAY_S
    await calls.begin(database, CHAT, "it lasts", now - 3600)
    await exchanges.add(database, replace(ANSWERED, at=now - 1800))
    await retention.purge(database, Retention(transcript_days=0, audit_days=90), now)
    assert [call.title for call in await calls.of_chat(database, CHAT)] == ["it lasts"]
    assert await transcripts.of_chat(database, CHAT) == []


async def test_what_an_upgrade_put_aside_does_not_outlive_the_transcripts(database: Database) -> None:
    aside = database.path.with_name("parley.db.before-2")
    aside.write_bytes(b"")
    made = aside.stat().st_mtime
    await retention.purge(database, Retention(transcript_days=30, audit_days=90), made + 29 * DAY_S)
    await retention.purge(database, Retention(transcript_days=0, audit_days=90), made + 6 * DAY_S)
    assert aside.exists()
    await retention.purge(database, Retention(transcript_days=30, audit_days=90), made + 31 * DAY_S)
    assert not aside.exists()
    assert database.path.exists()
