"""Replies that say what goes on, and become what came of it."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

from handlers.progress import MOST_REMEMBERED, ProgressReplies
from handlers.status import BETWEEN_EDITS_S

CHAT = -1


class Chat:
    """A sender whose chat is looked at."""

    def __init__(self) -> None:
        self.done: list[tuple[str, int, str]] = []
        self.gone = False
        self.closed_to_us = False

    async def send(self, _chat: Any, _chat_id: int, text: str, reply_to: int) -> int | None:
        self.done.append(("reply to", reply_to, text))
        return None if self.closed_to_us else 100 + reply_to

    async def edit(self, _chat: Any, _chat_id: int, message_id: int, text: str) -> bool:
        self.done.append(("edit", message_id, text))
        return not self.gone


class Time:
    def __init__(self) -> None:
        self.now_s = 0.0

    async def sleep(self, seconds: float) -> None:
        self.now_s += seconds
        await asyncio.sleep(0)


def message(message_id: int) -> Any:
    async def get_input_chat() -> int:
        return CHAT

    return SimpleNamespace(chat_id=CHAT, id=message_id, get_input_chat=get_input_chat)


def replies() -> tuple[Chat, Time, ProgressReplies]:
    chat, time = Chat(), Time()
    sender: Any = chat
    return chat, time, ProgressReplies(sender, lambda: time.now_s, time.sleep)


async def settle() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


async def test_the_reply_becomes_what_came_of_it_as_soon_as_it_may_be_edited() -> None:
    chat, time, progress = replies()
    await progress.tell(message(7), "wait")
    time.now_s = 4.0
    assert await progress.finish(message(7), "done")
    assert chat.done == [("reply to", 7, "wait")]
    await settle()
    assert chat.done == [("reply to", 7, "wait"), ("edit", 107, "done")]
    assert time.now_s == BETWEEN_EDITS_S


async def test_what_nothing_was_told_of_is_replied_in_a_message_of_its_own() -> None:
    chat, _, progress = replies()
    await progress.tell(message(7), "wait")
    assert not await progress.finish(message(8), "done")
    chat.closed_to_us = True
    await progress.tell(message(9), "wait")
    assert not await progress.finish(message(9), "done"), "it was not written"


async def test_a_reply_that_was_deleted_is_written_anew() -> None:
    chat, _, progress = replies()
    chat.gone = True
    await progress.tell(message(7), "wait")
    assert await progress.finish(message(7), "done")
    await settle()
    assert chat.done[-1] == ("reply to", 7, "done")


async def test_old_replies_are_forgotten_and_closing_leaves_all_as_they_are() -> None:
    chat, _, progress = replies()
    for number in range(MOST_REMEMBERED + 1):
        await progress.tell(message(number), "wait")
    assert not await progress.finish(message(0), "done")
    assert await progress.finish(message(MOST_REMEMBERED), "done")
    await progress.close()
    await settle()
    assert {kind for kind, _, _ in chat.done} == {"reply to"}
