"""The page of the calls now, in Chromium: what goes on is shown as it goes on; say something, hang up, sign in, in four languages."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from playwright.async_api import Page, async_playwright, expect

from benchmarks.chromium import chromium_options
from calls import events
from control.http.scopes import Scope
from storage import tokens
from tests.control.http.http_stage import NOW, HttpStage, http_stage
from tests.control.http.test_http_calls import exchange
from tests.control.stage import CHAT

ROOT: Final = Path(__file__).resolve().parents[2]
LANGUAGES: Final = ("en", "ca", "es", "ru")
WITHIN_MS: Final = 30_000
expect.set_options(timeout=WITHIN_MS)


@asynccontextmanager
async def calls_page(tmp_path: Path) -> AsyncIterator[tuple[HttpStage, Page]]:
    """The page with a call of a group in it."""
    async with http_stage(tmp_path) as stage, async_playwright() as playwright:
        stage.calls.joined[CHAT] = "Book club"
        stage.bus.publish(events.CallJoined(chat_id=CHAT, at_s=0, title="Book club"))
        browser = await playwright.chromium.launch(timeout=4 * WITHIN_MS, **chromium_options(tmp_path / "no-microphone.wav"))
        page = await browser.new_page(locale="en-GB")
        page.set_default_timeout(WITHIN_MS)
        troubles: list[str] = []
        page.on("pageerror", lambda error: troubles.append(str(error)))
        page.on("console", lambda message: troubles.append(message.text) if "Content Security Policy" in message.text else None)
        await page.goto(f"http://127.0.0.1:{stage.client.port}/")
        yield stage, page
        await browser.close()
        assert troubles == []


async def test_what_goes_on_is_shown_and_can_be_acted_on(tmp_path: Path) -> None:
    async with calls_page(tmp_path) as (stage, page):
        group = page.get_by_role("article").filter(has_text="Book club")
        await expect(page.get_by_text("One call.")).to_be_visible()
        partial = events.TurnPartial(chat_id=CHAT, at_s=0, turn_id=1, revision=0, speaker="Ann", speaker_id=1, text="When does the <b>")
        stage.bus.publish(partial)
        await expect(group.locator(".caption")).to_have_text("Ann When does the <b>")
        stage.bus.publish(exchange(CHAT, "When does the <b>train</b> leave?", "At nine."))
        await expect(group.locator(".heard .what")).to_have_text("When does the <b>train</b> leave?")
        await expect(group.locator(".reply .what")).to_have_text("At nine.")
        await expect(group.locator(".total")).to_have_text("900 ms")
        await expect(group.locator(".p50")).to_have_text("900 ms")
        assert await group.locator(".latency > span").count() == 5

        await page.get_by_label("Say in the call Book club").fill("Dinner is ready!")
        await page.keyboard.press("Enter")
        await expect(group.get_by_text("It was said.")).to_be_visible()
        assert stage.calls.said == [(CHAT, "Dinner is ready!", None, False)]

        guest = await stage.guest()
        await expect(page.get_by_text("Calls: 2.")).to_be_visible()
        await page.get_by_role("button", name="Hang up: Ann's browser").press("Enter")
        await guest.over
        await expect(page.get_by_text("One call.")).to_be_visible()
        await expect(page.get_by_role("heading", name="Calls now")).to_be_focused()

        for language, heading in zip(LANGUAGES, ("Calls now", "Trucades ara", "Llamadas ahora", "Звонки сейчас"), strict=True):
            await page.select_option("#language", language)
            await expect(page.get_by_role("heading", name=heading)).to_be_visible()
            assert await page.evaluate("document.documentElement.lang") == language


async def test_where_a_token_is_needed_the_page_asks_for_it(tmp_path: Path) -> None:
    async with calls_page(tmp_path) as (stage, page):
        await expect(page.get_by_text("One call.")).to_be_visible()
        good = await stage.token(Scope.CALLS_READ, name="reader")
        await page.reload()
        await page.get_by_label("Token", exact=True).fill("parley_wrong")
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("alert")).to_have_text("This token is unknown. Make a new one with: python bot.py token create NAME")
        await page.get_by_label("Token", exact=True).fill(good)
        await page.keyboard.press("Enter")
        await page.get_by_label("Say in the call Book club").fill("Hello")
        await page.keyboard.press("Enter")
        await expect(page.get_by_text("it lacks the scope calls:control")).to_be_visible()
        assert good not in page.url
        await tokens.revoke(stage.database, "reader", NOW)
        await page.reload()
        await expect(page.get_by_role("alert")).to_contain_text("This token was revoked.")


def test_every_text_of_the_pages_is_there_in_each_language() -> None:
    texts = json.loads((ROOT / "web" / "texts.json").read_text(encoding="utf-8"))
    assert [key for key, told in texts.items() if sorted(told) != sorted(LANGUAGES) or not all(told.values())] == []
    for key, told in texts.items():
        assert len({tuple(sorted(part.partition("}")[0] for part in text.split("{")[1:])) for text in told.values()}) == 1, key
