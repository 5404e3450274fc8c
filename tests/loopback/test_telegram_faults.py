"""What goes wrong on a connection, and how an unmodified Telethon gets over it."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from telethon import TelegramClient, errors, events
from telethon.sessions import SQLiteSession, StringSession

from tests.loopback.conftest import Town, until


def texts_of(client: TelegramClient) -> list[str]:
    """The texts that arrive from now on."""
    texts: list[str] = []

    async def keep(event: Any) -> None:
        texts.append(event.text)

    client.add_event_handler(keep, events.NewMessage())
    return texts


def connected(town: Town, account: Any) -> bool:
    return len(list(town.telegram.server.live_sessions(account.id))) == 1


async def test_a_short_flood_is_slept_through_and_a_long_one_raised(town: Town) -> None:
    ann = await town.client(town.ann)
    town.telegram.faults.flood("messages.SendMessage", 1)
    await ann.send_message(town.group.dialog_id, "slow")
    assert len(town.telegram.seen("messages.SendMessage", town.ann)) == 2
    town.telegram.faults.flood("messages.*", 300, account_id=town.ann.id)
    with pytest.raises(errors.FloodWaitError) as flood:
        await ann.send_message(town.group.dialog_id, "too much")
    assert flood.value.seconds == 300


@pytest.mark.parametrize(
    ("code", "message", "kind"),
    [
        (403, "CHAT_WRITE_FORBIDDEN", errors.ChatWriteForbiddenError),
        (400, "USER_BANNED_IN_CHANNEL", errors.UserBannedInChannelError),
        (420, "SLOWMODE_WAIT_77", errors.SlowModeWaitError),
        (400, "PEER_FLOOD", errors.PeerFloodError),
    ],
)
async def test_errors_on_demand_arrive_by_their_names(town: Town, code: int, message: str, kind: type[Exception]) -> None:
    ann = await town.client(town.ann)
    town.telegram.faults.fail("messages.SendMessage", code, message)
    with pytest.raises(kind):
        await ann.send_message(town.group.dialog_id, "x")
    assert await ann.send_message(town.group.dialog_id, "y")


async def test_a_server_error_is_tried_again(town: Town) -> None:
    ann = await town.client(town.ann)
    town.telegram.faults.fail("messages.SendMessage", 500, "RPC_CALL_FAIL")
    assert (await ann.send_message(town.group.dialog_id, "x")).text == "x"


async def test_a_request_may_never_be_answered(town: Town) -> None:
    ann = await town.client(town.ann)
    town.telegram.faults.delay("messages.SendMessage")
    with pytest.raises(asyncio.TimeoutError):
        await asyncio.wait_for(ann.send_message(town.group.dialog_id, "x"), 0.3)


async def test_a_reset_connection_comes_back(town: Town) -> None:
    ann, parley = await town.client(town.ann), await town.client(town.parley)
    heard = texts_of(parley)
    assert town.telegram.drop_connections() == 2
    assert (await ann.send_message(town.group.dialog_id, "after the reset")).id
    await until(lambda: connected(town, town.parley))
    await ann.send_message(town.group.dialog_id, "once more")
    await until(lambda: "once more" in heard)


async def test_a_request_in_flight_is_answered_and_stored_once(town: Town) -> None:
    ann = await town.client(town.ann)
    town.telegram.faults.delay("messages.SendMessage", 0.4)
    sending = asyncio.create_task(ann.send_message(town.group.dialog_id, "in flight"))
    await until(lambda: town.telegram.seen("messages.SendMessage"))
    town.telegram.drop_connections(town.ann)
    assert (await sending).text == "in flight"
    await asyncio.sleep(0.5)
    assert [m.content.text for m in town.group.mailbox.messages.values()].count("in flight") == 1


async def test_a_lost_message_is_found_when_the_next_one_arrives(town: Town) -> None:
    parley = await town.client(town.parley)
    heard = texts_of(parley)
    town.telegram.lose_pushes(town.parley)
    town.telegram.say(town.group, town.ann, "missed")
    town.telegram.say(town.group, town.ann, "next")
    await until(lambda: {"missed", "next"} <= set(heard))


async def test_catching_up_after_being_away(town: Town, tmp_path: Path) -> None:
    ready = StringSession(town.telegram.session_for(town.bob))
    session = SQLiteSession(str(tmp_path / "bob"))
    session.set_dc(2, town.telegram.server.host, town.telegram.server.port)
    session.auth_key = ready.auth_key
    bob = await town.client(town.bob, session)
    await bob.disconnect()
    await asyncio.sleep(1.1)
    town.telegram.say(town.group, town.ann, "while you were out")
    town.telegram.say(town.bob, town.ann, "and in private")
    back = TelegramClient(SQLiteSession(str(tmp_path / "bob")), 1, "h" * 32, catch_up=True)
    town.stack.push_async_callback(back.disconnect)
    heard = texts_of(back)
    await back.connect()
    await back.get_me()
    await until(lambda: {"while you were out", "and in private"} <= set(heard))


async def test_an_outage_is_survived(town: Town) -> None:
    ann = await town.client(town.ann, connection_retries=None)
    outage = asyncio.create_task(town.telegram.outage(0.4))
    await asyncio.sleep(0.1)
    assert (await ann.send_message(town.group.dialog_id, "after the outage")).id
    await outage


async def test_a_client_gives_up_in_a_long_outage(town: Town) -> None:
    ann = await town.client(town.ann, connection_retries=1, retry_delay=0.01)
    await town.telegram.server.stop()
    await until(lambda: not ann.is_connected())
    with pytest.raises(ConnectionError):
        await ann.get_me()
    await town.telegram.server.start()
    await ann.connect()
    assert (await ann.get_me()).id == town.ann.id


async def test_a_revoked_session_is_refused(town: Town) -> None:
    ann = await town.client(town.ann)
    town.telegram.revoke(town.ann)
    with pytest.raises(errors.AuthKeyUnregisteredError):
        await ann.get_dialogs()


async def test_a_forgotten_key_ends_the_connection(town: Town) -> None:
    ann = await town.client(town.ann)
    town.telegram.forget_keys(town.ann)
    with pytest.raises((errors.AuthKeyNotFound, ConnectionError)):
        await asyncio.wait_for(ann.get_me(), 30)


async def test_two_programs_on_one_session_lose_it(town: Town) -> None:
    session = town.telegram.session_for(town.ann)
    one, other = await town.stranger(StringSession(session)), await town.stranger(StringSession(session))
    with pytest.raises(errors.AuthKeyDuplicatedError):
        await one.get_dialogs()
    with pytest.raises(errors.AuthKeyDuplicatedError):
        await other.get_dialogs()
    with pytest.raises(errors.AuthKeyDuplicatedError):
        await town.stranger(StringSession(session))


async def test_reconnecting_again_and_again_is_no_second_program(town: Town) -> None:
    ann = await town.client(town.ann, auto_reconnect=True)
    for number in range(10):
        town.telegram.drop_connections(town.ann)
        assert (await ann.send_message(town.group.dialog_id, str(number))).id
    saved = ann.session.save()
    for _ in range(5):
        await ann.disconnect()
        ann = await town.stranger(StringSession(saved))
        assert (await ann.get_me()).id == town.ann.id


async def test_salts_change_and_the_client_follows(town: Town) -> None:
    ann = await town.client(town.ann)
    town.telegram.server.salts.rotate()
    assert (await ann.send_message(town.group.dialog_id, "salted")).id


async def test_a_client_follows_the_clock_of_the_server(town: Town) -> None:
    town.telegram.server.clock_skew_s = 600
    ann = await asyncio.wait_for(town.client(town.ann), 30)
    assert (await ann.send_message(town.group.dialog_id, "later")).id


async def test_natural_floods(town: Town) -> None:
    ann = await town.client(town.ann, flood_sleep_threshold=0)
    message = await ann.send_message(town.group.dialog_id, "0")
    for number in range(1, 6):
        await ann.edit_message(town.group.dialog_id, message.id, str(number))
    with pytest.raises(errors.FloodWaitError) as flood:
        await ann.edit_message(town.group.dialog_id, message.id, "6")
    assert flood.value.seconds == 40
    assert town.group.mailbox.messages[message.id].content.text == "5"


async def test_natural_floods_can_be_left_out(town: Town) -> None:
    town.telegram.settings.natural_floods = False
    ann = await town.client(town.ann)
    message = await ann.send_message(town.group.dialog_id, "0")
    for number in range(1, 10):
        await ann.edit_message(town.group.dialog_id, message.id, str(number))


async def test_methods_that_nobody_answers_are_listed(town: Town) -> None:
    ann = await town.client(town.ann)
    with pytest.raises(errors.BadRequestError, match="LOOPBACK_METHOD_MISSING"):
        await ann.get_profile_photos("me")
    assert town.telegram.problems() == ["nobody answers photos.GetUserPhotos"]
    town.telegram.world.unimplemented.clear()


async def test_requests_are_logged_by_method_and_account(town: Town) -> None:
    ann = await town.client(town.ann)
    await ann.send_message(town.group.dialog_id, "hi")
    logged = town.telegram.seen("messages.Send*", town.ann)
    assert [(r.method, r.request.message) for r in logged] == [("messages.SendMessage", "hi")]
    assert town.telegram.seen("messages.Send*", town.bob) == []
