"""The embedded brain with its real model."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path

import pytest
import pytest_asyncio

from brain.embedded import EmbeddedBrain, Superseded
from brain.engine import Message, Role
from brain.model_process import Finished
from brain.prompt import prompt, system_prompt
from config import load_settings
from errors import EngineError, ModelMissing

pytestmark = pytest.mark.asyncio(loop_scope="module")

INSTRUCTIONS = system_prompt(load_settings(None), small_model=True)
LONG_QUESTION = "Tell me a long story about a lighthouse."


class Subject:
    """The brain under test and how its requests ended."""

    def __init__(self) -> None:
        self.finished: list[Finished] = []
        self.brain = EmbeddedBrain(load_settings(None), self.finished.append)

    async def reply(self, *said: str) -> str:
        async with aclosing(self.brain.reply(dialogue(*said))) as pieces:
            return "".join([piece async for piece in pieces])


def dialogue(*said: str) -> list[Message]:
    history = [Message((Role.USER, Role.ASSISTANT)[index % 2], text) for index, text in enumerate(said)]
    return prompt(INSTRUCTIONS, history, history_tokens=600)


def environment_of(brain: EmbeddedBrain) -> str:
    assert brain.pid is not None
    return Path(f"/proc/{brain.pid}/environ").read_bytes().decode()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def subject() -> AsyncIterator[Subject]:
    subject = Subject()
    await subject.brain.load()
    yield subject
    await subject.brain.close()
    assert subject.brain.pid is None


@pytest.mark.parametrize(
    ("question", "word"),
    [
        ("What is the capital of France?", "Paris"),
        ("How many days are there in a week?", "7"),
        ("What colour is the sky on a clear day?", "blue"),
    ],
)
async def test_answers_everyday_questions_in_a_short_sentence(subject: Subject, question: str, word: str) -> None:
    reply = await subject.reply(question)
    assert word in reply
    assert reply.endswith(".")
    assert len(reply.split()) < 15


async def test_says_the_same_each_time(subject: Subject) -> None:
    assert await subject.reply("What do bees make?") == await subject.reply("What do bees make?")


async def test_streams_its_reply(subject: Subject) -> None:
    pieces = [piece async for piece in subject.brain.reply(dialogue("What is the largest ocean?"))]
    assert len(pieces) > 3
    assert "Pacific" in "".join(pieces)


async def test_what_was_read_ahead_is_not_read_again(subject: Subject) -> None:
    said = ("What is the capital of Spain?", "The capital of Spain is Madrid.")
    await subject.brain.prefill(dialogue(*said))
    ahead = subject.finished[-1]
    await subject.reply(*said, "And of Italy?")
    assert subject.finished[-1].cached >= ahead.cached + ahead.read - 2
    assert subject.finished[-1].read <= 20


async def test_two_conversations_do_not_disturb_each_others_cache(subject: Subject) -> None:
    ann, bob = ("Is snow cold?", "Yes, it is.", "Is ice cold?"), ("Is fire hot?", "Yes, it is.", "Is lava hot?")
    for said in (ann, bob):
        await subject.reply(*said)
    for said in (ann, bob):
        await subject.reply(*said, "Yes, it is.", "Are you sure?")
        assert subject.finished[-1].read <= 25


async def test_two_replies_at_once_are_both_given(subject: Subject) -> None:
    replies = await asyncio.gather(subject.reply("What is the capital of France?"), subject.reply("What is the capital of Italy?"))
    assert "Paris" in replies[0]
    assert "Rome" in replies[1]


async def test_more_replies_at_once_than_slots_wait_their_turn(subject: Subject) -> None:
    animals = ("cat", "dog", "cow", "hen", "pig", "fox")
    replies = await asyncio.gather(*(subject.reply(f"Is a {animal} an animal?") for animal in animals))
    assert all(replies)


async def test_a_cancelled_reply_stops_the_model(subject: Subject) -> None:
    ended = len(subject.finished)
    async with aclosing(subject.brain.reply(dialogue(LONG_QUESTION))) as pieces:
        await anext(pieces)
        await anext(pieces)
    await subject.reply("What is the capital of France?")
    assert len(subject.finished) == ended + 1
    await subject.brain.prefill([*dialogue(LONG_QUESTION), Message(Role.ASSISTANT, "A lighthouse")])
    assert subject.finished[-1].cached < 80


async def test_a_newer_reply_of_the_same_conversation_supersedes(subject: Subject) -> None:
    said = ("Hello.", "Hi.")
    older = subject.brain.reply(dialogue(*said, LONG_QUESTION))
    await anext(older)
    assert "Paris" in await subject.reply(*said, "What is the capital of France?")
    with pytest.raises(Superseded):
        [piece async for piece in older]


async def test_a_reply_does_not_wait_for_reading_ahead(subject: Subject) -> None:
    unheard_of = [Message(Role.SYSTEM, f"{INSTRUCTIONS} " + "Be kind to all. " * 100)]
    reading = asyncio.create_task(subject.brain.prefill(unheard_of))
    await asyncio.sleep(0.2)
    async with aclosing(subject.brain.reply([*unheard_of, Message(Role.USER, "What is the capital of France?")])) as pieces:
        assert "Paris" in "".join([piece async for piece in pieces])
    assert subject.finished[-1].cached > 0
    await reading


async def test_a_crash_costs_the_reply_in_work_and_no_other(subject: Subject) -> None:
    assert subject.brain.pid is not None
    pieces = subject.brain.reply(dialogue(LONG_QUESTION))
    await anext(pieces)
    os.kill(subject.brain.pid, signal.SIGSEGV)
    with pytest.raises(EngineError, match="its process ended unexpectedly"):
        [piece async for piece in pieces]
    assert "Paris" in await subject.reply("What is the capital of France?")


async def test_the_model_is_given_no_secret_and_threads_that_sleep(subject: Subject) -> None:
    environment = environment_of(subject.brain)
    assert "OMP_WAIT_POLICY=passive" in environment
    assert "GOMP_SPINCOUNT=3000" in environment
    assert "API_KEY" not in environment


async def test_no_model_on_disk_is_said(tmp_path: Path) -> None:
    with pytest.raises(ModelMissing):
        await EmbeddedBrain(load_settings(None, models_dir=tmp_path)).load()
    with pytest.raises(ModelMissing, match="BRAIN_MODEL_PATH"):
        await EmbeddedBrain(load_settings(None, brain_model_path=tmp_path / "none.gguf")).load()


async def test_a_file_that_is_no_model_is_said(tmp_path: Path) -> None:
    file = tmp_path / "broken.gguf"
    file.write_bytes(b"this is no model")
    with pytest.raises(EngineError, match=r"could not load .*broken\.gguf.*BRAIN_MODEL_PATH"):
        await EmbeddedBrain(load_settings(None, brain_model_path=file)).load()
