"""``/calllink``."""

from __future__ import annotations

import pytest

from calls.invite_links import InviteLinks
from errors import ParleyError
from handlers.command import Request
from handlers.links import LinkCommands, Links
from handlers.menus import Menu
from handlers.wording import LANGUAGES, catalogue, of_error, say
from storage import invites
from storage.invites import Invite
from tests.handlers.desk import GROUP, OWNER, PAGES, SUDO, Desk

PAGE = f"{PAGES}/call"


def token_in(answer: str | None) -> str:
    assert answer
    return answer.partition(f"{PAGE}#")[2].split()[0]


async def test_a_link_to_a_call_in_the_manners_of_the_chat(desk: Desk) -> None:
    answer = await desk.say("/calllink", by=SUDO)
    token = token_in(answer)
    assert answer == say("en", "invite.link", minutes=10, url=f"{PAGE}#{token}")
    assert await invites.redeem(desk.services.database, token, 1000.0) == Invite(chat_id=GROUP)


async def test_a_link_to_a_short_call_in_private(desk: Desk) -> None:
    token = token_in(await desk.say("/calllink 30", by=OWNER, private=True))
    assert await invites.redeem(desk.services.database, token, 1000.0) == Invite(chat_id=OWNER, longest_s=1800.0)


async def test_the_token_stands_in_no_list_of_commands(desk: Desk) -> None:
    token = token_in(await desk.say("/calllink 30", by=SUDO))
    await desk.results()
    rows = await desk.services.database.rows("SELECT * FROM audit")
    assert rows
    assert token not in str([tuple(row) for row in rows])


async def test_somebody_who_comes_too_late_is_told_in_every_language() -> None:
    for why in invites.Refusal:
        refused = invites.InviteRefused(why)
        assert say("en", refused.key) == str(refused)
        assert all(refused.key in catalogue(language) for language in LANGUAGES)


async def answer_of(links: Links) -> str | Menu:
    (command,) = LinkCommands(links).commands()
    return await command.answer(Request(GROUP, "Book club", SUDO, language="ca"))


async def test_a_link_that_works_on_this_machine_only_says_so(desk: Desk) -> None:
    answer = await answer_of(InviteLinks(desk.services.database, "http://127.0.0.1:8005"))
    assert str(answer).splitlines()[-1] == say("ca", "invite.only_here")


async def test_without_a_server_there_is_no_link(desk: Desk) -> None:
    with pytest.raises(ParleyError) as refused:
        await answer_of(InviteLinks(desk.services.database, None))
    assert of_error("ca", refused.value) == say("ca", "invite.off")
