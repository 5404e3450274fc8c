import asyncio

from handlers.mailbox import MOST_WAITING, Mailboxes
from tests.calls.waiting import until


async def test_a_chat_is_served_in_order_and_chats_do_not_wait_for_each_other() -> None:
    done: list[str] = []
    gate = asyncio.Event()
    boxes = Mailboxes()

    def job(name: str, wait: bool = False) -> None:
        async def work() -> None:
            if wait:
                await gate.wait()
            done.append(name)

        boxes.post(1 if name.startswith("a") else 2, work)

    job("a1", wait=True)
    job("a2")
    job("b1")
    await until(lambda: done)
    assert done == ["b1"]
    gate.set()
    await boxes.empty()
    assert done == ["b1", "a1", "a2"]
    job("a3")
    await boxes.empty()
    assert done[-1] == "a3"
    await boxes.close()


async def test_a_full_mailbox_refuses() -> None:
    boxes = Mailboxes()

    async def for_ever() -> None:
        await asyncio.Event().wait()

    accepted = 0
    for _ in range(MOST_WAITING * 2):
        accepted += boxes.post(1, for_ever)
    assert accepted == MOST_WAITING
    assert boxes.refused == MOST_WAITING
    await boxes.close()


async def test_a_job_that_fails_does_not_stop_the_next() -> None:
    boxes, done = Mailboxes(), []

    async def bad() -> None:
        raise RuntimeError("broken")

    async def good() -> None:
        done.append(1)

    boxes.post(1, bad)
    boxes.post(1, good)
    await boxes.empty()
    assert done == [1]
    await boxes.close()
