"""Who has opted out is neither transcribed nor answered nor kept, in a call that goes on for everybody else."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from audio.pcm import FRAME_S, HEARING_FRAME_BYTES
from calls import events
from calls.admission import Admission
from calls.call import Call
from calls.chat_manners import manners_kept
from calls.drafting import Engines
from calls.lines import Participant, ParticipantJoined
from calls.manager import CallManager
from calls.manners import Manners
from config import load_settings
from storage import opt_outs
from storage.database import Database
from storage.errors import StorageError
from tests.calls.scripted_line import Lines, ScriptedLine
from tests.calls.stage import ANN, BOB, Clip, HearsClips, ScriptedBrain, ScriptedVoice, Stage
from tests.calls.virtual_time import run_in_virtual_time
from tests.speech import clip_named

CHAT = -1001
OF_WORDS = (events.TurnBegan, events.TurnHeard, events.TurnIgnored, events.ExchangeEnded)


async def says(call: Call, line: ScriptedLine, clip: Clip, participant: Participant, *, then_quiet_s: float = 4.0) -> None:
    """Somebody speaks, and the line plays what Parley says."""
    assert line.sink is not None
    pcm = clip.pcm + bytes(int(then_quiet_s / FRAME_S) * HEARING_FRAME_BYTES)
    for start in range(0, len(pcm) - HEARING_FRAME_BYTES, HEARING_FRAME_BYTES):
        line.sink(participant, pcm[start : start + HEARING_FRAME_BYTES])
        call.playout.read()
        await asyncio.sleep(FRAME_S)


def test_in_a_call_the_sound_of_who_opted_out_goes_nowhere() -> None:
    question = Clip(*clip_named("lv_0880"))
    hears = HearsClips([question])
    unheard: set[int] = {ANN.id}
    captured: list[Participant] = []

    async def manners_for(_chat_id: int) -> Manners:
        return replace(Manners(), unheard=frozenset(unheard), alone_s=None)

    def words_of(happened: list[events.CallEvent], speaker: Participant) -> list[events.CallEvent]:
        return [event for event in happened if isinstance(event, OF_WORDS) and event.speaker_id == speaker.id]

    def answers_to(happened: list[events.CallEvent], speaker: Participant) -> list[events.CallEvent]:
        return [event for event in words_of(happened, speaker) if not isinstance(event, events.TurnBegan)]

    async def work() -> None:
        bus, lines, happened = events.EventBus(), Lines(), list[events.CallEvent]()
        bus.subscribe(happened.append)
        brain = ScriptedBrain(lambda _messages: "Yes.")
        async with CallManager(lines, Engines(hears, brain, ScriptedVoice()), manners_for, bus, Admission(1)) as manager:
            await manager.join(CHAT, "", 1)
            (line,) = lines.made
            for person in (ANN, BOB):
                line.waiting.put_nowait(ParticipantJoined(person))
            call = manager.call(CHAT)
            assert call is not None
            call.listen(lambda participant, _frame: captured.append(participant))

            await says(call, line, question, ANN)
            assert hears.lengths_s == []
            assert brain.asked == []
            assert words_of(happened, ANN) == []
            assert captured == []
            assert manager.state(CHAT).participants == ["Ann", "Bob"]
            assert not manager.state(CHAT).transcript

            await says(call, line, question, BOB)
            assert len(words_of(happened, BOB)) >= 3
            assert words_of(happened, ANN) == []

            unheard.clear()
            await manager.manners_changed(CHAT)
            await says(call, line, question, ANN)
            assert [event for event in words_of(happened, ANN) if isinstance(event, events.ExchangeEnded)]

            answered = len(answers_to(happened, BOB))
            in_the_middle = Clip(question.pcm[: len(question.pcm) // 2], "")
            await says(call, line, in_the_middle, BOB, then_quiet_s=0)
            unheard.add(BOB.id)
            await manager.manners_changed(CHAT)
            await asyncio.sleep(4)
            assert len(answers_to(happened, BOB)) == answered
            heard, before = len(hears.lengths_s), len(words_of(happened, BOB))
            await says(call, line, question, BOB)
            assert (len(hears.lengths_s), len(words_of(happened, BOB))) == (heard, before)

    run_in_virtual_time(work())


async def opts_out(stage: Stage, after_s: float) -> None:
    await asyncio.sleep(after_s)
    stage.conversation.forget(ANN.id)


@pytest.mark.parametrize(
    "when_s", [-0.5, 0.3, 0.9, 1.5], ids=["in the sentence", "in the pause", "before the answer", "while it is thought"]
)
def test_what_somebody_had_said_who_opts_out_before_the_answer_is_not_answered(when_s: float) -> None:
    question = Clip(*clip_named("lv_0880"))
    stage = Stage([question])
    stage.thinks.first_token_s = 3.0
    end_s = stage.say(0.5, question)
    stage.say(end_s + 4.0, question, BOB)

    async def work() -> None:
        await asyncio.gather(stage.play(end_s + 14.0), opts_out(stage, end_s + when_s))

    run_in_virtual_time(work())
    (exchange,) = stage.exchanges()
    assert exchange.speaker == "Bob"
    assert len(stage.audible()) == 1
    assert [past.speaker for past in stage.conversation.history.exchanges] == ["Bob"]


def test_an_answer_that_sounds_already_is_finished_though_its_asker_opts_out() -> None:
    question = Clip(*clip_named("lv_0880"))
    stage = Stage([question])
    end_s = stage.say(0.5, question)

    async def work() -> None:
        await asyncio.gather(stage.play(8.0), opts_out(stage, end_s + 1.2))

    run_in_virtual_time(work())
    (exchange,) = stage.exchanges()
    assert (exchange.reply_heard, exchange.interrupted) == ("Yes. It is so.", False)


def test_a_reply_goes_on_when_who_speaks_over_it_opts_out() -> None:
    question, remark = Clip(*clip_named("lv_0880")), Clip(*clip_named("lv_0930"))
    stage = Stage([question, remark], lambda _messages: "One two three four five six seven eight nine ten eleven twelve.")
    stage.hears.delay_s = 0.3
    end_s = stage.say(0.5, question, BOB)
    until_s = stage.say(end_s + 2.5, remark.pcm[: int((remark.onset_s + 0.35) * 16_000) * 2])

    async def work() -> None:
        await asyncio.gather(stage.play(16.0), opts_out(stage, until_s))

    run_in_virtual_time(work())
    (exchange,) = stage.exchanges()
    assert exchange.reply_heard == exchange.reply
    assert stage.of(events.Interrupted) == []


async def test_a_chats_manners_name_who_opted_out_there_and_remember_it_when_the_database_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = await Database.open(tmp_path / "parley.db")
    await opt_outs.add(database, CHAT, ANN.id, "Ann", 1.0)
    manners_for = manners_kept(database, load_settings(None), small_model=False, history_tokens=1500)
    assert (await manners_for(CHAT)).unheard == {ANN.id}
    assert (await manners_for(CHAT - 1)).unheard == frozenset()

    async def refuse(*_: object) -> None:
        raise StorageError("The database is damaged.")

    with monkeypatch.context() as broken:
        broken.setattr(opt_outs, "of_chat", refuse)
        assert (await manners_for(CHAT)).unheard == {ANN.id}
    await opt_outs.remove(database, CHAT, ANN.id)
    assert (await manners_for(CHAT)).unheard == frozenset()
    await database.close()
