"""From the caller's last word to the first sound of the answer in the caller's ear: in a private call, and in a voice chat.

    python benchmarks/private_call.py [--quick] [--json FILE]

Ann talks with Parley over the loopback Telegram with real media, now in the voice chat of a group (through the media server), now in a
private call (from client to client), in turns, so that whatever else the machine does strikes both alike. The engines are stubs with fixed
delays (see benchmarks/v2v.py), so what differs is the line. ``cut`` is from the first sample of an interruption to the last sound that
Ann hears of the reply.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Final, Protocol

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from audio.pcm import PLAYOUT_RATE_HZ
from audio.vad import EnergyActivity
from benchmarks.harness.script import INTERRUPTION, INTERRUPTION_S, LONG, QUESTION, QUESTION_S, SHORT, Delays, Prompter
from benchmarks.harness.sounds import tone
from benchmarks.report import argument_parser, median, percentile, publish
from benchmarks.stub_engines import StubBrain, StubEar, StubVoice
from calls.call import Call
from calls.drafting import Engines
from calls.events import EventBus
from calls.lines.pacer import Pacer
from calls.lines.telegram_group import TelegramGroupLine
from calls.manners import Manners, manners_from
from calls.telegram.client import TelegramAccount
from calls.telegram.engine import CallEngine
from calls.telegram.phone import Phone
from calls.telephone import telephone
from calls.turns.addressing import Mode
from calls.turns.endpointing import PauseRules
from config import Settings, load_settings
from errors import ParleyError
from loopback.media.server import MediaServer
from loopback.people.pacer import Pacer as PeoplePacer
from loopback.people.person import NotHeard, Person
from loopback.settings import LoopbackSettings
from loopback.telegram import LoopbackTelegram

ROUNDS: Final = 3
TURNS: Final = 6
CUTS: Final = 2
QUICK: Final = (1, 3, 1)
ANSWER_WITHIN_S: Final = 5.0
INTO_THE_REPLY_MS: Final = 1200
QUIET_MS: Final = 500
PAUSE_S: Final = 0.5


@dataclass(frozen=True, slots=True)
class Row:
    """One kind of call; ``share`` is the median in hundredths of the voice chat's."""

    call: str
    turns: int
    p50_ms: float
    p95_ms: float
    share: float
    cut_p50_ms: float
    cut_p95_ms: float
    missed: int


@dataclass(slots=True)
class Heard:
    """What Ann has heard in one kind of call, in seconds."""

    answers_s: list[float] = field(default_factory=list)
    cuts_s: list[float] = field(default_factory=list)
    missed: int = 0


class Place(Protocol):
    """A kind of call that Ann can come into, and leave again."""

    async def enter(self) -> None:
        """Ann and Parley talk."""

    async def leave(self) -> None:
        """They no longer do."""


@dataclass(slots=True)
class Caller:
    """Ann, and what the stub engines take her to say."""

    person: Person
    parley_id: int
    prompter: Prompter

    async def ask(self, heard: Heard) -> None:
        """One question and its answer."""
        await self.prompter.prompt(QUESTION, SHORT)
        spoken = await self.person.speak(tone(QUESTION_S, PLAYOUT_RATE_HZ))
        try:
            first_s = await self.person.wait_until_heard(self.parley_id, since_s=spoken.last_s, within_s=ANSWER_WITHIN_S)
            heard.answers_s.append(first_s - spoken.last_s)
        except NotHeard:
            heard.missed += 1
        await self._quiet()

    async def interrupt(self, heard: Heard) -> None:
        """Break into a long answer."""
        await self.prompter.prompt(QUESTION, LONG)
        asked = await self.person.speak(tone(QUESTION_S, PLAYOUT_RATE_HZ))
        try:
            await self.person.wait_until_heard(
                self.parley_id, since_s=asked.last_s, audible_ms=INTO_THE_REPLY_MS, within_s=2 * ANSWER_WITHIN_S
            )
        except NotHeard:
            heard.missed += 1
            return
        await self.prompter.prompt(INTERRUPTION, SHORT)
        cut = await self.person.speak(tone(INTERRUPTION_S, PLAYOUT_RATE_HZ))
        last_s = self.person.ear_of(self.parley_id).last_audible_before(cut.last_s)
        if last_s is None or cut.last_s - last_s < PAUSE_S:
            heard.missed += 1
        else:
            heard.cuts_s.append(last_s - cut.first_s)
        await self.person.wait_until_heard(self.parley_id, since_s=cut.last_s, within_s=ANSWER_WITHIN_S)
        await self._quiet()

    async def _quiet(self) -> None:
        await self.person.wait_until_silent(self.parley_id, hold_ms=QUIET_MS)
        await asyncio.sleep(PAUSE_S)


@dataclass(slots=True)
class VoiceChat:
    """The group's."""

    call: Call
    person: Person
    chat_id: int
    _running: asyncio.Task[None] | None = None

    async def enter(self) -> None:
        """Both join."""
        self._running = asyncio.create_task(self.call.run())
        await self.call.opened
        await self.person.join_call(self.chat_id)

    async def leave(self) -> None:
        """Both leave."""
        await self.person.leave_call()
        assert self._running is not None
        self._running.cancel()
        await asyncio.wait({self._running})


@dataclass(slots=True)
class PrivateCall:
    """Ann phones Parley."""

    person: Person
    parley_id: int

    async def enter(self) -> None:
        """She phones, and it answers."""
        await self.person.call(self.parley_id)

    async def leave(self) -> None:
        """She hangs up."""
        await self.person.hang_up()
        await asyncio.sleep(PAUSE_S)


@dataclass(slots=True)
class Town:
    """Ann and Parley, and both ways to talk."""

    ann: Person
    parley_id: int
    chat_id: int
    account: TelegramAccount
    call_engine: CallEngine
    pacer: Pacer
    engines: Engines
    manners: Manners

    def place(self, private: bool) -> Place:
        """A fresh call."""
        if private:
            return PrivateCall(self.ann, self.parley_id)

        def new_line() -> TelegramGroupLine:
            return TelegramGroupLine(self.account, self.call_engine, self.pacer, self.chat_id, "Book club")

        return VoiceChat(Call(self.chat_id, "Book club", new_line, self.engines, self.manners, EventBus()), self.ann, self.chat_id)


@asynccontextmanager
async def town(prompter: Prompter) -> AsyncIterator[Town]:
    """Everything that is needed."""
    delays = Delays()
    engines = Engines(StubEar(delays, prompter), StubBrain(delays, prompter), StubVoice(delays))
    settings = LoopbackSettings(natural_floods=False)
    async with LoopbackTelegram(MediaServer(), settings=settings) as telegram, PeoplePacer() as people, AsyncExitStack() as stack:
        ann_account, parley = telegram.add_account("Ann"), telegram.add_account("Parley")
        telegram.add_contact(ann_account, parley)
        telegram.add_contact(parley, ann_account)
        group = telegram.add_group("Book club", ann_account, members=[parley])
        telegram.start_voice_chat(group, ann_account)
        ann = Person("Ann", telegram.session_for(ann_account), people)
        await ann.connect()
        stack.push_async_callback(ann.disconnect)
        ours = load_settings(None, api_id=1, api_hash="0" * 32, telegram_session=telegram.session_for(parley), auto_answer_from="contacts")
        account = await TelegramAccount.connect(ours)
        stack.push_async_callback(account.close)
        phone, pacer, manners = Phone(account.client, account.connection.now_s), Pacer(), _manners(ours)
        call_engine = CallEngine(account.client)
        await call_engine.start()
        stack.callback(call_engine.close)

        async def manners_for(_chat_id: int) -> Manners:
            return manners

        nothing: dict[str, Any] = {"room": lambda: None, "history_of": lambda _chat_id: None}
        await stack.enter_async_context(telephone(ours, account, phone, pacer, engines, manners_for, EventBus(), **nothing))
        yield Town(ann, parley.id, group.dialog_id, account, call_engine, pacer, engines, manners)


def _manners(settings: Settings) -> Manners:
    manners = manners_from(settings, small_model=False, history_tokens=1000)
    always = replace(manners.addressing, mode=Mode.ALWAYS)
    return replace(manners, addressing=always, pauses=PauseRules(end_s=Delays().vad_stop_s), waits=None, new_activity=EnergyActivity)


async def measure(rounds: int, turns: int, cuts: int) -> list[Row]:
    """Voice chat and private call in turns."""
    heard = {False: Heard(), True: Heard()}
    prompter = Prompter()
    async with town(prompter) as all_of_it:
        caller = Caller(all_of_it.ann, all_of_it.parley_id, prompter)
        for _ in range(rounds):
            for private in heard:
                place = all_of_it.place(private)
                await place.enter()
                await asyncio.sleep(PAUSE_S)
                for _ in range(turns):
                    await caller.ask(heard[private])
                for _ in range(cuts):
                    await caller.interrupt(heard[private])
                await place.leave()
    group_ms = _ms(heard[False].answers_s)
    return [row_of("private call" if private else "voice chat", each, median(group_ms)) for private, each in heard.items()]


def row_of(call: str, heard: Heard, group_p50_ms: float) -> Row:
    """What was heard as a line of the table."""
    answers_ms, cuts_ms = _ms(heard.answers_s), _ms(heard.cuts_s)
    return Row(
        call,
        len(answers_ms),
        round(median(answers_ms), 1),
        round(percentile(answers_ms, 95), 1),
        round(100 * median(answers_ms) / group_p50_ms, 1) if group_p50_ms else 0.0,
        round(median(cuts_ms), 1),
        round(percentile(cuts_ms, 95), 1),
        heard.missed,
    )


def _ms(seconds: Sequence[float]) -> list[float]:
    return [1000 * each for each in seconds]


def main() -> int:
    """Measure and print; the exit code."""
    wanted = argument_parser(__doc__ or "").parse_args()
    try:
        rows = asyncio.run(measure(*(QUICK if wanted.quick else (ROUNDS, TURNS, CUTS))))
    except ParleyError as problem:
        print(problem, file=sys.stderr)
        return problem.exit_code
    publish("private-call", [asdict(row) for row in rows], wanted.json, "Voice to voice as the caller hears it, stub engines")
    return 0


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    sys.stderr.flush()
    # Without the native library's own exit handlers, which abort at times.
    os._exit(code)
