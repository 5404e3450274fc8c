"""From the last word of a spoken question to the first sound of the answer in the page: Chromium, with everything embedded on one machine.

    python benchmarks/browser_call.py [--quick] [--json FILE]

A headless Chromium calls ``bot.py talk`` of this machine; its microphone plays recorded questions. Everything is measured in the page, on
one clock: the end of a question on the microphone's own track, the first sound of the answer on the track that the page plays. ``cut`` is
from the first sample of an interruption's speech (the breath before it is cut off) to the last sound of the answer that it breaks into,
``session`` from the first message to the answer that a session is created.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import sys
import tempfile
import time
from collections import deque
from collections.abc import AsyncIterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import aiohttp
from playwright.async_api import Page, async_playwright

from benchmarks.chromium import chromium_options, write_microphone
from benchmarks.harness.sounds import from_first_word
from benchmarks.report import argument_parser, median, percentile, publish
from errors import ParleyError
from tests.speech import clip_named

ROOT: Final = Path(__file__).resolve().parent.parent
QUESTIONS: Final = ("ast_conf-extended", "card_001", "goforward", "card_003", "lv_0880")
INTERRUPTION: Final = "lv_0930"
STORY: Final = "Tell me a long story about the sea."
TURNS: Final = 10
CUTS: Final = 12
QUICK: Final = (3, 2)
EVERY_S: Final = 9.0
"""From one question to the next, so that it does not break into an answer."""
FIRST_S: Final = 3.0
CUT_EVERY_S: Final = 14.0
STORY_BEFORE_S: Final = 5.0
READY_WITHIN_S: Final = 120.0
LOUD: Final = 0.008
GAP_S: Final = 2.0
SESSIONS: Final = 20

WATCH: Final = """
  // window.levels: [[seconds, loudness of the microphone, loudness of what is played], ...] every 10 ms, on the clock of one AudioContext.
  // window.mutes: [[seconds, whether the page's own sound is muted], ...], which the track does not know of.
  window.levels = [];
  window.mutes = [];
  const meter = `registerProcessor('meter', class extends AudioWorkletProcessor {
    constructor() { super(); this.sums = [0, 0]; this.samples = 0; this.rows = []; }
    process(inputs) {
      for (const side of [0, 1]) for (const sample of inputs[side][0] ?? []) this.sums[side] += sample * sample;
      this.samples += 128;
      if (this.samples >= 480) {
        this.rows.push([currentTime, ...this.sums.map((sum) => Math.sqrt(sum / this.samples))]);
        this.sums = [0, 0]; this.samples = 0;
        if (this.rows.length >= 10) { this.port.postMessage(this.rows); this.rows = []; }
      }
      return true;
    }
  });`;
  const context = new AudioContext({ sampleRate: 48000 });
  const ready = context.audioWorklet?.addModule(URL.createObjectURL(new Blob([meter], { type: 'text/javascript' }))).then(() => {
    const node = new AudioWorkletNode(context, 'meter', { numberOfInputs: 2, numberOfOutputs: 0 });
    node.port.onmessage = (event) => window.levels.push(...event.data);
    return node;
  });
  const listen = async (track, side) => context.createMediaStreamSource(new MediaStream([track])).connect(await ready, 0, side);
  const open = navigator.mediaDevices?.getUserMedia?.bind(navigator.mediaDevices);
  if (open) navigator.mediaDevices.getUserMedia = async (wish) => {
    const stream = await open(wish);
    listen(stream.getAudioTracks()[0], 0);
    return stream;
  };
  document.addEventListener('DOMContentLoaded', () => {
    const voice = document.getElementById('voice');
    voice.addEventListener('volumechange', () => window.mutes.push([context.currentTime, voice.muted]));
  });
  const Real = window.RTCPeerConnection;
  window.RTCPeerConnection = class extends Real {
    constructor(...all) { super(...all); this.addEventListener('track', (event) => listen(event.track, 1)); }
  };
"""

Levels = list[tuple[float, float, float]]


@dataclass(frozen=True, slots=True)
class Row:
    """What one caller has met with, in milliseconds."""

    turns: int
    p50_ms: float
    p95_ms: float
    missed: int
    cuts: int
    cut_p50_ms: float
    cut_max_ms: float
    session_p50_ms: float
    session_max_ms: float


@contextlib.asynccontextmanager
async def talking(data_dir: Path) -> AsyncIterator[str]:
    """``bot.py talk`` at work, and its address."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    environment = {**os.environ, "HTTP_PORT": str(port), "DATA_DIR": str(data_dir), "CONTROL_SOCKET": "none"}
    program = await asyncio.create_subprocess_exec(sys.executable, str(ROOT / "bot.py"), "talk", env=environment)
    url = f"http://localhost:{port}"
    try:
        await _until_ready(url)
        yield url
    finally:
        if program.returncode is None:
            program.terminate()
        await program.wait()


async def _until_ready(url: str) -> None:
    async with asyncio.timeout(READY_WITHIN_S), aiohttp.ClientSession() as http:
        while True:
            with contextlib.suppress(aiohttp.ClientConnectionError):
                async with http.get(f"{url}/health"):
                    return
            await asyncio.sleep(0.2)


@contextlib.asynccontextmanager
async def calling(url: str, microphone: Path) -> AsyncIterator[Page]:
    """A page in a call; the microphone has begun when this is entered."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(**chromium_options(microphone))
        context = await browser.new_context(bypass_csp=True, permissions=["microphone"])
        page = await context.new_page()
        await page.add_init_script(WATCH)
        await page.goto(f"{url}/call")
        await page.wait_for_selector("html[data-ready=yes]")
        await page.click("#call")
        await page.wait_for_selector("#status[data-phase=listening]", timeout=20_000)
        yield page
        await page.click("#hang-up")
        await browser.close()


async def levels_of(page: Page) -> Levels:
    """What was spoken and played so far."""
    levels, mutes = await page.evaluate("[window.levels, window.mutes]")
    return audible(levels, mutes)


def audible(levels: Sequence[Sequence[float]], mutes: Sequence[tuple[float, bool]]) -> Levels:
    """The levels, with nothing played while the page was muted."""
    waiting, muted, rows = deque(mutes), False, []
    for at_s, microphone, played in levels:
        while waiting and waiting[0][0] <= at_s:
            muted = waiting.popleft()[1]
        rows.append((at_s, microphone, 0.0 if muted else played))
    return rows


def stretches(levels: Levels, side: int, gap_s: float) -> list[tuple[float, float]]:
    """When there was sound on a side (1: microphone, 2: played): from, to; closer together than ``gap_s`` is one."""
    found: list[list[float]] = []
    for row in levels:
        if row[side] < LOUD:
            continue
        if found and row[0] - found[-1][1] < gap_s:
            found[-1][1] = row[0]
        else:
            found.append([row[0], row[0]])
    return [(began_s, ended_s) for began_s, ended_s in found]


def answers_ms(levels: Levels) -> list[float | None]:
    """For each question the time to the first sound of its answer; ``None``: there was none before the next."""
    questions = stretches(levels, 1, GAP_S)
    played = [row[0] for row in levels if row[2] >= LOUD]
    taken: list[float | None] = []
    for place, (_began_s, ended_s) in enumerate(questions):
        until_s = questions[place + 1][0] if place + 1 < len(questions) else ended_s + EVERY_S
        first_s = next((at_s for at_s in played if ended_s < at_s < until_s), None)
        taken.append(None if first_s is None else 1000 * (first_s - ended_s))
    return taken


def cuts_ms(levels: Levels) -> list[float]:
    """For each interruption that broke into an answer: how long the answer went on."""
    played = stretches(levels, 2, 0.35)
    taken = []
    for began_s, _ended_s in stretches(levels, 1, GAP_S):
        broken = [end_s for start_s, end_s in played if start_s < began_s < end_s]
        taken += [1000 * (end_s - began_s) for end_s in broken]
    return taken


async def ask(url: str, folder: Path, turns: int) -> list[float | None]:
    """Ask one question after the other."""
    clips = [clip_named(QUESTIONS[place % len(QUESTIONS)])[0] for place in range(turns)]
    microphone = write_microphone(folder / "questions.wav", [(FIRST_S + place * EVERY_S, pcm) for place, pcm in enumerate(clips)], EVERY_S)
    async with calling(url, microphone) as page:
        await asyncio.sleep(FIRST_S + turns * EVERY_S)
        taken = answers_ms(await levels_of(page))
        spans = await page.eval_on_selector_all(".latency", "bars => bars.map((bar) => bar.getAttribute('aria-label'))")
        print("\n".join(spans), file=sys.stderr)
    return taken


async def interrupt(url: str, folder: Path, cuts: int) -> list[float]:
    """Break into long answers."""
    pcm = from_first_word(clip_named(INTERRUPTION)[0])
    begins = [FIRST_S + STORY_BEFORE_S + place * CUT_EVERY_S for place in range(cuts)]
    microphone = write_microphone(folder / "interruptions.wav", [(at_s, pcm) for at_s in begins], CUT_EVERY_S)
    async with calling(url, microphone) as page:
        began_s = time.monotonic()
        for at_s in begins:
            await asyncio.sleep(max(0.0, at_s - STORY_BEFORE_S - (time.monotonic() - began_s)))
            await page.fill("#text", STORY)
            await page.press("#text", "Enter")
        await asyncio.sleep(CUT_EVERY_S)
        return cuts_ms(await levels_of(page))


async def create_sessions(url: str, number: int) -> list[float]:
    """From the first message to the session, in milliseconds."""
    taken = []
    async with aiohttp.ClientSession() as http:
        for _ in range(number):
            async with http.ws_connect(f"{url}/ws/call") as ws:
                began_s = time.perf_counter()
                await ws.send_json({"type": "create"})
                assert (await ws.receive_json())["type"] == "created"
                taken.append(1000 * (time.perf_counter() - began_s))
    return taken


async def measure(quick: bool) -> Row:
    """All of it."""
    turns, cuts = QUICK if quick else (TURNS, CUTS)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        async with talking(folder / "data") as url:
            sessions = await create_sessions(url, SESSIONS)
            answers = await ask(url, folder, turns)
            cut = await interrupt(url, folder, cuts)
    return row_of(answers, cut, sessions)


def row_of(answers: Sequence[float | None], cut: Sequence[float], sessions: Sequence[float]) -> Row:
    """The figures as a line of the table."""
    answered: list[Any] = [taken for taken in answers if taken is not None]
    return Row(
        turns=len(answered),
        p50_ms=round(median(answered), 1),
        p95_ms=round(percentile(answered, 95), 1),
        missed=len(answers) - len(answered),
        cuts=len(cut),
        cut_p50_ms=round(median(cut), 1) if cut else 0.0,
        cut_max_ms=round(max(cut, default=0.0), 1),
        session_p50_ms=round(median(sessions), 1),
        session_max_ms=round(max(sessions), 1),
    )


def main() -> int:
    """Measure and print; the exit code."""
    parser = argument_parser(__doc__ or "")
    wanted = parser.parse_args()
    try:
        rows = [asdict(asyncio.run(measure(wanted.quick)))]
    except ParleyError as problem:
        print(problem, file=sys.stderr)
        return problem.exit_code
    publish("browser-call", rows, wanted.json, "Browser call: measured in the page, everything embedded")
    return 0


if __name__ == "__main__":
    sys.exit(main())
