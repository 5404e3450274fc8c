"""A real browser calls: Chromium's microphone plays recorded speech, and what the page plays and shows is looked at."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from calls import events
from tests.e2e.browser_house import (
    ANSWER,
    ECHO,
    QUESTION,
    REMARK,
    STORY,
    WITHIN_MS,
    BrowserHouse,
    browser_house,
    captions_of,
    chromium,
    microphone_file,
    open_page,
)

VOICE_CLIENT = Path(__file__).with_name("voice_client.js")
WATCH_PLAYED = """
  // window.played: how long each sound is that was played, in seconds.
  window.played = [];
  const play = HTMLMediaElement.prototype.play;
  HTMLMediaElement.prototype.play = function (...all) {
    this.addEventListener('playing', () => window.played.push(this.duration), { once: true });
    return play.apply(this, all);
  };
"""


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BrowserHouse]:
    with browser_house(tmp_path_factory.mktemp("browser")) as house:
        yield house


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory, house: BrowserHouse) -> Iterator[Browser]:
    microphone: Path = microphone_file(tmp_path_factory.mktemp("microphone") / "speech.wav")
    at_the_usual_port = f"--host-resolver-rules=MAP localhost:8005 {house.url.removeprefix('http://')}"
    with chromium(microphone, at_the_usual_port) as browser:
        yield browser


@pytest.fixture
def page(browser: Browser, house: BrowserHouse) -> Iterator[Page]:
    yield from opened(browser, house, ["microphone"])


@pytest.fixture
def mute_page(browser: Browser, house: BrowserHouse) -> Iterator[Page]:
    """One that may not use the microphone."""
    yield from opened(browser, house, [])


def opened(browser: Browser, house: BrowserHouse, permissions: list[str]) -> Iterator[Page]:
    context = browser.new_context(locale="en-GB", permissions=permissions)
    page = open_page(context, f"{house.url}/call")
    yield page
    context.close()
    house.hang_up()
    assert page.troubles == []  # type: ignore[attr-defined]


def call(page: Page) -> None:
    page.click("#call")
    expect(page.locator("#status")).to_have_attribute("data-phase", "listening", timeout=WITHIN_MS)


def type_words(page: Page, words: str) -> None:
    page.fill("#text", words)
    page.press("#text", "Enter")


def so_far(page: Page) -> int:
    """How much of the page's sound has been looked at."""
    return int(page.evaluate("window.heard.length"))


def sounds(page: Page, since: int = 0) -> None:
    """Wait until the page has played something, :func:`so_far` or from the beginning."""
    louder = "(since) => window.heard.slice(since).some(([, loudness]) => loudness > 0.02)"
    page.wait_for_function(louder, arg=since, timeout=WITHIN_MS)


def visit(page: Page, address: str) -> None:
    """Open the page anew, until it is ready to be used."""
    page.goto("about:blank")
    page.goto(address)
    page.wait_for_selector("html[data-ready=yes]")


def test_a_spoken_question_is_answered_and_interrupted(page: Page, house: BrowserHouse) -> None:
    before = len(house.transcript())
    call(page)
    expect(page.locator("#captions li.you .words").first).to_have_text(QUESTION, timeout=WITHIN_MS)
    sounds(page)
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
    assert "waiting for the pause" in shown[3]["latency"]
    assert not any(entry["partial"] for entry in shown)
    assert house.calls_have_ended()


def test_without_a_microphone_one_writes_and_hears_the_answer(mute_page: Page, house: BrowserHouse) -> None:
    page = mute_page
    call(page)
    expect(page.locator("#problem")).to_contain_text("not allowed to use the microphone")
    expect(page.locator("#mute")).to_be_disabled()
    expect(page.locator("#text")).to_be_focused()
    type_words(page, "Hello?")
    sounds(page)
    expect(page.locator("#captions li.parley .words")).to_have_text(f"{ECHO}Hello?", timeout=WITHIN_MS)
    expect(page.locator("#announcements")).to_contain_text("You: Hello?")
    house.hang_up()
    expect(page.locator("#problem")).to_have_text("Parley has hung up.", timeout=WITHIN_MS)
    expect(page.locator("#call")).to_be_focused()


def test_when_the_voice_fails_the_page_has_the_words_and_speaks_them(mute_page: Page, house: BrowserHouse) -> None:
    """A91: the answer is shown as text, the browser's own voice says it, and Parley knows that it was heard."""
    page = mute_page
    call(page)
    (guest,) = house.guests.calls
    house.fail_speaking(True)
    try:
        type_words(page, "Can you speak?")
        expect(page.locator("#captions li.parley .note")).to_have_text("could not be spoken", timeout=WITHIN_MS)
    finally:
        house.fail_speaking(False)
    expect(page.locator("#captions li.parley .words").last).to_have_text(f"{ECHO}Can you speak?")
    page.wait_for_function("(said) => window.spokenHere.join(' ') === said", arg=f"{ECHO}Can you speak?", timeout=WITHIN_MS)
    for _ in range(WITHIN_MS // 50):
        if guest.history.exchanges[-1].reply_heard:
            break
        page.wait_for_timeout(50)
    assert guest.history.exchanges[-1].reply_heard == f"{ECHO}Can you speak?"
    silenced = page.evaluate("window.silenced")
    type_words(page, "Never mind.")
    page.wait_for_function("before => window.silenced > before", arg=silenced, timeout=WITHIN_MS)
    page.click("#hang-up")
    expect(page.locator("#call")).to_be_visible(timeout=WITHIN_MS)


def test_a_lost_network_is_come_back_from_and_a_reload_too(page: Page, house: BrowserHouse) -> None:
    call(page)
    page.click("#mute")
    (guest,) = house.guests.calls
    house.cut_cables()
    page.evaluate("window.socket.close()")
    expect(page.locator("#status")).to_have_attribute("data-phase", "reconnecting", timeout=WITHIN_MS)
    expect(page.locator("#status")).to_have_attribute("data-phase", "listening", timeout=WITHIN_MS)
    before = so_far(page)
    type_words(page, "Are you back?")
    sounds(page, before)
    expect(page.locator("#captions li.parley .words").last).to_have_text(f"{ECHO}Are you back?", timeout=WITHIN_MS)
    page.reload()
    page.wait_for_selector("html[data-ready=yes]")
    expect(page.locator("#status-text")).to_have_text("Your call was interrupted. Press Call to go on.")
    page.click("#call")
    expect(page.locator("#text")).to_be_enabled()
    type_words(page, "Still there?")
    sounds(page)
    assert house.guests.calls == (guest,)
    page.click("#hang-up")
    expect(page.locator("#call")).to_be_visible(timeout=WITHIN_MS)


def test_a_link_is_good_for_one_call_within_ten_minutes(page: Page, house: BrowserHouse) -> None:
    link = f"{house.url}/call#{house.invitation()}"
    visit(page, link)
    assert page.url == f"{house.url}/call"
    call(page)
    page.click("#hang-up")
    expect(page.locator("#problem")).to_have_text("You have hung up.", timeout=WITHIN_MS)
    for bad, told in (
        (link, "This link has been used already."),
        (f"{house.url}/call#{house.invitation(age_s=601)}", "This link is too old."),
        (f"{house.url}/call#nonsense", "This link is not one of Parley’s"),
    ):
        visit(page, bad)
        page.click("#call")
        expect(page.locator("#problem")).to_contain_text(told, timeout=WITHIN_MS)


def test_a_page_that_loads_slowly_loses_no_click(page: Page, house: BrowserHouse) -> None:
    page.goto("about:blank")
    page.add_init_script(
        "const real = fetch; fetch = async (...all) => { await new Promise((go) => setTimeout(go, 700)); return real(...all); };"
    )
    page.goto(f"{house.url}/call")
    call(page)


def test_a_page_connects_to_a_session_that_a_program_has_created(page: Page, house: BrowserHouse) -> None:
    """A114."""
    visit(page, f"{house.url}/call#session={house.session('Ann')}")
    call(page)
    assert [guest.title for guest in house.guests.calls] == ["Ann"]


def test_a_page_from_another_origin_is_refused(browser: Browser, house: BrowserHouse) -> None:
    context = browser.new_context()
    page = context.new_page()
    page.route("http://elsewhere.example/", lambda route: route.fulfill(body="<title>a page of somebody else</title>"))
    page.goto("http://elsewhere.example/")
    opened = page.evaluate(
        """(url) => new Promise((resolve) => {
          const socket = new WebSocket(url.replace('http', 'ws') + '/ws/call', ['parley']);
          socket.onopen = () => resolve('open');
          socket.onerror = () => resolve('refused');
        })""",
        house.url,
    )
    posted = page.evaluate(
        "(url) => fetch(url + '/api/call', { method: 'POST', body: '{}' }).then(() => 'done', () => 'refused')", house.url
    )
    context.close()
    assert (opened, posted) == ("refused", "refused")
    assert house.calls_have_ended()


def test_the_page_speaks_four_languages_and_is_used_by_keyboard(browser: Browser, house: BrowserHouse) -> None:
    context = browser.new_context(locale="ca-ES", color_scheme="dark", permissions=["microphone"])
    page = open_page(context, f"{house.url}/call")
    expect(page.get_by_role("button", name="Truca")).to_be_visible()
    for code, text in (("ru", "Позвонить"), ("es", "Llamar"), ("en", "Call")):
        page.select_option("#language", code)
        expect(page.locator("#call")).to_have_text(text)
        expect(page.locator("html")).to_have_attribute("lang", code)
    for role, name in (("button", "Call"), ("combobox", "Microphone"), ("combobox", "Language"), ("textbox", "Write instead of speaking")):
        expect(page.get_by_role(role, name=name, exact=True)).to_have_count(1)  # type: ignore[arg-type]
    page.focus("#call")
    page.keyboard.press("Enter")
    expect(page.locator("#mute")).to_be_focused(timeout=WITHIN_MS)
    page.keyboard.press("Space")
    expect(page.locator("#mute")).to_have_attribute("aria-pressed", "true")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator("#problem")).to_have_text("You have hung up.", timeout=WITHIN_MS)
    background = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert background == "rgb(16, 20, 26)"
    context.close()
    assert page.troubles == []  # type: ignore[attr-defined]
    assert house.calls_have_ended()


def test_the_client_printed_in_the_third_document_holds_a_conversation(browser: Browser, house: BrowserHouse) -> None:
    """K22: unchanged, with MediaRecorder's WebM going in and whole WAV files coming out."""
    context = browser.new_context(permissions=["microphone"], bypass_csp=True)
    page = context.new_page()
    page.add_init_script(WATCH_PLAYED)
    page.goto("http://localhost:8005/call")
    before = len(house.happened)
    page.add_script_tag(content=VOICE_CLIENT.read_text(encoding="utf-8"))
    page.wait_for_function("() => window.played.length > 0", timeout=WITHIN_MS)
    assert page.evaluate("window.played[0] > 0.5"), "no sound was played"
    page.evaluate("client.endCall()")
    page.wait_for_timeout(300)
    context.close()
    assert house.calls_have_ended()
    heard = [event.text for event in house.happened[before:] if isinstance(event, events.TurnHeard)]
    assert heard in ([QUESTION], [QUESTION, REMARK]), "what comes after depends on how soon the page was done"
