"""Pictures of the two web pages, light and dark, for docs/: a call in the middle, and the page of the calls now.

    python benchmarks/page_pictures.py [FOLDER]

Chromium calls a Parley with scripted engines, so the pictures are the same each time but for the figures.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Final, Literal

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from playwright.sync_api import Browser, Page, expect

from tests.e2e.browser_house import BrowserHouse, browser_house, chromium, microphone_file, open_page

Look = Literal["light", "dark"]
FOLDER: Final = Path(__file__).resolve().parent.parent / "docs"
LOOKS: Final[tuple[Look, ...]] = ("light", "dark")
CALL_PAGE: Final = {"width": 760, "height": 940}
CALLS_PAGE: Final = {"width": 1100, "height": 760}


def take(browser: Browser, house: BrowserHouse, look: Look, folder: Path) -> None:
    """Both pages in one look, at the end of a conversation with an interruption."""
    context = browser.new_context(locale="en-GB", color_scheme=look, permissions=["microphone"], viewport=CALL_PAGE)  # type: ignore[arg-type]
    page = open_page(context, f"{house.url}/call")
    page.click("#call")
    expect(page.locator("#captions li.parley").nth(1).locator(".latency")).to_have_count(1, timeout=40_000)
    page.fill("#text", "And how far is ten meters?")
    page.press("#text", "Enter")
    expect(page.locator("#captions li.parley")).to_have_count(3, timeout=10_000)
    page.screenshot(path=folder / f"call-page-{look}.png")
    _take_calls(context.new_page(), house, folder / f"calls-page-{look}.png")
    context.close()
    house.hang_up()


def _take_calls(page: Page, house: BrowserHouse, file: Path) -> None:
    page.set_viewport_size(CALLS_PAGE)  # type: ignore[arg-type]
    page.goto(house.url)
    page.wait_for_timeout(1_500)
    page.screenshot(path=file)


def main() -> None:
    """Take them all."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER
    with tempfile.TemporaryDirectory() as name:
        microphone = microphone_file(Path(name) / "speech.wav")
        with browser_house(Path(name)) as house, chromium(microphone) as browser:
            for look in LOOKS:
                take(browser, house, look, folder)
    print(f"4 pictures are in {folder}.")


if __name__ == "__main__":
    main()
