import asyncio

from calls import errors, events
from calls.ending import REMOVED
from calls.errors import mentioned
from handlers.notices import Notices
from handlers.wording import say

CHAT = -1001


def exchange(reply: str = "Yes.", heard: str = "Yes.", interrupted: bool = False) -> events.ExchangeEnded:
    return events.ExchangeEnded(
        chat_id=CHAT, at_s=0.0, turn_id=1, revision=1, speaker="Ann", speaker_id=1, heard="?",
        reply=reply, reply_heard=heard, interrupted=interrupted,
    )  # fmt: skip


def failed(part: str) -> events.EngineFailed:
    return events.EngineFailed(chat_id=CHAT, at_s=0.0, part=part, what="The service cannot be reached.")


async def told(*happened: events.CallEvent) -> list[str]:
    sent: list[str] = []

    async def send(chat_id: int, text: str) -> None:
        assert chat_id == CHAT
        sent.append(text)

    notices = Notices(send)
    for event in happened:
        notices(event)
    task = asyncio.create_task(notices.run())
    await asyncio.sleep(0.01)
    task.cancel()
    return sent


async def test_an_unreachable_brain_is_told_once_until_it_works_again() -> None:
    sent = await told(failed("thinking"), exchange(heard="Sorry"), failed("thinking"), exchange(heard=""), exchange(), failed("thinking"))
    trouble = "⚠️ I cannot think just now: The service cannot be reached. The call goes on; ask me again."
    assert [text for text in sent if text.startswith("⚠️")] == [trouble, trouble]


async def test_trouble_with_hearing_is_told() -> None:
    assert await told(failed("hearing")) == ["⚠️ I'm having trouble hearing the call: The service cannot be reached."]


async def test_a_reply_that_could_not_be_spoken_is_written() -> None:
    sent = await told(failed("speaking"), exchange(reply="Paris.", heard=""))
    assert sent[0].startswith("⚠️ Failed to stream TTS to call")
    assert sent[1] == "Paris."


async def test_a_reply_cut_off_before_its_first_word_is_not_written() -> None:
    assert await told(exchange(reply="Paris.", heard="", interrupted=True)) == []


async def test_a_call_that_ends_by_itself_says_why_and_one_that_was_left_does_not() -> None:
    left = events.CallLeft(chat_id=CHAT, at_s=0.0, reason="The voice chat was ended.")
    assert await told(left, events.CallLeft(chat_id=CHAT, at_s=0.0, reason="")) == ["The voice chat was ended."]


async def test_how_a_call_gets_on_is_told_in_the_language_of_the_chat_or_as_it_reads() -> None:
    told_in, shown = [], []

    async def send(chat_id: int, text: str) -> None:
        told_in.append((chat_id, text))

    async def show(chat_id: int, purpose: str, text: str) -> None:
        shown.append((chat_id, purpose, text))

    async def catalan(chat_id: int) -> str:
        return "ca"

    notices = Notices(send, catalan, show, owner_chat=7)
    for event in (
        events.CallNotice(chat_id=CHAT, at_s=0.0, text="Paused.", key="no.such.key"),
        events.CallNotice(chat_id=CHAT, at_s=0.0, text="Again.", key="call_error.put_out"),
        events.AccountTrouble(chat_id=CHAT, at_s=0.0, text="Frozen.", key="call_error.frozen"),
        events.AccountTrouble(chat_id=CHAT, at_s=0.0, text="Frozen.", key="call_error.frozen"),
        events.StorageFailed(chat_id=0, at_s=0.0, what="The disk is full."),
    ):
        notices(event)
    task = asyncio.create_task(notices.run())
    await asyncio.sleep(0.01)
    task.cancel()
    assert shown == [(CHAT, "call", "Paused."), (CHAT, "call", say("ca", "call_error.put_out"))]
    assert told_in == [(7, f"⚠️ {say('ca', 'call_error.frozen')}"), (7, "⚠️ The disk is full.")]


async def test_a_chat_that_parley_was_removed_from_is_not_written_to_and_the_owner_is_told() -> None:
    told_in: list[tuple[int, str]] = []

    async def send(chat_id: int, text: str) -> None:
        told_in.append((chat_id, text))

    for owner_chat, title in ((7, "Book club"), (7, ""), (None, "Book club")):
        notices = Notices(send, owner_chat=owner_chat)
        notices(events.CallJoined(chat_id=CHAT, at_s=0.0, title=title))
        notices(events.CallLeft(chat_id=CHAT, at_s=0.0, reason=REMOVED.reason, key=REMOVED.key))
        task = asyncio.create_task(notices.run())
        await asyncio.sleep(0.01)
        task.cancel()
    assert told_in == [(7, say("en", "ended.removed_from", chat=chat)) for chat in ("Book club", str(CHAT))]


async def test_a_slow_chat_does_not_pile_up_notices() -> None:
    assert len(await told(*[exchange(reply=str(number), heard="") for number in range(50)])) == 20


async def test_errors_that_a_notice_mentions_are_in_the_language_of_the_chat() -> None:
    told_in: list[str] = []

    async def send(chat_id: int, text: str) -> None:
        told_in.append(text)

    async def catalan(chat_id: int) -> str:
        return "ca"

    notices = Notices(send, catalan)
    fields = {"count": 5, "minutes": 10, **mentioned(errors.of(errors.NOT_REACHED))}
    notices(events.CallNotice(chat_id=CHAT, at_s=0.0, text="English.", key="notice.paused", fields=fields))
    notices(failed("thinking"))
    task = asyncio.create_task(notices.run())
    await asyncio.sleep(0.01)
    task.cancel()
    assert told_in[0] == say("ca", "notice.paused", count=5, minutes=10, what=say("ca", "call_error.not_reached"))
    assert told_in[1] == say("ca", "trouble.thinking", what=say("ca", "engine_failed"))


async def test_a127_five_failures_in_a_row_suggest_to_do_without() -> None:
    sent = await told(*[each for _ in range(7) for each in (failed("hearing"), exchange(heard=""))], exchange(), failed("hearing"))
    assert sent.count("⚠️ That is 5 times in a row now. /sttoff keeps me from trying until it is mended.") == 1
    sent = await told(*[each for _ in range(7) for each in (failed("speaking"), exchange())])
    assert len([text for text in sent if "in a row" in text]) == 1
    sent = await told(*[each for _ in range(7) for each in (failed("speaking"), exchange(), exchange())])
    assert [text for text in sent if "in a row" in text] == []
