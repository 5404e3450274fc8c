"""The browser door with scripted engines in a thread of its own, and a headless Chromium whose microphone plays recorded speech."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, TypeVar

from aiohttp import web
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from audio.stt import Transcript
from benchmarks.chromium import chromium_options, write_microphone
from brain import Message
from calls import events
from calls.browser_calls import BrowserCalls
from calls.drafting import Engines
from calls.guest_calls import Door, GuestCalls, GuestWishes
from calls.lines.pacer import Pacer
from calls.manners import Manners
from config import load_settings
from control.http.server import application
from control.http.services import HttpServices
from errors import EngineError
from storage import invites
from storage.database import Database
from talk import without_an_account
from tests.calls.stage import ScriptedBrain, ScriptedVoice
from tests.speech import clip_named

Result = TypeVar("Result")

QUESTION: Final = "go forward ten meters"
REMARK: Final = "he might even have been made amiable himself"
QUESTION_AT_S: Final = 1.0
REMARK_AT_S: Final = 9.0
"""Also a busy machine answers the question before."""
WITHIN_MS: Final = 30_000
STARTS_WITHIN_MS: Final = 120_000
expect.set_options(timeout=WITHIN_MS)
STORY: Final = "Once upon a time there was a story. " + " ".join(f"Its sentence number {place} went on for a while." for place in range(9))
ANSWER: Final = "Fine. I have stopped."
ECHO: Final = "You have said: "

WATCH_SOUND: Final = """
  // Watches what the page plays: window.heard is [[ms, loudness], ...] every 10 ms, 0 while the page is muted.
  window.heard = [];
  window.spokenHere = [];
  const Real = window.RTCPeerConnection;
  window.RTCPeerConnection = class extends Real {
    constructor(...all) {
      super(...all);
      window.peers = [...(window.peers ?? []), this];
      this.addEventListener('track', (event) => {
        const context = new AudioContext();
        const analyser = new AnalyserNode(context, { fftSize: 256 });
        context.createMediaStreamSource(new MediaStream([event.track])).connect(analyser);
        const samples = new Float32Array(analyser.fftSize);
        setInterval(() => {
          analyser.getFloatTimeDomainData(samples);
          const loudness = Math.sqrt(samples.reduce((sum, sample) => sum + sample * sample, 0) / samples.length);
          const muted = document.getElementById('voice').muted;
          window.heard.push([Date.now(), muted ? 0 : loudness]);
        }, 10);
      });
    }
  };
  const Socket = window.WebSocket;
  window.WebSocket = class extends Socket {
    constructor(...all) {
      super(...all);
      window.socket = this;
    }
  };
  window.silenced = 0;
  window.speechSynthesis.cancel = () => (window.silenced += 1);
  window.speechSynthesis.speak = (utterance) => {
    window.spokenHere.push(utterance.text);
    setTimeout(() => utterance.dispatchEvent(new Event('end')));
  };
"""


@dataclass
class AttentiveEar:
    """Hears the question, and from the beginning of its answer on the remark: Chromium's microphone plays one after the other."""

    name: str = "attentive ear"
    question_is_answered: bool = False

    async def load(self) -> None: ...

    async def transcribe(self, pcm: bytes, language: str | None = None) -> Transcript:
        await asyncio.sleep(0.05)
        return Transcript(REMARK if self.question_is_answered else QUESTION)

    async def close(self) -> None: ...


def answer(messages: Sequence[Message]) -> str:
    said = messages[-1].text
    if QUESTION in said:
        return STORY
    return ANSWER if REMARK in said else ECHO + said


@dataclass
class BrowserHouse:
    """Made by :func:`browser_house`. What touches the calls runs on their loop: :meth:`run`."""

    data_dir: Path
    ear: AttentiveEar = field(default_factory=AttentiveEar)
    voice: ScriptedVoice = field(default_factory=ScriptedVoice)
    happened: list[events.CallEvent] = field(default_factory=list)
    url: str = ""
    loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.new_event_loop)
    guests: GuestCalls = field(init=False)
    calls: BrowserCalls = field(init=False)
    database: Database = field(init=False)
    _ready: threading.Event = field(default_factory=threading.Event)
    _stop: asyncio.Event = field(default_factory=asyncio.Event)

    def run(self, work: Callable[[], Awaitable[Result]]) -> Result:
        """Do something on the loop of the calls."""

        async def awaited() -> Result:
            return await work()

        return asyncio.run_coroutine_threadsafe(awaited(), self.loop).result(30)

    def fail_speaking(self, fails: bool) -> None:
        self.voice.failure = EngineError("The voice is gone.") if fails else None

    def invitation(self, age_s: float = 0.0) -> str:
        """A token for one call, made so long ago."""
        return self.run(lambda: invites.create(self.database, invites.Invite(language="en"), 1, time.time() - age_s))

    def session(self, title: str) -> str:
        """One that a program has created for a page."""

        async def create() -> str:
            return self.calls.create_session(GuestWishes(door=Door.BROWSER, title=title)).session_id

        return self.run(create)

    def hang_up(self) -> None:
        """Parley hangs up."""

        async def hang_up() -> None:
            guests = self.guests.calls
            for guest in guests:
                guest.hang_up()
            await asyncio.gather(*(guest.over for guest in guests))

        self.run(hang_up)

    def calls_have_ended(self, within_s: float = 20.0) -> bool:
        """Whether there are none, in a moment at the latest."""
        until_s = time.monotonic() + within_s
        while self.guests.calls and time.monotonic() < until_s:
            time.sleep(0.02)
        return not self.guests.calls

    def cut_cables(self) -> None:
        """No packet of any call comes through any more, in either direction."""

        async def cut() -> None:
            for session in self.calls.sessions:
                assert session._line is not None
                assert session._line._peer is not None
                for transceiver in session._line._peer._connection.getTransceivers():
                    for protocol in transceiver.receiver.transport.transport._connection._protocols:
                        for name in ("datagram_received", "send_stun"):
                            setattr(protocol, name, lambda *_all: None)
                        setattr(protocol, "send_data", _into_the_void)  # noqa: B010 - it is a method

        self.run(cut)

    def transcript(self) -> list[tuple[str, str]]:
        """What was said and heard in all calls so far, in order: (said, heard of the reply)."""
        return [(event.heard, event.reply_heard) for event in self.happened if isinstance(event, events.ExchangeEnded)]

    async def serve(self) -> None:
        async with self._served():
            self._ready.set()
            await self._stop.wait()

    @contextlib.asynccontextmanager
    async def _served(self) -> AsyncIterator[None]:
        bus = events.EventBus()
        bus.subscribe(self.happened.append)
        bus.subscribe(self._follow)
        engines = Engines(self.ear, ScriptedBrain(answer), self.voice)

        async def manners_for(_chat_id: int) -> Manners:
            return Manners()

        async with contextlib.AsyncExitStack() as stack:
            self.guests = await stack.enter_async_context(GuestCalls(engines, manners_for, bus))
            pacer = Pacer()
            self.calls = await stack.enter_async_context(BrowserCalls(self.guests, pacer, bus))
            self.database = await Database.open(self.data_dir / "browser.db")
            stack.push_async_callback(self.database.close)
            settings = load_settings(None, data_dir=self.data_dir)
            services = HttpServices(
                settings=settings,
                guests=self.guests,
                engines=engines,
                pacer=pacer,
                bus=bus,
                database=self.database,
                control=without_an_account(settings, self.database, self.ear.name, self.voice.name),
                browser_calls=self.calls,
            )
            runner = web.AppRunner(application(services), shutdown_timeout=0.5)
            await runner.setup()
            stack.push_async_callback(runner.cleanup)
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            self.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
            yield

    def _follow(self, event: events.CallEvent) -> None:
        match event:
            case events.CallJoined():
                self.ear.question_is_answered = False
            case events.PhaseChanged(phase="speaking"):
                self.ear.question_is_answered = True


async def _into_the_void(*_all: object) -> None:
    """What is sent arrives nowhere."""


@contextlib.contextmanager
def browser_house(data_dir: Path) -> Iterator[BrowserHouse]:
    """Serve in a thread while inside."""
    house = BrowserHouse(data_dir)
    thread = threading.Thread(target=house.loop.run_until_complete, args=(house.serve(),), name="browser house")
    thread.start()
    try:
        assert house._ready.wait(60), "the house does not open"
        yield house
    finally:
        house.loop.call_soon_threadsafe(house._stop.set)
        thread.join(60)
        house.loop.close()


def microphone_file(path: Path) -> Path:
    """The question, and later the remark, as Chromium's microphone plays them once."""
    sounds = [(QUESTION_AT_S, clip_named("goforward")[0]), (REMARK_AT_S, clip_named("lv_0930")[0])]
    return write_microphone(path, sounds, silence_after_s=15.0)


@contextlib.contextmanager
def chromium(microphone: Path, *options: str) -> Iterator[Browser]:
    """A headless Chromium that says what the file does."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(timeout=STARTS_WITHIN_MS, **chromium_options(microphone, *options))
        yield browser
        browser.close()


def open_page(context: BrowserContext, url: str) -> Page:
    """The call page, ready to be used; what goes wrong inside it fails the test."""
    page = context.new_page()
    page.add_init_script(WATCH_SOUND)
    troubles: list[str] = []
    page.on("pageerror", lambda error: troubles.append(str(error)))
    page.on("console", lambda message: troubles.append(message.text) if message.type == "error" else None)
    page.troubles = troubles  # type: ignore[attr-defined]
    page.goto(url)
    page.wait_for_selector("html[data-ready=yes]")
    return page


def captions_of(page: Page) -> list[dict[str, Any]]:
    """What the page shows: who, the words, what was cut off, the note under it."""
    shown: list[dict[str, Any]] = page.evaluate(
        """() => [...document.querySelectorAll('#captions li')].map((entry) => ({
          who: entry.className,
          words: entry.querySelector('.words').textContent,
          cut: entry.querySelector('.cut')?.textContent ?? null,
          note: entry.querySelector('.note')?.textContent ?? null,
          partial: entry.querySelector('.partial') !== null,
          latency: entry.querySelector('.latency')?.getAttribute('aria-label') ?? null,
        }))"""
    )
    return shown
