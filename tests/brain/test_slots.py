"""Which prompt cache a prompt goes to."""

from __future__ import annotations

from brain.engine import Message, Role
from brain.slots import Slots


def dialogue(*texts: str) -> list[Message]:
    return [Message(Role.SYSTEM, "Be brief."), *(Message((Role.USER, Role.ASSISTANT)[index % 2], text) for index, text in enumerate(texts))]


def used(slots: Slots, messages: list[Message], request: int, *, reads_ahead: bool = False, end: bool = True) -> int:
    slot = slots.idle_for_reading_ahead(messages) if reads_ahead else slots.idle_for(messages)
    assert slot is not None
    slots.begin(slot, messages, request, reads_ahead=reads_ahead)
    if end:
        slots.end(request)
    return slot.index


def test_a_conversation_returns_to_its_own_slot() -> None:
    slots = Slots(3)
    ann = used(slots, dialogue("a", "A", "b"), 1)
    bob = used(slots, dialogue("b", "B", "c"), 2)
    assert used(slots, dialogue("a", "A", "b", "B", "x"), 3) == ann
    assert used(slots, dialogue("b", "B", "c", "C", "d"), 4) == bob


def test_a_corrected_question_goes_where_the_first_draft_went() -> None:
    slots = Slots(3)
    first = used(slots, dialogue("a", "A", "what is"), 1)
    assert used(slots, dialogue("a", "A", "what is rain"), 2) == first


def test_another_conversation_does_not_take_a_long_history() -> None:
    slots = Slots(2)
    ann = used(slots, dialogue("a", "A", "b", "B", "c"), 1)
    assert used(slots, dialogue("z"), 2) != ann


def test_the_slot_unused_longest_is_given_up() -> None:
    slots = Slots(2)
    oldest = used(slots, dialogue("a", "A", "b"), 1)
    used(slots, dialogue("c", "C", "d"), 2)
    assert used(slots, dialogue("e", "E", "f"), 3) == oldest


def test_all_at_work_gives_none() -> None:
    slots = Slots(1)
    used(slots, dialogue("a"), 1, end=False)
    assert slots.idle_for(dialogue("b")) is None
    assert slots.idle_for_reading_ahead(dialogue("b")) is None


def test_a_reply_supersedes_one_of_its_own_conversation_only() -> None:
    slots = Slots(2)
    used(slots, dialogue("a", "A", "b"), 7, end=False)
    assert slots.superseded_by(dialogue("a", "A", "b or c")) == 7
    assert slots.superseded_by(dialogue("z")) is None
    assert slots.superseded_by(dialogue("a", "B", "b")) is None


def test_a_reply_supersedes_reading_ahead_for_it() -> None:
    slots = Slots(2)
    used(slots, dialogue(), 7, reads_ahead=True, end=False)
    assert slots.superseded_by(dialogue("a")) == 7


def test_a_reply_supersedes_reading_the_beginning_of_what_is_answered() -> None:
    slots = Slots(2)
    used(slots, dialogue("How many days are"), 7, reads_ahead=True, end=False)
    assert slots.superseded_by(dialogue("What is the capital of Italy?")) is None
    assert slots.superseded_by(dialogue("How many days are there?")) == 7


def test_each_new_call_reads_the_instructions_into_a_slot_of_its_own_while_there_are_some() -> None:
    slots = Slots(2)
    first, second = (used(slots, dialogue(), request, reads_ahead=True) for request in (1, 2))
    assert first != second
    assert slots.idle_for_reading_ahead(dialogue()) is None


def test_the_same_words_understood_again_are_not_read_again() -> None:
    slots = Slots(2)
    used(slots, dialogue("a", "A", "hello"), 1)
    assert slots.idle_for_reading_ahead(dialogue("a", "A", "hello")) is None


def test_nothing_is_read_into_another_slot_while_its_own_is_at_work() -> None:
    slots = Slots(2)
    used(slots, dialogue("a", "A", "how many"), 1, end=False)
    assert slots.idle_for_reading_ahead(dialogue("a", "A", "how many days")) is None
    assert slots.idle_for_reading_ahead(dialogue("z")) is not None


def test_the_first_words_of_a_call_are_not_read_into_another_slot_either() -> None:
    slots = Slots(2)
    used(slots, dialogue("how many"), 1, reads_ahead=True, end=False)
    assert slots.idle_for_reading_ahead(dialogue("how many days")) is None
    assert slots.idle_for_reading_ahead(dialogue("what is the capital")) is not None


def test_a_request_ends_once() -> None:
    slots = Slots(1)
    used(slots, dialogue("a"), 1, end=False)
    assert slots.end(1)
    assert not slots.end(1)
