from __future__ import annotations

from brain import Message, Role
from calls.chat_histories import KEPT_EXCHANGES, MOST_EXCHANGES, ChatHistories
from calls.history import History, PastExchange

ANN, BOB = 1, 2


def exchange(number: int, speaker_id: int = ANN) -> PastExchange:
    return PastExchange("Ann" if speaker_id == ANN else "Bob", f"question {number}", f"answer {number}", speaker_id=speaker_id)


def test_a_chat_has_one_history() -> None:
    histories = ChatHistories()

    histories.of(-1).add(exchange(1))

    assert [message.text for message in histories.of(-1).messages()] == ["question 1", "answer 1"]
    assert list(histories.of(-2).messages()) == []


def test_what_a_chat_said_can_be_forgotten_while_a_call_uses_it() -> None:
    histories = ChatHistories()
    in_a_call = histories.of(-1)
    in_a_call.add(exchange(1))
    version = in_a_call.version

    assert histories.clear(-1) == 1
    assert list(in_a_call.messages()) == []
    assert in_a_call.version > version
    assert histories.clear(-1) == 0
    assert histories.clear(-99) == 0


def test_what_somebody_said_can_be_forgotten_in_all_chats() -> None:
    histories = ChatHistories()
    for chat_id in (-1, -2):
        histories.of(chat_id).add(exchange(1, ANN))
        histories.of(chat_id).add(exchange(2, BOB))

    assert histories.forget(ANN) == 2
    assert [message.speaker for message in histories.of(-1).messages() if message.speaker] == ["Bob"]


def test_the_chat_unused_for_longest_is_forgotten_first() -> None:
    histories = ChatHistories(most_chats=2)
    for chat_id in (-1, -2, -1, -3):
        histories.of(chat_id).add(exchange(1))

    assert [len(histories.of(chat_id).exchanges) for chat_id in (-1, -3)] == [2, 1]
    assert histories.of(-2).exchanges == []


def test_a_history_does_not_grow_for_ever() -> None:
    histories = ChatHistories()
    for number in range(MOST_EXCHANGES + 1):
        histories.of(-1).add(exchange(number))

    kept = histories.of(-1).exchanges
    assert len(kept) == KEPT_EXCHANGES
    assert kept[-1] == exchange(MOST_EXCHANGES)


def test_only_what_was_said_and_heard_is_told() -> None:
    history = History([PastExchange("", "", "Welcome!"), PastExchange("Ann", "Never mind.", "")])

    assert list(history.messages()) == [Message(Role.ASSISTANT, "Welcome!"), Message(Role.USER, "Never mind.", "Ann")]
