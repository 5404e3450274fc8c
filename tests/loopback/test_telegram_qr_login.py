"""Signing in with a QR code, with an unmodified Telethon: the token, the phone that accepts it, the other data centre, the password."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from telethon import errors
from telethon.crypto import rsa as client_rsa
from telethon.tl.functions.auth import AcceptLoginTokenRequest, ImportLoginTokenRequest
from telethon.tl.types import Authorization

from loopback.control import ControlServer
from loopback.world.login_tokens import token_in, url_of
from tests.loopback.conftest import Town


@pytest.fixture(autouse=True)
def _known_key(town: Town) -> None:
    client_rsa.add_key(town.telegram.server.public_pem, old=False)


async def accepted(town: Town, code: Any, url: str) -> Any:
    """What waiting for the login gives when Bob's phone scans the code."""
    waiting = asyncio.create_task(code.wait(30))
    await asyncio.sleep(0.1)
    town.telegram.scan_login_code(town.bob, url)
    return await waiting


async def test_a_scanned_code_signs_in(town: Town) -> None:
    client = await town.stranger()
    code = await client.qr_login()
    assert town.telegram.world.login_tokens.shown == [code.url]
    assert url_of(token_in(code.url)) == code.url
    assert (await accepted(town, code, code.url)).id == town.bob.id
    assert (await client.get_me()).id == town.bob.id
    assert town.telegram.world.login_tokens.shown == []


async def test_another_device_accepts_it_by_request(town: Town) -> None:
    client, phone = await town.stranger(), await town.client(town.bob)
    code = await client.qr_login()
    waiting = asyncio.create_task(code.wait(30))
    await asyncio.sleep(0.1)
    assert isinstance(await phone(AcceptLoginTokenRequest(code.token)), Authorization)
    assert (await waiting).id == town.bob.id


async def test_the_login_is_sent_on_to_another_data_centre(town: Town) -> None:
    town.telegram.settings.login_dc = 4
    client = await town.stranger()
    code = await client.qr_login()
    assert (await accepted(town, code, code.url)).id == town.bob.id
    assert client.session.dc_id == 4
    assert (await client.get_me()).id == town.bob.id


async def test_a_password_may_follow(town: Town) -> None:
    town.bob.password = "hunter2"
    client = await town.stranger()
    code = await client.qr_login()
    with pytest.raises(errors.SessionPasswordNeededError):
        await accepted(town, code, code.url)
    assert (await client.sign_in(password="hunter2")).id == town.bob.id


async def test_codes_that_cannot_be_used(town: Town) -> None:
    client, phone = await town.stranger(), await town.client(town.bob)
    with pytest.raises(errors.AuthTokenInvalidError):
        await client(ImportLoginTokenRequest((await client.qr_login()).token))
    with pytest.raises(errors.AuthTokenInvalidxError):
        await phone(AcceptLoginTokenRequest(b"unknown"))
    code = await client.qr_login()
    await phone(AcceptLoginTokenRequest(code.token))
    with pytest.raises(errors.AuthTokenAlreadyAcceptedError):
        await phone(AcceptLoginTokenRequest(code.token))
    town.telegram.settings.login_token_s = -1
    stale = await (await town.stranger()).qr_login()
    with pytest.raises(errors.AuthTokenExpiredError):
        await phone(AcceptLoginTokenRequest(stale.token))


async def test_the_control_port_scans_the_code(town: Town) -> None:
    control = ControlServer(town.telegram)
    await control.start()
    reader, writer = await asyncio.open_connection("127.0.0.1", control.port)

    async def asked(command: bytes) -> bytes:
        writer.write(command + b"\n")
        return await reader.readline()

    assert b"no QR code is shown" in await asked(b'{"op": "scan", "user": "Bob"}')
    client = await town.stranger()
    code = await client.qr_login()
    waiting = asyncio.create_task(code.wait(30))
    assert code.url.encode() in await asked(b'{"op": "login_codes"}')
    assert b'"ok": true' in await asked(b'{"op": "scan", "user": "Bob"}')
    assert (await waiting).id == town.bob.id
    assert b"AUTH_TOKEN_INVALIDX" in await asked(b'{"op": "scan", "user": "Bob", "url": "tg://login?token=AAAA"}')
    writer.close()
    await control.stop()


async def test_the_code_by_phone_is_a_message_of_the_service(town: Town) -> None:
    phone, client = await town.client(town.bob), await town.stranger()
    await client.send_code_request("9996610003")
    (dialog,) = [dialog for dialog in await phone.get_dialogs() if dialog.id == 777_000]
    assert dialog.message.text.startswith("Login code: 12345.")
