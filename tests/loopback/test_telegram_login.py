"""Signing in with an unmodified Telethon: the real key exchange, codes, passwords, the four transports."""

from __future__ import annotations

import pytest
from telethon import errors
from telethon.crypto import rsa as client_rsa
from telethon.network import (
    ConnectionTcpAbridged,
    ConnectionTcpFull,
    ConnectionTcpIntermediate,
    ConnectionTcpObfuscated,
)
from telethon.sessions import StringSession

from tests.loopback.conftest import Town


@pytest.fixture(autouse=True)
def _known_key(town: Town) -> None:
    client_rsa.add_key(town.telegram.server.public_pem, old=False)


@pytest.mark.parametrize("transport", [ConnectionTcpFull, ConnectionTcpAbridged, ConnectionTcpIntermediate, ConnectionTcpObfuscated])
async def test_a_code_signs_in_over_every_transport(town: Town, transport: type) -> None:
    client = await town.stranger(connection=transport)
    assert not await client.is_user_authorized()
    await client.send_code_request("+99966 1 0001")
    me = await client.sign_in("+99966 1 0001", "12345")
    assert (me.id, me.first_name) == (town.ann.id, "Ann")


async def test_a_saved_session_goes_on(town: Town) -> None:
    client = await town.stranger()
    await client.send_code_request("9996610001")
    await client.sign_in("9996610001", "12345")
    saved = StringSession.save(client.session)
    await client.disconnect()
    assert (await (await town.stranger(StringSession(saved))).get_me()).id == town.ann.id


async def test_wrong_and_stale_codes_and_unknown_numbers_are_refused(town: Town) -> None:
    client = await town.stranger()
    with pytest.raises(errors.PhoneNumberInvalidError):
        await client.send_code_request("+1234")
    sent = await client.send_code_request("9996610003")
    with pytest.raises(errors.PhoneCodeInvalidError):
        await client.sign_in("9996610003", "99999")
    with pytest.raises(errors.PhoneCodeExpiredError):
        await client.sign_in("9996610003", "12345", phone_code_hash=sent.phone_code_hash + "0")
    with pytest.raises(errors.AuthKeyUnregisteredError):
        await client.get_dialogs()


async def test_a_password_is_asked_for_and_checked(town: Town) -> None:
    town.bob.password = "hunter2"
    client = await town.stranger()
    await client.send_code_request("9996610003")
    with pytest.raises(errors.SessionPasswordNeededError):
        await client.sign_in("9996610003", "12345")
    with pytest.raises(errors.PasswordHashInvalidError):
        await client.sign_in(password="hunter3")
    assert (await client.sign_in(password="hunter2")).id == town.bob.id


async def test_logging_out_ends_the_session(town: Town) -> None:
    client = await town.client(town.ann)
    saved = client.session.save()
    assert await client.log_out()
    assert not await (await town.stranger(StringSession(saved))).is_user_authorized()


async def test_the_setting_for_clients_names_a_readable_key(town: Town) -> None:
    host, port, key_file = town.telegram.dc_spec().split(":", 2)
    assert (host, int(port)) == ("127.0.0.1", town.telegram.server.port)
    with open(key_file, encoding="ascii") as file:  # noqa: ASYNC230, PTH123
        assert file.read() == town.telegram.server.public_pem
