"""A real browser calls: Chromium's microphone plays recorded speech, and what the page plays and shows is looked at."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.browser_house import (
    ANSWER,
    QUESTION,
    REMARK,
    STORY,
    BrowserHouse,
    browser_house,
    captions_of,
    chromium,
    microphone_file,
    open_page,
)

WITHIN_MS = 15_000


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BrowserHouse]:
    with browser_house(tmp_path_factory.mktemp("browser")) as house:
        yield house


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory, house: BrowserHouse) -> Iterator[Browser]:
    microphone: Path = microphone_file(tmp_path_factory.mktemp("microphone") / "speech.wav")
    with chromium(microphone) as browser:
        yield browser


@pytest.fixture
def page(browser: Browser, house: BrowserHouse) -> Iterator[Page]:
    context = browser.new_context(locale="en-GB")
    page = open_page(context, f"{house.url}/call")
    yield page
    context.close()
    assert page.troubles == []  # type: ignore[attr-defined]


def call(page: Page) -> None:
    page.click("#call")
    expect(page.locator("#status")).to_have_attribute("data-phase", "listening", timeout=WITHIN_MS)


def type_words(page: Page, words: str) -> None:
    page.fill("#text", words)
    page.press("#text", "Enter")


def test_a_spoken_question_is_answered_and_interrupted(page: Page, house: BrowserHouse) -> None:
    before = len(house.transcript())
    call(page)
    expect(page.locator("#captions li.you .words").first).to_have_text(QUESTION, timeout=WITHIN_MS)
    page.wait_for_function("window.heard.some(([, loudness]) => loudness > 0.02)", timeout=WITHIN_MS)
    expect(page.locator("#captions li.parley .cut")).to_have_count(1, timeout=WITHIN_MS)
    expect(page.locator("#captions li.parley").nth(1).locator(".latency")).to_have_count(1, timeout=WITHIN_MS)
    page.click("#hang-up")
    expect(page.locator("#status-text")).to_have_text("The call is over.", timeout=WITHIN_MS)
    expect(page.locator("#problem")).to_have_text("You have hung up.")
    first, second = house.transcript()[before:]
    assert first[0] == QUESTION
    assert STORY.startswith(first[1])
    assert first[1] != STORY
    assert second == (REMARK, ANSWER)
    shown = captions_of(page)
    assert [(entry["who"], entry["words"]) for entry in shown] == [
        ("you", QUESTION),
        ("parley", first[1]),
        ("you", REMARK),
        ("parley", ANSWER),
    ]
    assert shown[1]["note"] == "interrupted"
    assert shown[1]["cut"].strip()
    assert "thinking" in shown[3]["latency"]
    assert not any(entry["partial"] for entry in shown)
    assert not house.guests.calls
