import asyncio

from handlers.status import BETWEEN_EDITS_S, FRESH_FOR_S, StatusMessages

CHAT = -1


class Chat:
    def __init__(self) -> None:
        self.done: list[tuple[str, int, str]] = []
        self.gone = False

    async def send(self, chat_id: int, text: str) -> int | None:
        self.done.append(("send", len(self.done) + 1, text))
        return len(self.done)

    async def edit(self, chat_id: int, message_id: int, text: str) -> bool:
        self.done.append(("edit", message_id, text))
        return not self.gone


class Time:
    def __init__(self) -> None:
        self.now_s = 0.0
        self.slept: list[float] = []

    def clock(self) -> float:
        return self.now_s

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now_s += seconds
        await asyncio.sleep(0)


def messages() -> tuple[Chat, Time, StatusMessages]:
    chat, time = Chat(), Time()
    return chat, time, StatusMessages(chat, time.clock, time.sleep)


async def settle() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


async def test_one_message_is_edited_to_the_newest_text_and_not_before_it_is_due() -> None:
    chat, time, status = messages()
    await status.show(CHAT, "call", "one")
    await status.show(CHAT, "call", "two")
    await status.show(CHAT, "call", "three")
    await settle()
    assert chat.done == [("send", 1, "one"), ("edit", 1, "three")]
    assert time.slept == [BETWEEN_EDITS_S]


async def test_the_same_text_is_not_written_again() -> None:
    chat, _, status = messages()
    await status.show(CHAT, "call", "one")
    await status.show(CHAT, "call", "one")
    await settle()
    assert len(chat.done) == 1


async def test_each_purpose_has_its_message_and_an_ended_one_is_left_alone() -> None:
    chat, _, status = messages()
    await status.show(CHAT, "call", "one")
    await status.show(CHAT, "other", "two")
    status.end(CHAT, "call")
    await status.show(CHAT, "call", "three")
    assert [kind for kind, _, _ in chat.done] == ["send", "send", "send"]


async def test_a_message_that_is_gone_or_old_is_replaced() -> None:
    chat, time, status = messages()
    await status.show(CHAT, "call", "one")
    chat.gone = True
    await status.show(CHAT, "call", "two")
    await settle()
    assert chat.done[-1][0] == "send"
    time.now_s += FRESH_FOR_S + 1
    await status.show(CHAT, "call", "three")
    assert chat.done[-1] == ("send", len(chat.done), "three")


async def test_closing_stops_what_waits() -> None:
    chat = Chat()
    status = StatusMessages(chat, lambda: 0.0)
    await status.show(CHAT, "call", "one")
    await status.show(CHAT, "call", "two")
    await status.close()
    assert len(chat.done) == 1
