"""The player against people and a bot that exist in memory only; a second of the script takes a hundredth of one."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from calls.events import ExchangeEnded
from errors import ParleyError
from loopback.people.ear import Ear
from loopback.people.mouth import Spoken
from loopback.rehearsal.cast import ChatLog, ChatMessage
from loopback.rehearsal.event_feed import EventFeed
from loopback.rehearsal.player import Ensemble, Player
from loopback.rehearsal.script_file import parse_script
from tests.loopback.rehearsal.stub_world import StubControl, StubWorld
from tests.loopback.rehearsal.talk import hear, tone


@dataclass
class StubBot:
    """Answers commands at once and speech after 50 ms with a tone of ``answer_s``; stops when somebody speaks."""

    people: dict[str, "StubPerson"] = field(default_factory=dict)
    chat: ChatLog = field(default_factory=ChatLog)
    feed: EventFeed = field(default_factory=EventFeed)
    replies: dict[str, str] = field(default_factory=dict)
    answer_s: float = 0.1
    mute: bool = False
    deaf_to: str = ""
    """Somebody whose speech neither stops the bot nor is answered."""
    answering: asyncio.Task[None] | None = None
    turns: int = 0

    def read(self, chat: str, text: str) -> None:
        if text in self.replies:
            self.chat.add(ChatMessage(now(), "Parley", self.replies[text], from_bot=True, chat=chat))

    async def listen(self, speaker: str, spoken: Spoken) -> None:
        if not self.mute and speaker != self.deaf_to:
            self.answering = asyncio.create_task(self._answer(speaker, spoken))

    def heed(self) -> None:
        if self.answering is not None:
            self.answering.cancel()

    async def _answer(self, speaker: str, spoken: Spoken) -> None:
        self.turns += 1
        turn_id, interrupted, first_s = self.turns, False, 0.0
        try:
            await asyncio.sleep(0.05)
            first_s = now()
            while now() < first_s + self.answer_s:
                for person in self.people.values():
                    hear(person.ear, now(), 0.01)
                await asyncio.sleep(0.01)
        except asyncio.CancelledError:
            interrupted = True
        self.feed.add(
            ExchangeEnded(
                chat_id=1,
                at_s=now(),
                turn_id=turn_id,
                revision=1,
                speaker=speaker,
                speaker_id=1,
                heard="hm",
                reply="la",
                reply_heard="la",
                interrupted=interrupted,
                spans_ms={"all": 50.0},
                speech_ended_at_s=spoken.last_s,
                first_sound_at_s=first_s,
            )
        )


@dataclass
class StubPerson:
    name: str
    bot: StubBot
    ear: Ear = field(default_factory=lambda: Ear(now))
    said: list[Spoken] = field(default_factory=list)
    done: list[str] = field(default_factory=list)
    began_s: list[float] = field(default_factory=list)

    async def type(self, chat: str, text: str, *, reply_to_bot: bool = False) -> None:
        self.done.append(text)
        self.bot.read(chat, text)

    async def send_voice_note(self, chat: str, ogg: bytes, duration_s: float, *, caption: str = "", reply_to_bot: bool = False) -> None:
        self.done.append(f"a voice note of {duration_s:.2f} s")

    async def send_file(self, chat: str, data: bytes, name: str, *, caption: str = "", reply_to_bot: bool = False) -> None:
        self.done.append(f"{name}, {len(data)} bytes")

    async def start_voice_chat(self, chat: str) -> None:
        self.done.append("start")

    async def join_call(self, chat: str) -> None:
        self.done.append("join")

    async def leave_call(self) -> None:
        self.done.append("leave")

    async def phone_bot(self) -> None:
        self.done += ["phone", "join"]

    async def hang_up(self) -> None:
        self.done.append("hang up")

    async def speak(self, pcm: bytes) -> Spoken:
        if "join" not in self.done:
            raise ParleyError(f"{self.name} is in no call.", "Join one first.")
        begin_s = now()
        if self.name != self.bot.deaf_to:
            self.bot.heed()
        await asyncio.sleep(0.05)
        spoken = Spoken(begin_s, pcm, begin_s, now())
        self.said.append(spoken)
        await self.bot.listen(self.name, spoken)
        return spoken


@dataclass
class Watcher:
    seen: list[str] = field(default_factory=list)

    def typed(self, who: str, text: str) -> None:
        self.seen.append(f"{who} types {text}")

    def spoke(self, who: str, words: str, interrupting: bool) -> None:
        self.seen.append(f"{who} {'cuts in' if interrupting else 'says'} {words}")

    def waited(self, who: str, voice_to_voice_ms: float) -> None:
        self.seen.append(f"{who} waited")

    def note(self, text: str) -> None:
        self.seen.append(text)

    def failed(self, text: str) -> None:
        self.seen.append(f"failed: {text}")


def now() -> float:
    return asyncio.get_running_loop().time()


def stage(
    steps: str, bot: StubBot, watcher: Watcher | None = None, sounds: dict[int, bytes] | None = None, folder: Path = Path()
) -> Player:
    script = parse_script("people:\n  Ann: {rights: admin}\n  Bob: {}\nsteps:\n" + steps, "talk.yaml", folder)
    bot.people = {name: StubPerson(name, bot) for name in script.people}
    tones = {index: tone(0.05) for index, step in enumerate(script.steps) if step.speaks}
    ensemble = Ensemble(bot.people, StubWorld(), StubControl(), bot.chat, bot.feed, watcher or Watcher(), now)
    player = Player(script, ensemble, tones if sounds is None else sounds)
    player.speaking.answer_time_out_s = 30.0
    return player


def doings(player: Player) -> dict[str, Sequence[str]]:
    return {name: person.done for name, person in player.ensemble.actors.items() if isinstance(person, StubPerson)}


async def test_commands_are_typed_and_their_answers_awaited() -> None:
    bot = StubBot(replies={"/joincall": "✅ Joined", "/callinfo": "In Call: ✅ Yes"})
    player = stage(
        "  - {who: Ann, start_voice_chat: true}\n  - {who: Bob, join_call: true}\n  - {who: Ann, type: /joincall}\n"
        '  - {expect: joined}\n  - wait: 0.01\n  - {who: Ann, type: /callinfo, expect: "/: ✅ Y/"}\n  - {who: Bob, leave_call: true}\n',
        bot,
    )
    await player.play()
    assert player.failures == []
    assert doings(player) == {"Ann": ["start", "/joincall", "/callinfo"], "Bob": ["join", "leave"]}
    assert [message.author for message in bot.chat.messages] == ["Ann", "Parley", "Ann", "Parley"]


async def test_a_failed_expectation_ends_the_play_and_says_what_came_instead() -> None:
    player = stage(
        "  - {who: Bob, type: /joincall, expect: Joined, within: 0.05}\n  - {who: Bob, type: more}\n",
        StubBot(replies={"/joincall": "Only admins"}),
    )
    await player.play()
    assert player.failures == ["step 1: expected 'Joined' in the chat within 0.05 s, but the bot wrote 'Only admins'"]
    assert doings(player)["Bob"] == ["/joincall"]


async def test_an_answer_to_an_earlier_message_does_not_count() -> None:
    bot = StubBot(replies={"/joincall": "Joined"})
    player = stage("  - {who: Ann, type: /joincall, expect: joined}\n  - {who: Ann, type: hm, expect: joined, within: 0.05}\n", bot)
    await player.play()
    assert player.failures == ["step 2: expected 'joined' in the chat within 0.05 s, but the bot wrote nothing"]


async def test_the_next_question_waits_for_the_answer_to_end() -> None:
    bot, watcher = StubBot(), Watcher()
    player = stage("  - {who: Ann, join_call: true}\n  - {who: Ann, say: one}\n  - {who: Ann, say: two}\n", bot, watcher)
    await player.play()
    assert player.failures == []
    exchanges = bot.feed.of_kind(ExchangeEnded)
    assert [exchange.interrupted for exchange in exchanges] == [False, False]
    assert player.said[1].first_s > exchanges[0].at_s
    assert [said.words for said in player.said] == ["one", "two"]
    assert watcher.seen == ["Ann joins the call", "Ann says one", "Ann waited", "Ann says two", "Ann waited"]


async def test_an_interruption_begins_so_long_after_the_answer_is_heard() -> None:
    bot, watcher = StubBot(answer_s=5.0), Watcher()
    player = stage(
        "  - {who: Ann, join_call: true}\n  - {who: Ann, say: a story}\n"
        "  - {who: Ann, say: stop, interrupt_after_ms: 150, wait_for_reply: false}\n",
        bot,
        watcher,
    )
    await player.play()
    bot.heed()
    first_heard_s = bot.people["Ann"].ear.first_audible_after(0.0)
    assert first_heard_s is not None
    assert player.said[1].first_s >= first_heard_s + 0.15
    assert [(said.interrupts, said.wants_answer) for said in player.said] == [(False, True), (True, False)]
    assert "Ann cuts in stop" in watcher.seen
    assert (await bot.feed.wait_for(lambda event: isinstance(event, ExchangeEnded) and event.interrupted, 30.0)) is not None


async def test_a_bot_that_does_not_answer_holds_nobody_up_for_ever() -> None:
    watcher = Watcher()
    player = stage("  - {who: Ann, join_call: true}\n  - {who: Ann, say: one}\n", StubBot(mute=True), watcher)
    player.speaking.answer_time_out_s = 0.1
    await player.play()
    assert watcher.seen[-1] == "failed: Ann got no answer"


async def test_an_interruption_without_an_answer_is_told() -> None:
    watcher = Watcher()
    player = stage(
        "  - {who: Ann, join_call: true}\n  - {who: Ann, say: one}\n  - {who: Ann, say: two, interrupt_after_ms: 1}\n",
        StubBot(mute=True),
        watcher,
    )
    player.speaking.answer_time_out_s = 0.1
    await player.play()
    assert "failed: there was no answer that Ann could interrupt" in watcher.seen


async def test_a_person_who_cannot_act_ends_the_play() -> None:
    player = stage("  - {who: Ann, say: one}\n  - {who: Ann, type: more}\n", StubBot())
    await player.play()
    assert player.failures == ["step 1: Ann is in no call. Join one first."]
    assert doings(player)["Ann"] == []


JOINED = "  - {who: Ann, join_call: true}\n  - {who: Bob, join_call: true}\n"


async def test_what_must_get_no_answer_is_listened_after() -> None:
    player = stage(JOINED + "  - {who: Bob, say: Ann you there, expect_silence: 0.3}\n  - {who: Ann, say: one}\n", StubBot(deaf_to="Bob"))
    await player.play()
    remark, question = player.said
    assert (remark.wants_answer, remark.silence_s) == (False, 0.3)
    assert question.first_s >= remark.last_s + 0.3
    assert player.failures == []


async def test_an_answer_that_was_not_asked_for_is_told_and_heard_to_its_end() -> None:
    bot, watcher = StubBot(), Watcher()
    player = stage(JOINED + "  - {who: Bob, say: Ann you there, expect_silence: 0.3}\n  - {who: Ann, say: one}\n", bot, watcher)
    await player.play()
    assert "failed: Bob got an answer that was not asked for" in watcher.seen
    assert player.said[1].first_s > bot.feed.of_kind(ExchangeEnded)[0].at_s


async def test_signs_of_listening_are_made_into_the_answer_and_its_end_is_awaited() -> None:
    bot, watcher = StubBot(answer_s=3.0, deaf_to="Bob"), Watcher()
    player = stage(
        JOINED + "  - {who: Ann, say: a story}\n  - {who: Bob, say: mm-hm, interrupt_after_ms: 100, bot_goes_on: true}\n"
        "  - {who: Bob, say: okay, interrupt_after_ms: 300, bot_goes_on: true}\n  - {who: Ann, say: thanks}\n",
        bot,
        watcher,
    )
    await player.play()
    story, hum, okay, thanks = player.said
    first_heard_s = bot.people["Ann"].ear.first_audible_after(story.last_s)
    assert first_heard_s is not None
    assert hum.first_s >= first_heard_s + 0.1
    assert okay.first_s >= first_heard_s + 0.3
    assert [exchange.interrupted for exchange in bot.feed.of_kind(ExchangeEnded)] == [False, False]
    assert thanks.first_s > bot.feed.of_kind(ExchangeEnded)[0].at_s
    assert watcher.seen.count("Ann waited") == 2


async def test_what_an_answer_must_say_is_judged_later_and_not_looked_for_in_the_chat() -> None:
    player = stage(JOINED + "  - {who: Ann, say: one, expect: two}\n", StubBot())
    await player.play()
    assert player.failures == []
    assert player.said[0].expected == "two"
