import asyncio
from pathlib import Path

from calls.events import CallJoined, CallLeft, ExchangeEnded, PhaseChanged, TurnIgnored, VoiceMessageAnswered
from calls.recorder import Recorder
from storage import calls, exchanges, transcripts
from storage.database import Database
from storage.transcripts import Line
from storage.writer import MOST_WAITING

CHAT = -5


def an_exchange(turn_id: int = 1) -> ExchangeEnded:
    return ExchangeEnded(
        chat_id=CHAT, at_s=1.0, turn_id=turn_id, revision=1, speaker="Ann", speaker_id=7, heard="hello", reply="Hi there.",
        reply_heard="Hi", interrupted=True, spans_ms={"brain": 3.5},
    )  # fmt: skip


async def test_a_call_and_its_exchanges_are_kept(tmp_path: Path) -> None:
    database = await Database.open(tmp_path / "parley.db")
    recorder = Recorder(database, wall_clock=lambda: 1000.0)
    run = asyncio.create_task(recorder.run())
    recorder(CallJoined(chat_id=CHAT, at_s=0.0, title="Book club"))
    recorder(PhaseChanged(chat_id=CHAT, at_s=0.0, phase="thinking"))
    recorder(an_exchange())
    recorder(CallLeft(chat_id=CHAT, at_s=2.0, reason="Sent away."))
    await recorder.drained()
    (call,) = await calls.of_chat(database, CHAT)
    (exchange,) = await exchanges.of_chat(database, CHAT)
    assert (call.title, call.joined_at, call.left_at, call.reason) == ("Book club", 1000.0, 1000.0, "Sent away.")
    assert (exchange.call_id, exchange.reply_heard, exchange.interrupted, exchange.spans_ms) == (call.id, "Hi", True, {"brain": 3.5})
    run.cancel()
    await database.close()


async def test_what_cannot_be_written_is_counted_and_the_next_is(tmp_path: Path) -> None:
    database = await Database.open(tmp_path / "parley.db")
    async with database.transaction() as connection:
        await connection.execute("ALTER TABLE exchanges RENAME TO hidden")
    recorder = Recorder(database)
    run = asyncio.create_task(recorder.run())
    recorder(an_exchange())
    await recorder.drained()
    async with database.transaction() as connection:
        await connection.execute("ALTER TABLE hidden RENAME TO exchanges")
    recorder(an_exchange(2))
    await recorder.drained()
    assert recorder.dropped == 1
    assert [exchange.turn_id for exchange in await exchanges.of_chat(database, CHAT)] == [2]
    run.cancel()
    await database.close()


async def test_a_slow_disk_never_holds_up_a_call(tmp_path: Path) -> None:
    database = await Database.open(tmp_path / "parley.db")
    recorder = Recorder(database)
    for turn in range(MOST_WAITING + 5):
        recorder(an_exchange(turn))
    assert recorder.dropped == 5
    await database.close()


AN_IGNORED_TURN = TurnIgnored(chat_id=CHAT, at_s=1.5, turn_id=2, speaker="Bob", speaker_id=8, text="pass the salt", reason="not addressed")


async def test_what_is_heard_and_not_answered_is_kept_too(tmp_path: Path) -> None:
    database = await Database.open(tmp_path / "parley.db")
    recorder = Recorder(database, wall_clock=lambda: 1000.0)
    run = asyncio.create_task(recorder.run())
    recorder(CallJoined(chat_id=CHAT, at_s=0.0, title="Book club"))
    recorder(an_exchange())
    recorder(AN_IGNORED_TURN)
    await recorder.drained()
    (call,) = await calls.of_chat(database, CHAT)
    assert await transcripts.of_call(database, call.id) == [
        Line(1000.0, "Ann", 7, "hello", "Hi"),
        Line(1000.0, "Bob", 8, "pass the salt", None),
    ]
    run.cancel()
    await database.close()


async def test_where_nothing_said_is_to_be_kept_only_the_calls_are(tmp_path: Path) -> None:
    database = await Database.open(tmp_path / "parley.db")
    recorder = Recorder(database, keep_words=False)
    run = asyncio.create_task(recorder.run())
    for event in (CallJoined(chat_id=CHAT, at_s=0.0), an_exchange(), AN_IGNORED_TURN, CallLeft(chat_id=CHAT, at_s=2.0, reason="Bye.")):
        recorder(event)
    await recorder.drained()
    assert [call.reason for call in await calls.of_chat(database, CHAT)] == ["Bye."]
    assert await transcripts.of_chat(database, CHAT) == []
    assert recorder.dropped == 0
    run.cancel()
    await database.close()


A_VOICE_MESSAGE = VoiceMessageAnswered(
    chat_id=CHAT, at_s=1.0, message_id=12, spoken=True, spans_ms={"think": 3.5}, speaker="Ann", speaker_id=7, said="hello", answer="Hi."
)  # fmt: skip


async def test_a93_voice_messages_are_kept_like_what_is_said_in_calls_and_can_be_forgotten(tmp_path: Path) -> None:
    database = await Database.open(tmp_path / "parley.db")
    for keep_words in (False, True):
        recorder = Recorder(database, wall_clock=lambda: 1000.0, keep_words=keep_words)
        run = asyncio.create_task(recorder.run())
        recorder(A_VOICE_MESSAGE)
        await recorder.drained()
        run.cancel()
    assert await transcripts.of_chat(database, CHAT) == [Line(1000.0, "Ann", 7, "hello", "Hi.")]
    (kept,) = await exchanges.of_chat(database, CHAT)
    assert (kept.call_id, kept.turn_id, kept.spans_ms) == (None, 12, {"think": 3.5})
    assert await transcripts.forget_user(database, 7) == 1
    await database.close()
